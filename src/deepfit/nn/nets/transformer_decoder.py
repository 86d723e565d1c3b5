"""The Transformer decoder in the shape of GPT-2: each token sees those before it and predicts the next.

Each block normalises, then adds: x = x + drop(attention(norm(x))), then x = x + drop(feed forward(norm(x))).
The table of tokens also gives the logits, so it is trained from both ends.

Source: Radford et al. 2019, "Language models are unsupervised multitask learners", section 2.3; attention as
in arXiv 1706.03762; tied tables: Press and Wolf 2017, arXiv 1608.05859.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor, nn

from deepfit.errors import DataError
from deepfit.nn.attention import Extend, FeedForward, KeyValueCache, SelfAttention
from deepfit.nn.dropout import dropout
from deepfit.nn.linear import linear

# B batch, T steps, D width, V vocabulary

PRESETS: dict[str, dict[str, Any]] = {
    "gpt2": {"vocab_size": 50257},
    "gpt2-medium": {"vocab_size": 50257, "width": 1024, "layers": 24, "heads": 16},
    "gpt2-large": {"vocab_size": 50257, "width": 1280, "layers": 36, "heads": 20},
    "gpt2-xl": {"vocab_size": 50257, "width": 1600, "layers": 48, "heads": 25},
    "distilgpt2": {"vocab_size": 50257, "layers": 6},
}
"""Published shapes by name: the constructor's arguments."""


class TransformerDecoder(nn.Module):
    """Tokens to the logits of the token that follows each.

    hidden: the width inside a feed-forward half, four times the width where not said. Weights start normal
    with deviation 0.02, those that write into the residual stream with 0.02 / sqrt(2 layers), biases at zero
    (section 2.3).
    """

    def __init__(
        self,
        vocab_size: int,
        *,
        width: int = 768,
        layers: int = 12,
        heads: int = 12,
        hidden: int | None = None,
        positions: int = 1024,
        dropout: float = 0.1,
        activation: str = "gelu_tanh",
        norm_eps: float = 1e-5,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.heads = heads
        self.tokens = nn.Embedding(vocab_size, width)
        self.positions = nn.Embedding(positions, width)
        blocks = [
            DecoderBlock(
                width, heads, hidden or 4 * width, dropout=dropout, activation=activation, norm_eps=norm_eps
            )
            for _ in range(layers)
        ]
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(width, norm_eps)
        self._initialise(blocks)

    def _initialise(self, blocks: list[DecoderBlock]) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)
            if isinstance(module, nn.Linear):
                nn.init.zeros_(module.bias)
        for block in blocks:
            for layer in (block.attention.out, block.feed.narrow):
                nn.init.normal_(layer.weight, std=0.02 / (2 * len(blocks)) ** 0.5)

    @property
    def longest(self) -> int:
        """The most tokens that it can read."""
        return self.positions.num_embeddings

    def forward(self, tokens_BT: Tensor, cache: KeyValueCache | None = None) -> Tensor:
        """BT -> logits_BTV. With a cache, the tokens follow those that it holds, and join them."""
        return self.logits(self.features(tokens_BT, cache))

    def features(self, tokens_BT: Tensor, cache: KeyValueCache | None = None) -> Tensor:
        """What the logits are made from, BTD. For training, `linear_crossentropy` needs no logits at all."""
        steps, past = tokens_BT.shape[1], cache.length if cache else 0
        if past + steps > self.longest:
            raise DataError(
                f"a text of {past + steps} tokens, and this network knows {self.longest} positions. Cut the"
                " text, or read it in parts."
            )
        x_BTD = self.tokens(tokens_BT) + self.positions.weight[past : past + steps]
        x_BTD = dropout(x_BTD, self.dropout, self.training)
        for layer, block in enumerate(self.blocks):
            x_BTD = block(x_BTD, partial(cache.extend, layer) if cache else None)
        if cache:
            cache.advance(steps)
        return self.norm(x_BTD)

    def logits(self, x_BTD: Tensor) -> Tensor:
        """Products with the table of tokens, x E': BTV."""
        return linear(x_BTD, self.tokens.weight)

    def empty_cache(self, rows: int, capacity: int | None = None) -> KeyValueCache:
        """A cache for so many rows and tokens, as many tokens as the network can read where not said."""
        width = self.tokens.embedding_dim
        return KeyValueCache(
            len(self.blocks),
            rows,
            self.heads,
            capacity or self.longest,
            width // self.heads,
            like=self.tokens.weight.detach(),
        )


class DecoderBlock(nn.Module):
    """x = x + drop(attention(norm(x))); x = x + drop(feed forward(norm(x)))."""

    def __init__(
        self, width: int, heads: int, hidden: int, *, dropout: float, activation: str, norm_eps: float
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.norm1 = nn.LayerNorm(width, norm_eps)
        self.attention = SelfAttention(width, heads, dropout=dropout)
        self.norm2 = nn.LayerNorm(width, norm_eps)
        self.feed = FeedForward(width, hidden, activation=activation)

    def forward(self, x_BTD: Tensor, extend: Extend | None = None) -> Tensor:
        """BTD -> BTD."""
        mixed_BTD = self.attention(self.norm1(x_BTD), causal=True, extend=extend)
        x_BTD = x_BTD + dropout(mixed_BTD, self.dropout, self.training)
        return x_BTD + dropout(self.feed(self.norm2(x_BTD)), self.dropout, self.training)
