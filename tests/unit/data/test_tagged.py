from __future__ import annotations

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest

from deepfit.data.tagged import read_tagged
from deepfit.errors import DataError

FACTS = {"kind": "entities", "tag_column": "1", "tags": ["O", "B-PER", "I-PER"]}
RECORDS = [
    {"id": 7, "tokens": ["Ann", "ran"], "ner_tags": ["B-PER", "O"]},
    {"id": 8, "tokens": ["Bob"], "ner_tags": ["B-PER"]},
]


@pytest.fixture
def written(tmp_path):
    def write(text, name="x.conll"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def jsonl(records):
    return "".join(json.dumps(record) + "\n" for record in records)


def test_a_file_of_entities_is_recognised_and_says_where_its_sentences_are(written):
    rows = read_tagged(written("Ann\tB-PER\nSmith\tI-PER\n\nran\tO\n"))
    assert rows.kind == "entities"
    assert rows.words.tolist() == [["Ann", "Smith"], ["ran"]]
    assert rows.target().tolist() == [["B-PER", "I-PER"], ["O"]]
    assert rows.where(1) == "line 4"


def test_sentences_of_one_length_stay_lists_and_are_taken_by_place(written):
    rows = read_tagged(written("a\tX\n\nb\tY\n\nc\tX\n"))
    assert rows.words.shape == (3,)
    part = rows.take(np.array([2, 0]))
    assert part.words.tolist() == [["c"], ["a"]]
    assert part.where(0) == "line 5"


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "records", "mapping", "polars", "pandas"])
def test_tables_with_lists_of_words_are_read_from_whatever_holds_them(kind, tmp_path):
    source = RECORDS
    if kind == "jsonl":
        source = tmp_path / "x.jsonl"
        source.write_text(jsonl(RECORDS))
    elif kind == "parquet":
        source = tmp_path / "x.parquet"
        pl.DataFrame(RECORDS).write_parquet(source)
    elif kind == "mapping":
        source = {name: [record[name] for record in RECORDS] for name in RECORDS[0]}
    elif kind in ("polars", "pandas"):
        source = {"polars": pl, "pandas": pd}[kind].DataFrame(RECORDS)
    rows = read_tagged(source)
    assert rows.words.tolist() == [["Ann", "ran"], ["Bob"]]
    assert rows.target().tolist() == [["B-PER", "O"], ["B-PER"]]
    assert rows.column("id").tolist() == [7, 8]


def test_a_pair_of_lists_is_read():
    rows = read_tagged(([["a", "b"], ["c"]], [["X", "Y"], ["Z"]]))
    assert rows.kind == "words"
    assert rows.where(1) == "sentence 1"


@pytest.mark.parametrize(
    ("given", "scheme", "read"),
    [
        ("I-A I-A O / I-A B-A", "IOB1", [["B-A", "I-A", "O"], ["B-A", "B-A"]]),
        ("B-A E-A O / S-A S-A", "BIOES", [["B-A", "I-A", "O"], ["B-A", "B-A"]]),
        ("B-A L-A O / U-A U-A", "BILOU", [["B-A", "I-A", "O"], ["B-A", "B-A"]]),
    ],
)
def test_other_schemes_are_read_as_bio_and_that_is_said(given, scheme, read):
    found = [each.split() for each in given.split(" / ")]
    rows = read_tagged(([["w"] * len(each) for each in found], found))
    assert rows.target().tolist() == read
    assert any(f"the tags are in {scheme}" in each.message for each in rows.concerns())


def test_an_entity_that_begins_with_i_is_one_and_its_place_is_said(written):
    rows = read_tagged(written("a\tO\nParis\tI-LOC\nhas\tO\n\nRome\tB-LOC\n"))
    assert rows.target()[0] == ["O", "B-LOC", "O"]
    concern = next(each for each in rows.concerns() if each.kind == "scheme")
    assert "1 entities begin with I-" in concern.message
    assert "line 1, word 2, 'Paris'" in concern.message


def test_a_tag_that_is_a_mistake_is_named_with_its_word(written):
    text = "Ann\tB-PER\nran\tO\n\n" * 100 + "Bob\tPER\n"
    with pytest.raises(
        DataError, match=r"line 301, word 1 \('Bob'\): expected O, B-TYPE or .* received 'PER'"
    ):
        read_tagged(written(text))
    assert read_tagged(written(text), scheme="words").kind == "words"


def test_a_folder_gives_each_sentence_the_part_of_its_file(written):
    folder = written("a\tX\nb\tY\n", "d/train.conll").parent
    written("c\tX\n", "d/test.conll")
    written("d\tY\n", "d/dev.conll")
    rows = read_tagged(folder)
    assert sorted(zip(rows.parts().tolist(), rows.words.tolist(), strict=True)) == [
        ("test", ["c"]), ("train", ["a", "b"]), ("valid", ["d"]),
    ]  # fmt: skip


def test_sentences_of_a_document_can_be_kept_on_one_side(written):
    rows = read_tagged(written("-DOCSTART- O\n\na O\n\nb O\n\n-DOCSTART- O\n\nc X\n"))
    assert rows.column("document").tolist() == [1, 1, 2]
    with pytest.raises(DataError, match="Did you mean 'document'"):
        rows.column("documents")


REFUSED = [
    ("a\nb\n", "line 1: expected a word and its tag, received one column: 'a'"),
    (
        [{"tokens": ["a", "b"], "tags": ["X"]}],
        "line 1, column 'tags': expected a tag for each of the 2 words, received 1",
    ),
    (
        [{"tokens": "a b", "tags": ["X"]}],
        "column 'tokens': expected a list of texts a row, received 'a b'",
    ),
    (
        [{"tokens": ["a"], "tags": ["X"]}, {"tokens": [], "tags": []}],
        "line 2, column 'tokens': expected a list of words, received an empty list",
    ),
    (
        [{"tokens": ["a", None], "tags": ["X", "Y"]}],
        r"column 'tokens', item 1 \(from 0\): expected a text, received None",
    ),
    ([{"words": ["a"], "tags": ["X"]}], "there is no column 'tokens'"),
    ([{"tokens": ["a"], "label": ["X"]}], "no column holds tags"),
    (
        [{"tokens": ["a"], "ner_tags": ["X"], "pos_tags": ["N"]}],
        "several columns of tags, ner_tags, pos_tags",
    ),
]


@pytest.mark.parametrize(("content", "message"), REFUSED)
def test_what_cannot_be_learned_from_is_refused_with_its_place(written, content, message):
    path = written(content, "x.conll") if isinstance(content, str) else written(jsonl(content), "x.jsonl")
    with pytest.raises(DataError, match=message):
        read_tagged(path)


def test_a_table_of_text_cells_is_refused_with_what_to_write_instead(written):
    with pytest.raises(DataError, match="lists of words do not fit into the cells"):
        read_tagged(written("tokens,tags\na,X\n", "x.csv"))


def test_the_number_of_a_column_has_to_be_one(written):
    path = written("a O\nb X\n")
    with pytest.raises(
        DataError, match="takes the number of the column of tags, counted from 0; received 't"
    ):
        read_tagged(path, target="tag")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (([["a"]], [["X"], ["Y"]]), "received 1 sentences and 2 lists of tags"),
        (([["a", "b"]], [["X"]]), r"sentence 0 .*expected a tag for each of the 2 words, received 1"),
        (([["a", 3]], [["X", "Y"]]), "expected words as texts"),
        (([[]], [[]]), "expected a list of words, received"),
        ([["a", "b"]], "the sentences have no tags"),
    ],
)
def test_lists_that_do_not_fit_are_refused(source, message):
    with pytest.raises(DataError, match=message):
        read_tagged(source)


def test_the_same_tag_for_every_word_is_nothing_to_learn(written):
    rows = read_tagged(written("a\tO\nb\tO\n"))
    with pytest.raises(DataError, match="every word has the tag 'O'"):
        rows.check_inputs()


def test_to_predict_words_come_from_files_lists_texts_and_lines(written):
    sources = [
        written("Ann\nran\n.\n", "one.conll"),
        written("Ann\tB-PER\nran\tO\n.\tO\n", "two.conll"),
        written("Ann ran.\n", "three.txt"),
        written("Ann O\nran O\n. O\n", "four.txt"),
        [["Ann", "ran", "."]],
        ["Ann ran."],
        written(jsonl([{"tokens": ["Ann", "ran", "."]}]), "five.jsonl"),
        written(jsonl([{"text": "Ann ran."}]), "six.jsonl"),
    ]
    for source in sources:
        rows = read_tagged(source, facts=FACTS)
        assert rows.words.tolist() == [["Ann", "ran", "."]], source
        assert rows.kind == "entities"
    assert read_tagged(sources[1], facts=FACTS).target().tolist() == [["B-PER", "O", "O"]]
    assert read_tagged(sources[0], facts=FACTS).target() is None


def test_a_column_of_something_else_is_no_obstacle_to_predicting(written):
    rows = read_tagged(written("Ann\tNNP\nran\tVBD\n"), facts=FACTS)
    assert rows.target() is None
    assert rows.kind == "entities"


def test_rows_without_tags_cannot_be_scored():
    with pytest.raises(DataError, match="no sentence has tags"):
        read_tagged([["a"]], facts=FACTS).labelled()


def test_rows_whose_tags_are_missing_are_left_out_of_learning(written):
    records = [*RECORDS, {"id": 9, "tokens": ["c"], "ner_tags": None}]
    assert len(read_tagged(written(jsonl(records), "x.jsonl"))) == 2


def test_a_text_without_words_is_named_so_that_answers_match_rows():
    with pytest.raises(DataError, match=r"text 1 \(from 0\): it holds no word"):
        read_tagged(["a", "  "], facts=FACTS)


def test_equal_words_have_equal_fingerprints_whatever_their_tags():
    rows = read_tagged(([["a", "b"], ["ab"], ["a", "b"]], [["X", "Y"], ["X"], ["Y", "X"]]))
    first, other, same = rows.fingerprints()
    assert first == same != other
    assert any(each.kind == "contradiction" for each in rows.concerns())


def test_emoji_right_to_left_and_half_a_surrogate_are_words_like_others():
    words = ["👩‍💻", "שלום", "\ud83d", "a\u0301"]
    rows = read_tagged(([words], [["X", "Y", "X", "Y"]]))
    assert len(rows.fingerprints()) == 1
    assert rows.words[0] == words
