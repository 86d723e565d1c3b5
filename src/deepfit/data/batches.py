"""Batches: named arrays that share their first axis, taken by index and cut into pieces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class Selection(Mapping):
    """The rows `index` of named arrays, gathered when a name is asked for and not before.

    Cutting one costs nothing, so a rank or a micro-batch gathers only its own rows, and skipping one reads
    nothing.
    """

    def __init__(self, arrays: Mapping[str, Any], index: Any) -> None:
        self.arrays = arrays
        self.index = index

    def __getitem__(self, name: str) -> Any:
        array = self.arrays[name]
        both = hasattr(array, "index_select") and hasattr(self.index, "index_select")
        return array.index_select(0, self.index) if both else array[self.index]

    def __iter__(self) -> Iterator[str]:
        return iter(self.arrays)

    def __len__(self) -> int:
        return len(self.arrays)

    def cut(self, start: int, stop: int) -> Selection:
        """The rows from start to stop (exclusive) of this selection."""
        return Selection(self.arrays, self.index[start:stop])


def num_rows(batch: Any) -> int:
    """Rows of a batch, or the length of an array."""
    if isinstance(batch, Selection):
        return len(batch.index)
    return len(next(iter(batch.values()))) if isinstance(batch, Mapping) else len(batch)


def cut(batch: Any, start: int, stop: int) -> Any:
    """Rows start to stop (exclusive) of every array of a batch, or of one array."""
    if isinstance(batch, Selection):
        return batch.cut(start, stop)
    if isinstance(batch, Mapping):
        return {name: array[start:stop] for name, array in batch.items()}
    return batch[start:stop]


def pieces(batch: Any, count: int) -> list[Any]:
    """The batch in `count` contiguous pieces, as equal as can be; fewer where it has fewer rows."""
    rows = num_rows(batch)
    count = max(1, min(count, rows))
    return (
        [batch]
        if count == 1
        else [cut(batch, i * rows // count, (i + 1) * rows // count) for i in range(count)]
    )


def join(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """The rows of two batches of NumPy or Ragged arrays, one after the other."""
    import numpy as np

    from deepfit.data import ragged

    return {
        name: ragged.concatenate(array, second[name])
        if isinstance(array, ragged.Ragged)
        else np.concatenate([array, second[name]])
        for name, array in first.items()
    }
