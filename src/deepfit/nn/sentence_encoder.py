"""One vector a text: an encoder, and a way to pool the vectors of its tokens."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepfit.nn.nets.transformer_encoder import TransformerEncoder

# B batch, T steps, D width


class SentenceEncoder(nn.Module):
    """Texts to vectors whose angle says how alike they are.

    pooling: mean, first or max; normalise: to length 1; longest: the most tokens of a text that it was
    trained on. Source: Reimers and Gurevych 2019, arXiv 1908.10084, section 3.
    """

    def __init__(
        self,
        encoder: TransformerEncoder,
        *,
        pooling: str = "mean",
        normalise: bool = True,
        longest: int | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.pooling = POOLINGS[pooling]
        self.normalise = normalise
        self.longest = min(longest or encoder.longest, encoder.longest)

    def forward(
        self, tokens_BT: Tensor, keep_BT: Tensor | None = None, types_BT: Tensor | None = None
    ) -> Tensor:
        """BT -> BD."""
        pooled_BD = self.pooling(self.encoder(tokens_BT, keep_BT, types_BT), keep_BT)
        return functional.normalize(pooled_BD, dim=1) if self.normalise else pooled_BD


def mean_of_tokens(x_BTD: Tensor, keep_BT: Tensor | None = None) -> Tensor:
    """The mean over the tokens that are kept, BD; zeros where none is."""
    if keep_BT is None:
        return x_BTD.mean(1)
    counts_B1 = keep_BT.sum(1, keepdim=True).clamp(min=1)
    return x_BTD.masked_fill(~keep_BT.unsqueeze(2), 0.0).sum(1) / counts_B1


def first_of_tokens(x_BTD: Tensor, keep_BT: Tensor | None = None) -> Tensor:
    """The first token that is kept, BD; the very first where none is."""
    if keep_BT is None:
        return x_BTD[:, 0]
    return x_BTD[torch.arange(len(x_BTD), device=x_BTD.device), keep_BT.int().argmax(1)]


def max_of_tokens(x_BTD: Tensor, keep_BT: Tensor | None = None) -> Tensor:
    """The largest value of each feature over the tokens that are kept, BD; zeros where none is."""
    if keep_BT is None:
        return x_BTD.amax(1)
    largest_BD = x_BTD.masked_fill(~keep_BT.unsqueeze(2), float("-inf")).amax(1)
    return largest_BD.masked_fill(~keep_BT.any(1, keepdim=True), 0.0)


POOLINGS: dict[str, Callable[[Tensor, Tensor | None], Tensor]] = {
    "mean": mean_of_tokens,
    "first": first_of_tokens,
    "max": max_of_tokens,
}
