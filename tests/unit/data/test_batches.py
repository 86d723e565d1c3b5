"""Batches: rows are gathered when asked for, and cut without losing or doubling any."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from deepfit.data.batches import Selection, cut, num_rows, pieces


class Watched(dict):
    """Arrays that remember which of them were asked for."""

    def __init__(self, **arrays: Any) -> None:
        super().__init__(arrays)
        self.asked: list[str] = []

    def __getitem__(self, name: str) -> Any:
        self.asked.append(name)
        return super().__getitem__(name)


INDEX = [4, 0, 0, 3]


@pytest.mark.parametrize(
    "array", [torch.arange(10).view(5, 2), np.arange(10).reshape(5, 2)], ids=["tensor", "numpy"]
)
@pytest.mark.parametrize("index", [torch.tensor(INDEX), np.array(INDEX)], ids=["tensor index", "numpy index"])
def test_a_selection_is_the_rows_of_its_index_in_order(array: Any, index: Any) -> None:
    taken = Selection({"x": array}, index)["x"]
    assert type(taken) is type(array)
    assert taken.tolist() == [[8, 9], [0, 1], [0, 1], [6, 7]]


def test_nothing_is_gathered_before_its_name_is_asked_for() -> None:
    arrays = Watched(x=torch.arange(5), y=torch.arange(5))
    selection = Selection(arrays, torch.tensor(INDEX))
    assert num_rows(selection) == 4
    part = pieces(selection, 2)[1]
    assert arrays.asked == []
    assert part["y"].tolist() == [0, 3]
    assert arrays.asked == ["y"]


def test_a_selection_is_a_mapping_of_its_arrays() -> None:
    selection = Selection({"x": torch.arange(5), "y": torch.arange(5) * 2}, torch.tensor([1, 2]))
    assert {name: value.tolist() for name, value in selection.items()} == {"x": [1, 2], "y": [2, 4]}
    assert len(selection) == 2
    assert "z" not in selection
    with pytest.raises(KeyError):
        selection["z"]


KINDS = {
    "selection": lambda rows: Selection({"x": torch.arange(100)}, torch.arange(rows)),
    "mapping": lambda rows: {"x": torch.arange(rows), "y": np.arange(rows)},
    "tensor": lambda rows: torch.arange(rows),
    "numpy": lambda rows: np.arange(rows),
}


def values(batch: Any) -> list[int]:
    return [int(value) for value in (batch["x"] if hasattr(batch, "keys") else batch)]


@given(kind=st.sampled_from(sorted(KINDS)), rows=st.integers(0, 30), count=st.integers(1, 12))
def test_pieces_hold_every_row_once_in_order_and_are_as_equal_as_can_be(
    kind: str, rows: int, count: int
) -> None:
    batch = KINDS[kind](rows)
    parts = pieces(batch, count)
    assert [value for part in parts for value in values(part)] == list(range(rows))
    lengths = [num_rows(part) for part in parts]
    assert len(parts) == max(1, min(count, rows))
    assert max(lengths) - min(lengths) <= 1
    assert min(lengths) >= (1 if rows else 0)


@given(
    kind=st.sampled_from(sorted(KINDS)),
    rows=st.integers(0, 20),
    start=st.integers(0, 20),
    stop=st.integers(0, 20),
)
def test_a_cut_is_a_slice_of_every_array(kind: str, rows: int, start: int, stop: int) -> None:
    assert values(cut(KINDS[kind](rows), start, stop)) == list(range(rows))[start:stop]


def test_a_cut_of_a_cut_counts_from_the_cut() -> None:
    selection = Selection({"x": torch.arange(100)}, torch.arange(50, 80))
    assert values(cut(cut(selection, 10, 20), 2, 4)) == [62, 63]
