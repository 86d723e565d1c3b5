"""What is worth doing to make the same work faster on this device."""

from __future__ import annotations

import torch
from torch import nn

COMPILE_PAYS_AFTER_S = {"cpu": 1800.0, "cuda": 300.0}
"""Seconds of training still ahead from which compiling is worth its own minute or two.

Measured on a CPU: ResNet-50 gained 8 % and cost 60 s; small networks gained nothing.
"""


def choose_dtype(precision: str, device: torch.device) -> torch.dtype | None:
    """The autocast type, or None for plain float32.

    `auto` takes bfloat16 where the device multiplies matrices in it natively: GPUs that say so, CPUs with
    AMX. Elsewhere a CPU emulates it, more slowly than float32.
    """
    if precision == "bfloat16":
        return torch.bfloat16
    if precision == "float32":
        return None
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else None
    if device.type == "cpu" and torch.cpu._is_amx_tile_supported():  # pyright: ignore[reportPrivateUsage]  (PyTorch has no public name for it)
        return torch.bfloat16
    return None


def channels_last(net: nn.Module) -> nn.Module:
    """Lay convolution weights out channels-last.

    Which convolutions prefer on CPUs and tensor cores (1.1 to 1.2 times faster here).
    """
    if any(parameter.ndim == 4 for parameter in net.parameters()):
        net.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  (missing from PyTorch's overloads)
    return net


def compiling_pays(device: torch.device, seconds_ahead: float) -> bool:
    """Whether so much training is still ahead that compiling the network should come back."""
    return seconds_ahead > COMPILE_PAYS_AFTER_S.get(device.type, float("inf"))
