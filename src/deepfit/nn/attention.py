"""Attention, and the two halves of a Transformer's block that encoders and decoders share.

Letters: B batch, T query steps, S source steps, H heads, D width, K = D / H, F hidden width.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepfit.errors import DataError
from deepfit.nn.activations import activation as named
from deepfit.nn.dropped_attention import attend_with_dropout
from deepfit.nn.linear import Linear

Extend = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Keys and values of new steps -> those of all steps so far, BHSK."""


def attend(
    q_BHTK: Tensor,
    k_BHSK: Tensor,
    v_BHSK: Tensor,
    keep: Tensor | None = None,
    *,
    causal: bool = False,
    drop: float = 0.0,
) -> Tensor:
    """Mix source values by how well their keys match each query.

    softmax(q k' / sqrt(K)) v, over S. keep, bool and broadcast to BHTS, is True where a query may look; a
    query that may look nowhere gets zeros, not NaN. causal: query t also looks no further than source
    S - T + t, so the last query sees everything. Returns BHTK in the dtype of q; half precision is summed in
    float32. Source: Vaswani et al. 2017, arXiv 1706.03762, eq. 1. Differs: dropout acts on the weights before
    mixing.
    """
    if drop and q_BHTK.device.type == "cpu" and not torch.compiler.is_compiling():
        return attend_with_dropout(q_BHTK, k_BHSK, v_BHSK, keep, causal=causal, drop=drop)
    steps, sources = q_BHTK.shape[-2], k_BHSK.shape[-2]
    causal = causal and steps > 1
    if causal and (keep is not None or steps != sources):
        past_TS = torch.ones(steps, sources, dtype=torch.bool, device=q_BHTK.device).tril(sources - steps)
        keep = past_TS if keep is None else keep & past_TS
        causal = False
    return functional.scaled_dot_product_attention(
        q_BHTK, k_BHSK, v_BHSK, keep, is_causal=causal, dropout_p=drop
    )


class SelfAttention(nn.Module):
    """Every step mixes what it may see of all steps, in several heads side by side.

    concat_h(attend(x Wq_h, x Wk_h, x Wv_h)) Wo, biases included. Source: Vaswani et al. 2017, arXiv
    1706.03762, section 3.2.2. Differs: queries, keys and values come from one product, in this order.
    """

    def __init__(self, width: int, heads: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"the width has to be a multiple of the heads; received {width} and {heads}")
        self.heads = heads
        self.drop = dropout
        self.qkv = Linear(width, 3 * width)
        self.out = Linear(width, width)

    def forward(
        self, x_BTD: Tensor, keep: Tensor | None = None, *, causal: bool = False, extend: Extend | None = None
    ) -> Tensor:
        """BTD -> BTD; extend: remembers keys and values, and gives all that there are."""
        q_BHTK, k_BHTK, v_BHTK = (
            self.qkv(x_BTD).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        )
        k_BHSK, v_BHSK = extend(k_BHTK, v_BHTK) if extend else (k_BHTK, v_BHTK)
        drop = self.drop if self.training else 0.0
        mixed_BHTK = attend(q_BHTK, k_BHSK, v_BHSK, keep, causal=causal, drop=drop)
        return self.out(mixed_BHTK.transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    """act(x W1 + b1) W2 + b2 at every step by itself.

    activation: a name in `deepfit.nn.activations`, or gelu_tanh, the approximation of gelu in GPT-2. Source:
    Vaswani et al. 2017, arXiv 1706.03762, eq. 2.
    """

    def __init__(self, width: int, hidden: int, *, activation: str = "gelu") -> None:
        super().__init__()
        approximate = activation == "gelu_tanh"
        self.activation = partial(functional.gelu, approximate="tanh") if approximate else named(activation)
        self.widen = Linear(width, hidden)
        self.narrow = Linear(hidden, width)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """BTD -> BTD."""
        return self.narrow(self.activation(self.widen(x_BTD)))


class KeyValueCache:
    """Keys and values of the steps so far, layer by layer, so that a decoder reads each step once.

    L layers; room for `capacity` steps is taken at once. length: how many steps are in it.
    """

    def __init__(
        self, layers: int, rows: int, heads: int, capacity: int, head_width: int, *, like: Tensor
    ) -> None:
        self.keys_LBHSK = like.new_empty(layers, rows, heads, capacity, head_width)
        self.values_LBHSK = torch.empty_like(self.keys_LBHSK)
        self.length = 0

    def extend(self, layer: int, k_BHTK: Tensor, v_BHTK: Tensor) -> tuple[Tensor, Tensor]:
        """Put the new steps of a layer behind the others; all of them, BHSK. `advance` counts them."""
        end = self.length + k_BHTK.shape[2]
        if end > self.keys_LBHSK.shape[3]:
            raise DataError(
                f"the cache has room for {self.keys_LBHSK.shape[3]} tokens, received {end}. Make it larger,"
                " or read less at once."
            )
        self.keys_LBHSK[layer, :, :, self.length : end] = k_BHTK
        self.values_LBHSK[layer, :, :, self.length : end] = v_BHTK
        return self.keys_LBHSK[layer, :, :, :end], self.values_LBHSK[layer, :, :, :end]

    def advance(self, steps: int) -> None:
        """Count steps that every layer has been given."""
        self.length += steps
