"""A text as the weighted mean of its tokens' vectors: no order, no depth, and hard to beat for likeness.

Source: Wieting et al. 2016, arXiv 1511.08198, section 3 (the model "word averaging"). Differs: each token has
a weight that is learned too, as the weights of Arora et al. 2017 (ICLR, "A simple but tough-to-beat baseline
for sentence embeddings") are computed; vectors have length 1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

# B batch, T tokens, D width, V vocabulary


class WordAverage(nn.Module):
    """sum_t w_t e_t / |sum_t w_t e_t|, w_t = exp(v_t) of the token at t; zeros for a text of no tokens.

    token_dropout: share of tokens that are left out in training. Vectors start at random, so far from each
    other that texts are at first as near as they have tokens in common; `weigh` makes rare tokens count more.
    """

    def __init__(self, vocab_size: int, *, width: int = 512, token_dropout: float = 0.2) -> None:
        super().__init__()
        self.token_dropout = token_dropout
        self.tokens = nn.EmbeddingBag(vocab_size, width, mode="sum")
        self.log_weights = nn.Embedding(vocab_size, 1)
        nn.init.zeros_(self.log_weights.weight)
        nn.init.normal_(self.tokens.weight, std=width**-0.5)

    def weigh(self, texts_V: Tensor, texts: int) -> None:
        """Set the weights to log((1 + texts) / (1 + texts_V)) + 1, texts_V the number that hold a token."""
        with torch.no_grad():
            self.log_weights.weight[:, 0] = torch.log(torch.log((1 + texts) / (1 + texts_V)) + 1)

    def forward(self, tokens_BT: Tensor, keep_BT: Tensor | None = None) -> Tensor:
        """BT -> BD. keep_BT: True for tokens, False for padding."""
        if not tokens_BT.shape[1]:
            return self.tokens.weight.new_zeros(len(tokens_BT), self.tokens.embedding_dim)
        weights_BT = self.log_weights(tokens_BT).squeeze(2).exp()
        if keep_BT is not None:
            weights_BT = weights_BT * keep_BT
        if self.training and self.token_dropout:
            weights_BT = weights_BT * (torch.rand_like(weights_BT) >= self.token_dropout)
        sums_BD = self.tokens(tokens_BT, per_sample_weights=weights_BT)
        return functional.normalize(sums_BD, dim=1)
