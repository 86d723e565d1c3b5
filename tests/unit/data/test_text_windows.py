"""Windows hold every token of a long text, and one drawn at random is a piece of it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from deepfit.data.ragged import Ragged
from deepfit.data.text_windows import all_windows, drawn_windows, joined, surrounded


def rows_of(*lengths):
    return Ragged.of([np.arange(length) + 1000 * row for row, length in enumerate(lengths)], np.int32)


@pytest.mark.parametrize("lengths", [(0, 5, 10), (11, 1, 37, 250), (10_000,)])
def test_windows_hold_every_token_in_order_and_overlap_as_asked(lengths):
    tokens = rows_of(*lengths)
    found = all_windows(tokens, 10, 3)
    for row, length in enumerate(lengths):
        own = [found.tokens.row(place) for place in np.flatnonzero(found.rows == row)]
        assert all(len(each) == min(length, 10) for each in own)
        assert sorted(set(np.concatenate(own).tolist())) == tokens.row(row).tolist()
        for before, after in pairwise(own):
            assert len(np.intersect1d(before, after)) >= 3
            assert (np.diff(after) == 1).all()
    assert np.bincount(found.rows, found.shares).tolist() == pytest.approx([1.0] * len(lengths))


def test_a_row_that_fits_is_one_window_and_is_not_changed():
    tokens = rows_of(4, 10)
    found = all_windows(tokens, 10, 2)
    assert found.rows.tolist() == [0, 1]
    assert found.tokens.values.tolist() == tokens.values.tolist()


def test_drawn_windows_begin_anywhere_from_the_first_to_the_last_place():
    tokens = rows_of(25, 4)
    assert drawn_windows(tokens, 10, np.array([0.0, 0.5])).row(0).tolist() == list(range(10))
    assert drawn_windows(tokens, 10, np.array([0.9999, 0.5])).row(0).tolist() == list(range(15, 25))
    assert drawn_windows(tokens, 10, np.array([0.5, 0.9])).row(1).tolist() == tokens.row(1).tolist()


def test_rows_get_the_tokens_that_the_network_expects_around_them():
    tokens = rows_of(0, 2)[[0, 1]]
    assert [surrounded(tokens, 7, 8).row(place).tolist() for place in (0, 1)] == [[7, 8], [7, 1000, 1001, 8]]
    assert surrounded(tokens, None, 8).row(1).tolist() == [1000, 1001, 8]
    assert surrounded(tokens, None, None) is tokens


def test_what_windows_say_is_joined_by_their_shares():
    found = all_windows(rows_of(25, 4), 10, 0)
    said = np.array([[0.0], [3.0], [6.0], [5.0]], np.float32)
    np.testing.assert_allclose(joined(said, found, 2), [[3.0], [5.0]])
