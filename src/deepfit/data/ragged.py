"""Rows of different lengths as one array: the tokens of texts, the letters of sequences."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np


class Ragged:
    """Rows of different lengths, side by side in one flat array; a batch may hold it like any other array.

    values: [all items] or [all items, ...]; starts: int64 [rows + 1], where each row begins, the end of the
    last behind them. Rows are taken by index array, slice or mask, as of a NumPy array, and copied then.
    """

    def __init__(self, values: np.ndarray, starts: np.ndarray) -> None:
        self.values = values
        self.starts = starts

    @classmethod
    def of(cls, rows: Iterable[Any], dtype: Any) -> Ragged:
        """From a row of items each."""
        arrays = [np.asarray(row, dtype) for row in rows]
        starts = np.cumsum([0, *(len(row) for row in arrays)], dtype=np.int64)
        return cls(np.concatenate(arrays) if arrays else np.empty(0, dtype), starts)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __repr__(self) -> str:
        return f"<Ragged, {len(self):,} rows, {len(self.values):,} items of {self.values.dtype}>"

    @property
    def lengths(self) -> np.ndarray:
        """Items of each row, int64."""
        return np.diff(self.starts)

    @property
    def dtype(self) -> np.dtype:
        """Of the items."""
        return self.values.dtype

    def row(self, place: int) -> np.ndarray:
        """The items of one row, without a copy."""
        return self.values[self.starts[place] : self.starts[place + 1]]

    def __getitem__(self, index: Any) -> Ragged:
        """The rows at these places, in this order."""
        places = np.arange(len(self))[np.asarray(index) if not isinstance(index, slice) else index]
        starts, lengths = self.starts[places], self.lengths[places]
        ends = np.cumsum(lengths)
        before = ends - lengths
        within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(before, lengths)
        chosen = self.values[np.repeat(starts, lengths) + within]
        return Ragged(chosen, np.concatenate([[0], ends]).astype(np.int64))

    def padded(self, fill: Any = 0, *, width: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        """[rows, width, ...] with `fill` behind each row's items, and bool [rows, width], True for an item.

        width: by default the longest row's length; of longer rows the first items.
        """
        width = int(self.lengths.max(initial=0)) if width is None else width
        inside = np.arange(width) < self.lengths[:, None]
        out = np.full((*inside.shape, *self.values.shape[1:]), fill, self.values.dtype)
        within = np.arange(len(self.values)) - np.repeat(self.starts[:-1], self.lengths)
        out[inside] = self.values[within < width]
        return out, inside


def concatenate(first: Ragged, second: Ragged) -> Ragged:
    """The rows of the one, then those of the other."""
    starts = np.concatenate([first.starts, second.starts[1:] + first.starts[-1]])
    return Ragged(np.concatenate([first.values, second.values]), starts)
