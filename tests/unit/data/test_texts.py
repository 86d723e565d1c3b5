"""Rows of texts: every way to hold them, in any encoding, and what is said of those that cannot be used."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest

from deepfit.data.texts import in_memory, read_texts, recognise
from deepfit.errors import DataError
from deepfit.judge import leaks

LETTERS = "it was good"
RIGHT_TO_LEFT = "شكرا جزيلا"
EMOJI = "so good 🍲👍🏽"


def folder(root, layout):
    """A folder of files: path -> text (UTF-8) or bytes."""
    for name, content in layout.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".json", ".parquet"])
def test_every_kind_of_table_gives_the_same_texts_and_labels(tmp_path, suffix):
    frame = pl.DataFrame(
        {"text": [LETTERS, RIGHT_TO_LEFT, EMOJI, 'a "quote",\nand a line'], "label": list("abab")}
    )
    path = tmp_path / f"rows{suffix}"
    if suffix == ".parquet":
        frame.write_parquet(path)
    elif suffix == ".jsonl":
        frame.write_ndjson(path)
    elif suffix == ".json":
        path.write_text(json.dumps(frame.to_dicts()))
    else:
        frame.write_csv(path, separator="\t" if suffix == ".tsv" else ",")
    rows = read_texts(path)
    assert rows.texts() == frame["text"].to_list()
    assert rows.target().tolist() == frame["label"].to_list()


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, dict])
def test_frames_are_read_and_other_columns_can_be_asked_for(make):
    rows = read_texts(
        make({"words": ["a b", "c d"], "stars": [1, 5], "shop": ["x", "y"]}), text="words", target="stars"
    )
    assert rows.texts() == ["a b", "c d"]
    assert rows.target().tolist() == [1, 5]
    assert rows.column("shop").tolist() == ["x", "y"]


def test_numbers_in_a_column_of_texts_stay_as_they_are_written(tmp_path):
    path = tmp_path / "codes.csv"
    path.write_text("text,label\n007,a\n1e3,b\n")
    assert read_texts(path).texts() == ["007", "1e3"]


def test_a_folder_of_classes_is_read_in_every_encoding_that_says_what_it_is(tmp_path):
    source = folder(tmp_path, {
        "pos/1.txt": RIGHT_TO_LEFT,
        "pos/2.txt": b"\xef\xbb\xbf" + EMOJI.encode(),
        "neg/3.txt": b"\xff\xfe" + RIGHT_TO_LEFT.encode("utf-16-le"),
        "neg/deeper/4.txt": b"\xfe\xff" + EMOJI.encode("utf-16-be"),
        "neg/5.txt": EMOJI.encode("utf-32"),
        ".hidden/6.txt": "not read",
        "notes.pdf": b"%PDF",
    })  # fmt: skip
    rows = read_texts(source)
    assert dict(zip(rows.keys()["file"], rows.texts(), strict=True)) == {
        "neg/3.txt": RIGHT_TO_LEFT, "neg/5.txt": EMOJI, "neg/deeper/4.txt": EMOJI,
        "pos/1.txt": RIGHT_TO_LEFT, "pos/2.txt": EMOJI,
    }  # fmt: skip
    assert rows.target().tolist() == ["neg", "neg", "neg", "pos", "pos"]
    assert rows.parts() is None
    assert any("1 files are no .txt files" in each.message for each in rows.concerns())
    assert rows.where(0) == "neg/3.txt"


def test_folders_named_for_parts_split_the_rows(tmp_path):
    source = folder(
        tmp_path, {"train/a/1.txt": "x", "train/b/2.txt": "y", "val/a/3.txt": "z", "test/b/4.txt": "w"}
    )
    rows = read_texts(source)
    parts = dict(zip(rows.texts(), rows.parts(), strict=True))
    assert parts == {"x": "train", "y": "train", "z": "valid", "w": "test"}
    assert rows.take(np.array([0])).parts().tolist() == [parts[rows.texts()[0]]]


def test_a_byte_that_is_no_utf8_is_named_with_its_file_and_place(tmp_path):
    source = folder(tmp_path / "mail", {"a/1.txt": "fine", "b/2.txt": b"the\xe9 au lait"})
    with pytest.raises(DataError, match=r"mail/b/2\.txt, byte 4: received 0xe9, which is not UTF-8.*iconv"):
        read_texts(source)


def test_texts_without_a_folder_of_a_class_train_nothing_but_are_answered(tmp_path):
    source = folder(tmp_path, {"1.txt": "x", "2.txt": "y"})
    with pytest.raises(DataError, match="have no labels"):
        read_texts(source)
    rows = read_texts(source, training=False)
    assert rows.texts() == ["x", "y"]
    assert rows.target() is None


def test_one_file_and_a_list_of_texts_are_answered_and_train_nothing(tmp_path):
    path = tmp_path / "mail.txt"
    path.write_text("text,label\nnot a table")
    assert read_texts(path, training=False).texts() == ["text,label\nnot a table"]
    assert read_texts([LETTERS, EMOJI], training=False).texts() == [LETTERS, EMOJI]
    assert read_texts(pd.Series([LETTERS]), training=False).texts() == [LETTERS]
    with pytest.raises(DataError, match="is one text"):
        read_texts(path)
    with pytest.raises(DataError, match="has no labels"):
        read_texts([LETTERS])


def test_a_text_in_the_place_of_a_path_is_told_from_a_file_that_is_missing():
    with pytest.raises(DataError, match="pass it in a list"):
        read_texts("what a lovely soup", training=False)


def test_a_pair_of_texts_and_labels_is_read():
    rows = read_texts((np.array([LETTERS, EMOJI]), [3, 4]))
    assert rows.texts() == [LETTERS, EMOJI]
    assert rows.target().tolist() == [3, 4]
    assert recognise(([LETTERS, EMOJI], [3, 4]))


def test_rows_without_a_text_or_a_label_are_left_out_of_training_and_said():
    source = {"text": ["a", " \n\t", None, "d"], "label": ["x", "y", "x", None]}
    rows = read_texts(source)
    assert rows.texts() == ["a"]
    messages = [each.message for each in rows.concerns()]
    assert any("2 of 4 texts are empty (such as row 1) and are left out" in each for each in messages)
    assert any("1 of 4 rows have no 'label' and are left out" in each for each in messages)


def test_empty_texts_are_answered_and_scored_on_rows_that_have_a_label():
    source = {"text": ["a", "", "c"], "label": ["x", "y", None]}
    rows = read_texts(source, training=False)
    assert rows.texts() == ["a", "", "c"]
    assert rows.target() is None
    assert rows.labelled().target().tolist() == ["x", "y"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"text": [1, 2], "label": ["a", "b"]}, "expected a text, received 1"),
        ({"txt": ["a", "b"], "label": ["a", "b"]}, r"Did you mean 'txt'\? Name it with --text"),
        ({"text": ["", None], "label": ["a", "b"]}, "every one of its 2 texts is empty"),
        ({"text": ["a", "b"], "lable": ["a", "b"]}, "Did you mean 'lable'"),
        ({"text": ["a", "b"], "label": [["x"], ["y"]]}, "Say --several-labels"),
        ({"text": ["a", ""], "label": [None, "b"]}, "no row has both a text and a 'label'"),
    ],
)
def test_what_cannot_be_learned_from_is_named(source, said):
    with pytest.raises(DataError, match=said):
        read_texts(source)


def test_several_labels_come_from_lists_and_from_cells_with_a_separator(tmp_path):
    path = tmp_path / "tags.csv"
    path.write_text("text,label\na,hot; sweet\nb,\nc,sweet;hot;hot\n")
    cells = read_texts(path, goal="labels")
    lists = read_texts(
        {"text": list("abc"), "label": [["hot", "sweet"], [], ["sweet", "hot"]]}, goal="labels"
    )
    assert cells.target().tolist() == lists.target().tolist() == [("hot", "sweet"), (), ("hot", "sweet")]


def test_the_same_text_on_both_sides_of_a_split_is_found_whatever_its_case_and_spaces():
    rows = read_texts({"text": ["One  two", "three", "one two\n", "four"], "label": list("abab")})
    assert len(set(rows.fingerprints().tolist())) == 3
    found = leaks.shared(rows.take(np.array([0, 1])), rows.take(np.array([2, 3])), "training", "test", "so")
    assert "1 of 2 test rows" in found.message
    said = next(each.message for each in rows.concerns() if each.kind == "duplicates")
    assert "1 of 4 texts repeat another one (such as row 2 that of row 0)" in said


def test_taking_rows_shares_the_texts_and_compacting_frees_the_others():
    rows = read_texts({"text": list("abcdef"), "label": list("xyxyxy"), "n": list(range(6))})
    some = rows.take(np.array([4, 1])).take(np.array([True, False]))
    assert some.table is rows.table
    assert some.compact().texts() == some.texts() == ["e"]
    assert some.compact().table.frame.height == 1
    assert some.compact().target().tolist() == ["x"]


def test_several_columns_of_texts_are_told_apart_by_their_order():
    source = {"sentence1": ["a", "b"], "sentence2": ["b", "a"], "label": ["x", "y"]}
    rows = read_texts(source, text=("sentence1", "sentence2"))
    assert rows.texts("sentence2") == ["b", "a"]
    assert len(set(rows.fingerprints().tolist())) == 2


def test_a_rare_class_is_said():
    rows = read_texts({"text": [f"t{n}" for n in range(200)], "label": ["a"] * 198 + ["b"] * 2})
    assert any(each.kind == "imbalance" and "'b' has 2 rows" in each.message for each in rows.concerns())


def test_only_texts_are_taken_for_texts():
    assert in_memory(["a", None]) == ["a", None]
    assert in_memory(np.array(["a"])) == ["a"]
    assert in_memory([1]) is None
    assert in_memory("a") is None
    assert in_memory([]) is None
    assert in_memory(pd.DataFrame({"text": ["a"]})) is None
