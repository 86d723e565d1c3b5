"""A product with a matrix that is mostly zeros, and its gradient, as two products with PyTorch's CSR."""

from __future__ import annotations

import warnings
from typing import Any

import torch
from torch import Tensor

# N rows, M columns, E numbers that are not 0, D width

WITHOUT_CSR = ("mps",)
"""Devices on which PyTorch 2.13 has no product with CSR matrices."""


class Sparse:
    """A fixed matrix NM and its transpose, each a function from MD to ND and from ND to MD.

    Not a module: nothing in it is learned.
    """

    def __init__(self, matrix_NM: Tensor | Listed, turned_MN: Tensor | Listed | None = None) -> None:
        self.matrix_NM = matrix_NM
        self.turned_MN = matrix_NM if turned_MN is None else turned_MN

    @classmethod
    def of(
        cls, starts: Tensor, columns: Tensor, values: Tensor, width: int, *, symmetric: bool = False
    ) -> Sparse:
        """From the arrays of its rows: starts [N + 1], columns [E], values [E]; symmetric: N = M, A = A'."""
        height = len(starts) - 1
        rows = torch.repeat_interleave(torch.arange(height, device=starts.device), starts.diff())
        if starts.device.type in WITHOUT_CSR:
            return cls(Listed(rows, columns, values, height), Listed(columns, rows, values, width))
        matrix = _by_rows(starts, columns, values, (height, width))
        if symmetric:
            return cls(matrix)
        order = columns.argsort(stable=True)
        counts = torch.bincount(columns, minlength=width)
        ends = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        return cls(matrix, _by_rows(ends, rows[order], values[order], (width, height)))

    def __matmul__(self, x_MD: Tensor) -> Tensor:
        """MD -> ND, differentiable in x."""
        return _Product.apply(x_MD, self.matrix_NM, self.turned_MN)  # pyright: ignore[reportReturnType]


class Listed:
    """The numbers of a matrix one by one, in any order: slower, on any device."""

    def __init__(self, rows_E: Tensor, columns_E: Tensor, values_E: Tensor, height: int) -> None:
        self.rows_E, self.columns_E, self.values_E, self.height = rows_E, columns_E, values_E, height

    def __matmul__(self, x_MD: Tensor) -> Tensor:
        """MD -> ND."""
        none_ND = x_MD.new_zeros(self.height, x_MD.shape[1])
        return none_ND.index_add(0, self.rows_E, x_MD[self.columns_E] * self.values_E[:, None])


class _Product(torch.autograd.Function):
    """PyTorch's own backward of a CSR product makes a gradient of the matrix too; this one does not."""

    @staticmethod
    def forward(ctx: Any, x_MD: Tensor, matrix_NM: Any, turned_MN: Any) -> Tensor:
        ctx.turned_MN = turned_MN
        return matrix_NM @ x_MD

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return ctx.turned_MN @ grads[0].contiguous(), None, None


def _by_rows(starts: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, int]) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
        return torch.sparse_csr_tensor(starts, columns, values, shape, check_invariants=False)
