"""Pairs of texts as rows: which columns, which ratings, what hangs together."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from deepfit.data.pairs import PAIRS, read_items, read_pairs
from deepfit.data.split import split
from deepfit.errors import DataError
from deepfit.judge import leaks

RATED = {"sentence1": ["a b", "c", "d 🍲"], "sentence2": ["a", "שלום", "e"], "score": [1.0, 0.0, 4.5]}


@pytest.mark.parametrize("names", PAIRS)
def test_columns_are_found_by_convention_in_any_case(names):
    rows = read_pairs({names[0].upper(): ["a", "b"], names[1]: ["c", "d"]})
    assert (rows.names.first, rows.names.second) == (names[0].upper(), names[1])
    assert not rows.rated
    assert rows.target() is None


def test_a_rating_is_read_in_every_way_that_numbers_are_written(tmp_path):
    (tmp_path / "pairs.csv").write_text('sentence1,sentence2,score\n7,"a, b",4\nx,y,1e0\n')
    rows = read_pairs(tmp_path / "pairs.csv")
    assert rows.target().tolist() == [4.0, 1.0]
    assert rows.texts("sentence1") == ["7", "x"]
    assert read_pairs(RATED).target().tolist() == RATED["score"]


def test_a_rating_that_is_no_number_is_named_with_its_row(tmp_path):
    (tmp_path / "pairs.csv").write_text("sentence1,sentence2,score\na,b,4\nc,d,alike\n")
    with pytest.raises(DataError, match=r"pairs\.csv, row 3, column 'score': .* received 'alike'"):
        read_pairs(tmp_path / "pairs.csv")
    with pytest.raises(DataError, match="received 'inf'"):
        read_pairs({**RATED, "score": ["1", "inf", "2"]})


def test_rows_without_a_text_or_a_rating_are_left_out_of_training_and_kept_to_predict():
    holes = {"sentence1": ["a", None, "c", "d"], "sentence2": ["b", "x", "y", "z"], "score": [1, 2, None, 3]}
    rows = read_pairs(holes)
    assert rows.texts("sentence1") == ["a", "d"]
    assert rows.target().tolist() == [1, 3]
    assert [note.kind for note in rows.concerns()] == ["missing", "missing"]
    asked = read_pairs(holes, training=False)
    assert asked.texts("sentence1") == ["a", "", "c", "d"]
    assert asked.target() is None
    assert asked.labelled().target().tolist() == [1, 2, 3]


def test_a_table_without_pairs_says_how_to_name_them():
    with pytest.raises(DataError, match="--first COLUMN and --second COLUMN"):
        read_pairs({"left": ["a"], "right": ["b"]})
    rows = read_pairs({"left": ["a"], "right": ["b"]}, first="left", second="right")
    assert rows.texts("right") == ["b"]
    with pytest.raises(DataError, match="Did you mean 'right'"):
        read_pairs({"left": ["a"], "right": ["b"]}, first="left", second="rihgt")
    with pytest.raises(DataError, match="every rating is missing"):
        read_pairs({**RATED, "score": [None, None, None]})


def test_to_predict_other_names_of_pairs_will_do():
    rows = read_pairs(RATED, first="king_james", second="world_english", training=False)
    assert rows.names.first == "sentence1"


def test_a_list_of_couples_is_pairs():
    assert read_pairs([("a", "b"), ("c", "d")], training=False).texts("sentence2") == ["b", "d"]


def test_a_negative_belongs_to_pairs_without_a_rating():
    triples = {"anchor": ["a"], "positive": ["b"], "negative": ["c"]}
    assert read_pairs(triples).names.negative == "negative"
    assert read_pairs({**triples, "score": [0.5]}).names.negative is None


def test_pairs_are_the_same_in_either_order_and_whatever_the_case():
    rows = read_pairs([("A  b", "c"), ("C", "a b"), ("a b", "d"), ("c", "c"), ("d", "d")], training=False)
    prints = rows.fingerprints()
    assert prints[0] == prints[1]
    assert len(set(prints.tolist())) == 4
    assert "1 of 5 pairs repeat" in rows.concerns()[-1].message


def chains(count):
    """Pairs that hang together by threes: a b, b c, c d."""
    texts = [f"text {number}" for number in range(4 * count)]
    return [(texts[4 * place + k], texts[4 * place + k + 1]) for place in range(count) for k in range(3)]


def test_groups_are_the_connected_components_of_shared_texts():
    groups = read_pairs(chains(12), training=False).groups()
    assert [len(set(groups[k : k + 3].tolist())) for k in range(0, 36, 3)] == [1] * 12
    assert len(set(groups.tolist())) == 12


def test_no_text_is_on_two_sides_of_the_automatic_split():
    rows = read_pairs(chains(60), training=False)
    parts = split(rows, "auto", test_fraction=0.2, valid_fraction=0.2, seed=0, classes=False)
    texts = [
        {text for name in ("sentence1", "sentence2") for text in part.texts(name)}
        for part in (parts.train, parts.valid, parts.test)
    ]
    assert not texts[0] & texts[1] | texts[0] & texts[2] | texts[1] & texts[2]
    assert sum(len(part) for part in (parts.train, parts.valid, parts.test)) == 180
    assert not [each for each in leaks.find(parts.train, parts.test, parts.valid) if each.kind == "leak"]


def test_where_all_pairs_hang_together_the_split_is_random_and_says_that_texts_are_known():
    texts = [f"text {number}" for number in range(12)]
    every = [(one, other) for place, one in enumerate(texts) for other in texts[:place]]
    rows = read_pairs(every, training=False)
    assert rows.groups() is None
    parts = split(rows, "auto", test_fraction=0.2, valid_fraction=0.2, seed=0, classes=False)
    said = [each.message for each in leaks.find(parts.train, parts.test) if each.kind == "leak"]
    assert len(said) == 1
    assert f"{len(parts.test)} of {len(parts.test)} test pairs hold a text of a training pair" in said[0]


def test_rows_keep_their_texts_when_they_are_taken_and_made_compact():
    rows = read_pairs(RATED).take(np.array([2, 0]))
    assert rows.compact().texts("sentence2") == rows.texts("sentence2") == ["e", "a"]
    assert rows.compact().target().tolist() == rows.target().tolist() == [4.5, 1.0]
    assert rows.where(0) == "row 2"
    assert dict((each[0], each[1]) for each in rows.describe())["score"] == "target"


def test_items_are_a_column_text_a_list_or_the_first_texts_of_pairs(tmp_path):
    assert read_items(["a", "b"], {}).texts() == ["a", "b"]
    assert read_items({"id": [1, 2], "text": ["a", "b"]}, {}).texts() == ["a", "b"]
    assert read_items(RATED, {}).texts() == RATED["sentence1"]
    assert read_items(pl.DataFrame({"left": ["x"], "right": ["y"]}), {"first": "left"}).texts() == ["x"]
    (tmp_path / "one.txt").write_text("of a file")
    assert read_items(str(tmp_path / "one.txt"), {}).texts() == ["of a file"]
    assert read_items(tmp_path, {}).texts() == ["of a file"]
