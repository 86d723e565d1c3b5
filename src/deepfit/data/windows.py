"""Stretches of long series as the rows of a batch, gathered when they are asked for and not before."""

from __future__ import annotations

from typing import Any

import numpy as np


class Windows:
    """One window a row over steps that all rows share; a batch may hold it like any other array.

    values: [all steps, channels], the series one behind the other. Row r is the `width` steps from starts[r];
    steps before firsts[r] or from lasts[r] on belong to another series and are zeros. Indexed as a NumPy
    array by places, it gathers these rows as an array [rows, width, channels]; only those take memory.
    """

    def __init__(
        self, values: np.ndarray, starts: np.ndarray, width: int, firsts: np.ndarray, lasts: np.ndarray
    ) -> None:
        self.values = values
        self.starts = starts
        self.width = width
        self.firsts = firsts
        self.lasts = lasts

    def __len__(self) -> int:
        return len(self.starts)

    def __repr__(self) -> str:
        return f"<Windows, {len(self):,} rows of {self.width:,} steps, {self.values.shape[1]} channels>"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the array of all rows."""
        return len(self), self.width, self.values.shape[1]

    @property
    def dtype(self) -> np.dtype:
        """Of the values."""
        return self.values.dtype

    def __getitem__(self, index: Any) -> Any:
        """A slice: fewer rows, still not gathered. An index array or mask: the rows, gathered."""
        return self.at(index) if isinstance(index, slice) else self.at(index).gathered()

    def at(self, index: Any) -> Windows:
        """The rows at these places, still not gathered."""
        places = np.arange(len(self))[index if isinstance(index, slice) else np.asarray(index)]
        return Windows(self.values, self.starts[places], self.width, self.firsts[places], self.lasts[places])

    def gathered(self) -> np.ndarray:
        """All rows as an array [rows, width, channels]."""
        steps = self.starts[:, None] + np.arange(self.width)
        inside = (steps >= self.firsts[:, None]) & (steps < self.lasts[:, None])
        found = self.values[np.where(inside, steps, 0)]
        found[~inside] = 0
        return found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        gathered = self.gathered()
        return gathered if dtype is None else gathered.astype(dtype)


def whole(rows: np.ndarray) -> Windows:
    """An array [rows, width, channels] as windows, each of which is a series of its own."""
    count, width, channels = rows.shape
    starts = np.arange(count) * width
    return Windows(rows.reshape(count * width, channels), starts, width, starts, starts + width)
