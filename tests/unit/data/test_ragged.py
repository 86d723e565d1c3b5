from __future__ import annotations

import numpy as np
import pytest
import torch

from deepfit.data.batches import Selection, cut, join, num_rows, pieces
from deepfit.data.ragged import Ragged, concatenate

ROWS = [[3, 1, 4], [], [1, 5], [9]]


@pytest.fixture
def ragged():
    return Ragged.of(ROWS, np.int32)


def listed(ragged):
    return [ragged.row(place).tolist() for place in range(len(ragged))]


def test_rows_come_back_as_they_went_in(ragged):
    assert listed(ragged) == ROWS
    assert ragged.lengths.tolist() == [3, 0, 2, 1]


@pytest.mark.parametrize(
    "index",
    [
        [2, 0, 2],
        np.empty(0, np.int64),
        slice(1, 3),
        slice(None, None, -1),
        np.array([True, False, True, True]),
        torch.tensor([3, 1]),
    ],
    ids=str,
)
def test_rows_are_taken_like_those_of_an_array(ragged, index):
    places = np.arange(4)[index if isinstance(index, slice) else np.asarray(index)]
    assert listed(ragged[index]) == [ROWS[place] for place in places]


def test_padding_stands_behind_the_items_and_the_mask_says_so(ragged):
    padded, keep = ragged.padded(7)
    assert padded.tolist() == [[3, 1, 4], [7, 7, 7], [1, 5, 7], [9, 7, 7]]
    assert keep.sum(1).tolist() == [3, 0, 2, 1]
    narrow, _ = ragged.padded(0, width=2)
    assert narrow.tolist() == [[3, 1], [0, 0], [1, 5], [9, 0]]


def test_items_may_have_an_axis_of_their_own():
    ragged = Ragged(np.arange(8).reshape(4, 2), np.array([0, 1, 4]))
    padded, _ = ragged[[1, 0]].padded(-1)
    assert padded.tolist() == [[[2, 3], [4, 5], [6, 7]], [[0, 1], [-1, -1], [-1, -1]]]


def test_a_batch_that_holds_it_is_cut_joined_and_selected(ragged):
    batch = {"tokens": ragged, "target": np.arange(4)}
    assert num_rows(batch) == 4
    assert listed(cut(batch, 1, 3)["tokens"]) == ROWS[1:3]
    assert [listed(part["tokens"]) for part in pieces(Selection(batch, torch.tensor([3, 0])), 2)] == [
        [[9]],
        [[3, 1, 4]],
    ]
    both = join(batch, batch)
    assert listed(both["tokens"]) == ROWS + ROWS
    assert listed(concatenate(ragged[:0], ragged)) == ROWS
