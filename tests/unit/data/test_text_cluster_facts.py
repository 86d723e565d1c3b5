"""Training texts before they are clustered: shared words, and texts among which there are no groups."""

from __future__ import annotations

import pytest

from deepfit.data.text_cluster_facts import check_enough, learn_shared_words
from deepfit.data.texts import read_texts
from deepfit.errors import DataError


def rows_of(texts):
    return read_texts({"text": texts}, target=None, goal="grouping")


def test_texts_that_share_no_word_are_refused_with_the_way_out():
    rows = rows_of(["one two", "three four", "שלוש ארבע", "🍲"])
    with pytest.raises(DataError, match=r"no two of the 4 training texts share a word.*--base"):
        learn_shared_words(rows, most=100, dimensions=0)


def test_a_text_that_shares_no_word_is_said_and_named():
    rows = rows_of(["tea and rice", "rice and tea", "something else", "tea"])
    facts = learn_shared_words(rows, most=100, dimensions=0)
    assert facts == {"words": ["tea", "and", "rice"], "width": 3}
    [said] = [each.message for each in rows.concerns() if "share no word" in each.message]
    assert said.startswith("1 of 4 training texts")
    assert "row 2" in said


def test_there_are_no_more_dimensions_than_texts_or_words():
    rows = rows_of(["tea rice soup", "tea rice soup", "soup"])
    assert learn_shared_words(rows, most=2, dimensions=0)["width"] == 2
    assert learn_shared_words(rows, most=9, dimensions=2)["width"] == 2
    assert learn_shared_words(rows, most=9, dimensions=50)["width"] == 3


def test_texts_that_are_all_the_same_are_refused():
    with pytest.raises(DataError, match=r"all 3 training texts are the same but for case"):
        check_enough(rows_of(["So good", "so  good", "SO GOOD"]), 0)


def test_more_clusters_than_different_texts_are_refused():
    rows = rows_of(["tea", "rice", "Tea", "soup", "tea "])
    check_enough(rows, 3)
    with pytest.raises(DataError, match=r"4 clusters.*5 training rows, 3 of them different.*--clusters"):
        check_enough(rows, 4)
    with pytest.raises(DataError, match=r"2 clusters.*2 training rows\. Ask"):
        check_enough(rows_of(["tea", "rice"]), 0)
