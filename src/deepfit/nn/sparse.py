"""A product with a matrix that is mostly zeros, and its gradient, as two products with PyTorch's CSR."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

# N rows, M columns, E numbers that are not 0, D width


class Sparse:
    """A fixed matrix NM and its transpose, both by rows.

    starts: [N + 1], columns: [E], values: [E] float; turned: the transpose, or None where the matrix is its
    own. Not a module: nothing in it is learned.
    """

    def __init__(self, matrix_NM: Tensor, turned_MN: Tensor | None = None) -> None:
        self.matrix_NM = matrix_NM
        self.turned_MN = matrix_NM if turned_MN is None else turned_MN

    @classmethod
    def of(
        cls, starts: Tensor, columns: Tensor, values: Tensor, width: int, *, symmetric: bool = False
    ) -> Sparse:
        """From the arrays of its rows; symmetric: it is its own transpose."""
        height = len(starts) - 1
        matrix = _by_rows(starts, columns, values, (height, width))
        if symmetric:
            return cls(matrix)
        rows = torch.repeat_interleave(torch.arange(height, device=starts.device), starts.diff())
        order = columns.argsort(stable=True)
        counts = torch.bincount(columns, minlength=width)
        ends = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        return cls(matrix, _by_rows(ends, rows[order], values[order], (width, height)))

    def __matmul__(self, x_MD: Tensor) -> Tensor:
        """MD -> ND, differentiable in x."""
        return _Product.apply(x_MD, self.matrix_NM, self.turned_MN)  # pyright: ignore[reportReturnType]


class _Product(torch.autograd.Function):
    """PyTorch's own backward of a CSR product makes a gradient of the matrix too; this one does not."""

    @staticmethod
    def forward(ctx: Any, x_MD: Tensor, matrix_NM: Tensor, turned_MN: Tensor) -> Tensor:
        ctx.turned_MN = turned_MN
        return matrix_NM @ x_MD

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return ctx.turned_MN @ grads[0].contiguous(), None, None


def _by_rows(starts: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
        return torch.sparse_csr_tensor(starts, columns, values, shape, check_invariants=False)
