"""Which pairs are learned, from which texts."""

from __future__ import annotations

import numpy as np

from deepfit.data import text_pairs
from deepfit.data.ragged import Ragged
from deepfit.data.text_pairs import learn_pairs


def test_a_pair_counts_once_a_text_and_never_across_two():
    twice = Ragged.of([[1, 2, 1, 2, 1, 2, 3], [2, 1], [2, 1]], np.int32)
    assert learn_pairs(twice, 10, 2, most=99) == [12, 21, 23]
    assert learn_pairs(twice, 10, 2, most=1) == [21]


def test_rare_pairs_are_left_out_where_there_are_enough_texts():
    texts = [[1, 2, 3]] * 150 + [[3, 4]] * 60 + [[5, 6]]
    assert learn_pairs(Ragged.of(texts, np.int32), 10, 2, most=99) == [12, 23, 34]
    assert learn_pairs(Ragged.of(texts[-2:], np.int32), 10, 2, most=99) == [34, 56]


def test_the_most_frequent_pairs_are_kept_and_fewer_where_there_are_many_outputs(monkeypatch):
    tokens = Ragged.of([[1, 2, 3]] * 150 + [[3, 4, 2, 3]] * 60, np.int32)
    assert learn_pairs(tokens, 10, 2, most=2) == [12, 23]
    monkeypatch.setattr(text_pairs, "MOST_WEIGHTS", 40)
    assert learn_pairs(tokens, 10, 40, most=99) == [23]


def test_of_many_texts_evenly_chosen_ones_are_looked_at(monkeypatch):
    monkeypatch.setattr(text_pairs, "MOST_ROWS", 3)
    texts = [[1, token] for token in (1, 2, 3, 4, 5)]
    assert learn_pairs(Ragged.of(texts, np.int32), 6, 2, most=99) == [7, 9, 11]


def test_texts_of_one_token_and_none_have_no_pairs():
    assert learn_pairs(Ragged.of([[], [1], []], np.int32), 3, 2, most=99) == []
    assert learn_pairs(Ragged.of([], np.int32), 2, 2, most=99) == []
