from __future__ import annotations

import pytest

from deepfit import catalog
from deepfit.data.conventions import convention
from deepfit.errors import DataError

TABLES = {
    "texts": {"text": ["fine", "bad"], "label": ["good", "other"]},
    "sequences": {"sequence": ["ACGT", "GGTA"], "label": ["ei", "ie"]},
    "series": {"unique_id": ["a", "a"], "ds": ["2020-01-01", "2020-01-02"], "y": [1.0, 2.0]},
    "pairs": {"sentence1": ["a b", "c"], "sentence2": ["a", "d"], "score": [0.5, 0.1]},
}


@pytest.mark.parametrize("kind", TABLES)
def test_column_names_tell_the_kind_and_ordinary_tables_do_not_claim_it(kind):
    target = "score" if kind == "pairs" else "y" if kind == "series" else "label"
    assert convention(TABLES[kind], target)[0] == kind
    assert catalog.find("tabular-classification").suits(TABLES[kind], target) is None
    assert catalog.find("tabular-regression").suits(TABLES[kind], target) is None


def test_a_table_with_other_names_follows_no_convention():
    table = {"text": ["fine", "bad"], "price": [1.0, 2.0]}
    assert convention(table) is None
    assert convention(table, "price") == ("texts", "it has the columns text, price")


def test_endings_and_folders_tell_the_kind(tmp_path):
    (tmp_path / "tagged.conll").write_text("Ada B-PER\n")
    (tmp_path / "reads.fastq.gz").write_bytes(b"")
    (tmp_path / "feedback" / "train" / "good").mkdir(parents=True)
    (tmp_path / "feedback" / "train" / "good" / "1.txt").write_text("fine")
    assert convention(tmp_path / "tagged.conll")[0] == "tags"
    assert convention(tmp_path / "reads.fastq.gz")[0] == "sequences"
    assert convention(tmp_path / "feedback")[0] == "texts"
    assert convention(tmp_path) is None


def test_a_table_without_rows_is_named_as_that_where_the_task_is_to_be_inferred(tmp_path):
    (tmp_path / "reviews.csv").write_text("text,label\n")
    with pytest.raises(DataError, match="no row of values"):
        catalog.infer(str(tmp_path / "reviews.csv"))
