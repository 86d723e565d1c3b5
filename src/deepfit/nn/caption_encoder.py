"""A caption as one vector: what is said, whatever the order, and what the order says."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deepfit.nn.nets.gru import GRU
from deepfit.nn.sentence_encoder import mean_of_tokens

# B batch, T words, W width of a word, D width of a caption, V vocabulary


class CaptionEncoder(nn.Module):
    """norm(P [mean_t e_t, mean_t h_t]), e the words' vectors, h what a GRU in both directions makes of them.

    The mean of the words themselves lets words that were never seen together combine: "blue" and "cross" each
    add what they have added in other captions. The GRU tells "red on blue" from "blue on red". Padding has no
    influence: a caption's vector is the same in any batch.
    """

    def __init__(self, vocab_size: int, *, width: int = 64, out: int = 128) -> None:
        super().__init__()
        self.words = nn.Embedding(vocab_size, width)
        self.order = GRU(width, width // 2, bidirectional=True)
        self.join = nn.Linear(2 * width, out)
        self.norm = nn.LayerNorm(out)
        nn.init.normal_(self.words.weight, std=1.0)

    def forward(self, words_BT: Tensor, keep_BT: Tensor) -> Tensor:
        """BT -> BD. keep_BT: True for words, False for padding behind them; a caption has at least one."""
        e_BTW = self.words(words_BT)
        h_BTW, _ = self.order(e_BTW, keep_BT.sum(1))
        both = [mean_of_tokens(e_BTW, keep_BT), mean_of_tokens(h_BTW, keep_BT)]
        return self.norm(self.join(torch.cat(both, 1)))
