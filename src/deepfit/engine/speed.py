"""What is worth doing to make the same work faster on this device."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

COMPILE_PAYS_AFTER_S = {"cpu": 1800.0, "cuda": 300.0}
"""Seconds of training still ahead from which compiling is worth its own minute or two.

Measured on a CPU: ResNet-50 gained 8 % and cost 60 s; small networks gained nothing.
"""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_MMAP_MAX = -1, -3, -4
"""Numbers of malloc.h: free memory at the top of the heap above which it is given back, the size from which a
block gets pages of its own, and how many such blocks there may be."""


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


@contextmanager
def memory_kept(device: torch.device) -> Iterator[None]:
    """Keep freed memory in the process while it trains on the CPU, for the next step to use again.

    The C library of Linux gives every large block (above 32 MB) back to the system when it is freed, and the
    system has to find and clear its pages anew at the next step: up to 300,000 page faults a step of
    ResNet-50, and a fifth of its time. Elsewhere, where there is no `mallopt`, nothing is changed. In the end
    the usual limits hold again, and what is free is given back.
    """
    try:
        library = ctypes.CDLL(None) if device.type == "cpu" else None
        usable = library is not None and hasattr(library, "mallopt") and hasattr(library, "malloc_trim")
    except (OSError, TypeError):  # Windows has no library without a name
        library, usable = None, False
    if library is None or not usable:
        yield
        return
    for option, value in ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1)):
        library.mallopt(option, value)
    try:
        yield
    finally:
        for option, value in ((M_MMAP_MAX, 65536), (M_MMAP_THRESHOLD, 2**25), (M_TRIM_THRESHOLD, 2**26)):
            library.mallopt(option, value)
        library.malloc_trim(0)


def compiling_pays(device: torch.device, seconds_ahead: float) -> bool:
    """Whether so much training is still ahead that compiling the network should come back."""
    return seconds_ahead > COMPILE_PAYS_AFTER_S.get(device.type, float("inf"))
