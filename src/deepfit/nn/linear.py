"""Linear layers on the fastest product of matrices that the machine has."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Linear(nn.Linear):
    """x W' + b, as `torch.nn.Linear`; by oneDNN on processors of AMD with AVX-512, twice as fast there.

    Measured on an EPYC with AVX-512, 256 x 256 x 256 in float32, two threads: MKL 183 us, oneDNN 90 us.
    PyTorch asks MKL for every float32 product, and MKL keeps its fastest kernels for processors of Intel.
    """

    def forward(self, input: Tensor) -> Tensor:
        """[..., inputs] -> [..., outputs]."""
        return linear(input, self.weight, self.bias)


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The product x W' + b of x [..., inputs] and W [outputs, inputs], by the faster of two libraries.

    While a network is compiled it is PyTorch's own, which the compiler replaces by what it finds fastest.
    """
    if torch.compiler.is_compiling() or x.ndim < 2 or not _for_onednn(x, weight):
        return functional.linear(x, weight, bias)
    # of a slice oneDNN takes the transpose, in backward, several hundred times more slowly: 73 ms for 0.2 ms
    rows: Tensor = _OneDNN.apply(x.reshape(-1, x.shape[-1]).contiguous(), weight, bias)  # pyright: ignore[reportAssignmentType]  (apply is untyped)
    return rows if x.ndim == 2 else rows.view(*x.shape[:-1], len(weight))


class _OneDNN(torch.autograd.Function):
    """x W' + b and its gradients, each product by oneDNN."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.has_bias = bias is not None
        return _product(x, weight, bias)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        x, weight = ctx.saved_tensors
        gradient = gradients[0].contiguous()
        for_x, for_weight, for_bias = ctx.needs_input_grad
        return (
            _product(gradient, weight.t(), None) if for_x else None,
            _product(gradient.t(), x.t(), None) if for_weight else None,
            gradient.sum(0) if for_bias else None,
        )


def _product(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")


def _for_onednn(x: Tensor, weight: Tensor) -> bool:
    plain = x.device.type == "cpu" and x.dtype == weight.dtype == torch.float32 and x.numel() > 0
    return plain and onednn_is_faster() and not torch.is_autocast_enabled("cpu")


@cache
def onednn_is_faster() -> bool:
    """Whether this is a processor of AMD with AVX-512 and PyTorch has oneDNN: the same at every start.

    With AVX2 alone MKL was the faster one (EPYC of 2021: 0.85 against 1.19 ms for a layer of 256 x 256 x 256,
    forward and backward).
    """
    built = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            about = file.read()
    except OSError:
        return False
    return built and "AuthenticAMD" in about and "avx512f" in about
