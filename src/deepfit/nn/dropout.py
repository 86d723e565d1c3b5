"""Dropout whose random numbers cost little on a processor.

PyTorch draws one number an element from a serial generator, which takes a quarter of a Transformer's training
step on a CPU. Here a fast generator of NumPy makes 16 random bits an element. It is seeded by one draw from
PyTorch's default generator, so runs repeat as they would with PyTorch's own dropout: the engine sets that
generator before every batch.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

STEPS = 1 << 16
"""Probabilities are rounded to multiples of 1 / STEPS, and the scale is that of the rounded one."""
SMALL = 4096
"""Below so many elements PyTorch's own generator is as fast."""


class Dropout(nn.Module):
    """Zeroes each element with a probability while training, and scales the others up; see `dropout`."""

    def __init__(self, probability: float = 0.1) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Tensor) -> Tensor:
        """Any shape, kept."""
        return dropout(x, self.probability, self.training)

    def extra_repr(self) -> str:
        """What the printed network shows."""
        return f"{self.probability}"


def dropout(x: Tensor, probability: float, training: bool = True) -> Tensor:
    """Elements zeroed: x m / (1 - p), m independently 0 with probability p, else 1.

    x itself where not training or p = 0. On a CPU p is rounded to a multiple of 1 / 65536 (0.1 becomes
    0.1000061), and the scale is exact for that. Elsewhere, and in compiled networks, it is PyTorch's own.
    Source: Srivastava et al. 2014, JMLR 15, in the inverted form.
    """
    if not training or probability == 0.0:
        return x
    if x.device.type != "cpu" or x.numel() < SMALL or torch.compiler.is_compiling():
        return functional.dropout(x, probability, True)
    return _Dropout.apply(x, probability)  # pyright: ignore[reportReturnType]  (apply is untyped)


def keep_mask(shape: torch.Size, probability: float) -> tuple[Tensor, float]:
    """True where an element stays, and 1 / (1 - p) for the p that is realised. At p = 1 nothing stays."""
    dropped = round(probability * STEPS)
    count = shape.numel()
    seed = int(torch.empty((), dtype=torch.int64).random_())
    words = np.random.Generator(np.random.SFC64(seed)).integers(
        0, np.iinfo(np.uint64).max, -(-count // 4), dtype=np.uint64, endpoint=True
    )
    bits = torch.from_numpy(words.view(np.int16))[:count].view(shape)
    # int16 counts from -32768, since PyTorch compares no unsigned ones
    keep = bits >= dropped - STEPS // 2 if dropped < STEPS else torch.zeros(shape, dtype=torch.bool)
    return keep, STEPS / max(STEPS - dropped, 1)


class _Dropout(torch.autograd.Function):
    """x m scale; its backward needs the mask alone, one byte an element."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, probability: float) -> Tensor:
        keep, ctx.scale = keep_mask(x.shape, probability)
        ctx.save_for_backward(keep)
        return (x * keep.to(x.dtype)).mul_(ctx.scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (keep,) = ctx.saved_tensors
        return (gradients[0] * keep.to(gradients[0].dtype)).mul_(ctx.scale), None
