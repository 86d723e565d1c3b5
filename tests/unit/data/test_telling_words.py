"""Words that tell groups apart: a hand-worked case, and what they are not put off by."""

from __future__ import annotations

import numpy as np
import pytest

from deepfit.data.telling_words import PRIOR, telling_words

TEXTS = [f"the {said} {place}" for said in ("parcel was late", "price is high") for place in range(10)]
GROUPS = np.repeat([0, 1], 10)


def test_the_words_of_a_group_come_with_the_shares_of_texts_that_hold_them():
    first, second = telling_words(TEXTS, GROUPS, count=2, most=3)
    assert {each.word for each in first} == {"parcel", "was", "late"}
    assert {each.word for each in second} == {"price", "is", "high"}
    assert all((each.inside, each.outside) == (1.0, 0.0) for each in (*first, *second))


def test_sureness_is_the_difference_of_log_odds_over_its_standard_error():
    texts = ["tea"] * 7 + ["rice"] * 3 + ["tea"] * 1 + ["rice"] * 9
    found = telling_words(texts, np.repeat([0, 1], 10), count=2, most=5)
    assert [[each.word for each in words] for words in found] == [["tea"], ["rice"]]
    prior = PRIOR * 8 / 20
    inside = 7 + prior, 3 + PRIOR - prior + 0.5
    outside = 1 + prior, 9 + PRIOR - prior + 0.5
    odds = np.log(inside[0] / inside[1]) - np.log(outside[0] / outside[1])
    error = np.sqrt(sum(1 / each for each in (*inside, *outside)))
    assert found[0][0].sure == pytest.approx(odds / error)
    assert (found[0][0].inside, found[0][0].outside) == (0.7, 0.1)


def test_a_word_that_every_text_holds_tells_nothing():
    found = telling_words(TEXTS, GROUPS, count=2, most=50)
    assert not any(each.word == "the" for words in found for each in words)


def test_a_long_text_that_repeats_a_word_does_not_make_it_telling():
    texts = [*TEXTS, "loud " * 10_000]
    found = telling_words(texts, np.append(GROUPS, 0), count=2, most=50)
    assert "loud" not in {each.word for each in found[0]}


def test_an_empty_group_a_single_one_and_texts_without_words_have_no_telling_words():
    assert telling_words(TEXTS, GROUPS, count=3, most=5)[2] == []
    assert telling_words(TEXTS, np.zeros(20, int), count=1, most=5) == [[]]
    assert telling_words(["!", "?"], np.array([0, 1]), count=2, most=5) == [[], []]
