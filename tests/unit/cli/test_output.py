"""Answers that are lists, in every format that commands write."""

from __future__ import annotations

import json

import numpy as np
import polars
import pytest

from deepfit.cli.output import answers_csv, write_answers
from deepfit.contract import Answers
from deepfit.errors import OptionError

HEBREW = "\u05e9\u05dc\u05d5\u05dd"


def column(*items):
    found = np.empty(len(items), object)
    for place, item in enumerate(items):
        found[place] = item
    return found


ANSWERS = Answers(
    {
        "tokens": column(["Ann", "👍", HEBREW], ["a,b"]),
        "prediction": column(["B-PER", "O", "O"], ["O"]),
        "entities": column([{"text": "Ann", "type": "PER", "start": 0, "end": 1, "score": 0.5}], []),
        "unseen": column([0], []),
    }
)


def test_a_conll_file_has_a_word_and_its_tag_a_line(tmp_path):
    path = tmp_path / "x.conll"
    write_answers(ANSWERS, str(path))
    assert path.read_text(encoding="utf-8") == f"Ann\tB-PER\n👍\tO\n{HEBREW}\tO\n\na,b\tO\n\n"


def test_json_lines_hold_the_lists_as_they_are(tmp_path):
    path = tmp_path / "x.jsonl"
    write_answers(ANSWERS, str(path))
    assert [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] == list(ANSWERS)


def test_parquet_holds_lists(tmp_path):
    path = tmp_path / "x.parquet"
    write_answers(ANSWERS, str(path))
    assert polars.read_parquet(path)["prediction"].to_list() == [["B-PER", "O", "O"], ["O"]]


def test_in_a_csv_file_lists_are_json_texts(tmp_path):
    path = tmp_path / "x.csv"
    write_answers(ANSWERS, str(path))
    read = polars.read_csv(path)
    assert json.loads(read["tokens"][0]) == ["Ann", "👍", HEBREW]
    assert json.loads(read["entities"][0])[0]["type"] == "PER"
    assert answers_csv(ANSWERS) == path.read_text(encoding="utf-8")


def test_answers_that_are_no_tags_are_not_written_as_conll(tmp_path):
    with pytest.raises(OptionError, match="no tags of words"):
        write_answers(Answers({"prediction": np.array([1.0])}), str(tmp_path / "x.conll"))
    assert list(tmp_path.iterdir()) == []
