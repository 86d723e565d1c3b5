"""The Transformer encoder in the shapes of BERT, RoBERTa, DistilBERT and MiniLM.

Every token looks at every other one, in both directions. Each block adds to its input and normalises after:
x = norm(x + drop(attention(x))), then x = norm(x + drop(feed forward(x))).

Sources: Devlin et al. 2018, arXiv 1810.04805 (BERT); Liu et al. 2019, arXiv 1907.11692 (RoBERTa); Sanh et al.
2019, arXiv 1910.01108 (DistilBERT); Wang et al. 2020, arXiv 2002.10957 (MiniLM). Differs: positions are
counted over the tokens that are kept, so padding on either side changes nothing.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from deepfit.errors import DataError
from deepfit.nn.attention import FeedForward, SelfAttention
from deepfit.nn.dropout import dropout
from deepfit.nn.linear import Linear

# B batch, T steps, D width

PRESETS: dict[str, dict[str, Any]] = {
    "bert-base": {"vocab_size": 30522},
    "roberta-base": {
        "vocab_size": 50265,
        "positions": 514,
        "first_position": 2,
        "types": 1,
        "norm_eps": 1e-5,
    },
    "distilbert-base": {"vocab_size": 30522, "layers": 6, "types": 0, "pooled": False},
    "minilm-l6": {"vocab_size": 30522, "width": 384, "layers": 6, "hidden": 1536},
}
"""Published shapes by name: the constructor's arguments."""


class TransformerEncoder(nn.Module):
    """Tokens to one vector a token that has seen the others.

    positions: the longest text, plus first_position; types: kinds of segments that may be told apart (the two
    sentences of a pair), 0 for none; first_position: where the table of positions begins to be used (RoBERTa
    keeps two rows free); pooled: with the linear layer behind `pool`. Weights start normal with deviation
    0.02, biases at zero (BERT, as published).
    """

    def __init__(
        self,
        vocab_size: int,
        *,
        width: int = 768,
        layers: int = 12,
        heads: int = 12,
        hidden: int = 3072,
        positions: int = 512,
        first_position: int = 0,
        types: int = 2,
        pooled: bool = True,
        dropout: float = 0.1,
        activation: str = "gelu",
        norm_eps: float = 1e-12,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.first_position = first_position
        self.tokens = nn.Embedding(vocab_size, width)
        self.positions = nn.Embedding(positions, width)
        self.types = nn.Embedding(types, width) if types else None
        self.norm = nn.LayerNorm(width, norm_eps)
        self.blocks = nn.ModuleList(
            EncoderBlock(width, heads, hidden, dropout=dropout, activation=activation, norm_eps=norm_eps)
            for _ in range(layers)
        )
        self.pooler = Linear(width, width) if pooled else None
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)

    @property
    def longest(self) -> int:
        """The most tokens that a text may have."""
        return self.positions.num_embeddings - self.first_position

    def forward(
        self, tokens_BT: Tensor, keep_BT: Tensor | None = None, types_BT: Tensor | None = None
    ) -> Tensor:
        """BT -> BTD. keep_BT: True for tokens, False for padding, whose own outputs mean nothing.

        In the place of tokens their vectors may be given, BTD.
        """
        if tokens_BT.shape[1] > self.longest:
            raise DataError(
                f"a text of {tokens_BT.shape[1]} tokens, and this network knows {self.longest} positions. Cut"
                " the text, or read it in parts."
            )
        vectors_BTD = tokens_BT if tokens_BT.is_floating_point() else self.tokens(tokens_BT)
        x_BTD = vectors_BTD + self.positions(self._places(tokens_BT, keep_BT))
        if self.types is not None:
            x_BTD = x_BTD + (self.types.weight[0] if types_BT is None else self.types(types_BT))
        x_BTD = dropout(self.norm(x_BTD), self.dropout, self.training)
        keep_B11T = None if keep_BT is None else keep_BT[:, None, None]
        for block in self.blocks:
            x_BTD = block(x_BTD, keep_B11T)
        return x_BTD

    def pool(self, x_BTD: Tensor) -> Tensor:
        """tanh(W x_0 + b), from the first token alone, which stands for the whole text: BD."""
        if self.pooler is None:
            raise ValueError("this network was built without its pooler")
        return torch.tanh(self.pooler(x_BTD[:, 0]))

    def _places(self, tokens_BT: Tensor, keep_BT: Tensor | None) -> Tensor:
        """Rows of the table of positions: T or BT."""
        if keep_BT is None:
            return torch.arange(tokens_BT.shape[1], device=tokens_BT.device) + self.first_position
        return (keep_BT.cumsum(1) - 1).clamp_(min=0) + self.first_position


class EncoderBlock(nn.Module):
    """x = norm(x + drop(attention(x))); x = norm(x + drop(feed forward(x)))."""

    def __init__(
        self, width: int, heads: int, hidden: int, *, dropout: float, activation: str, norm_eps: float
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.attention = SelfAttention(width, heads, dropout=dropout)
        self.norm1 = nn.LayerNorm(width, norm_eps)
        self.feed = FeedForward(width, hidden, activation=activation)
        self.norm2 = nn.LayerNorm(width, norm_eps)

    def forward(self, x_BTD: Tensor, keep: Tensor | None = None) -> Tensor:
        """BTD -> BTD."""
        x_BTD = self.norm1(x_BTD + dropout(self.attention(x_BTD, keep), self.dropout, self.training))
        return self.norm2(x_BTD + dropout(self.feed(x_BTD), self.dropout, self.training))
