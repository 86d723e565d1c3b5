"""What tells clusters apart: differences in deviations and shares, also of flags and of missing cells."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from deepfit.answers.clusters import of_belonging
from deepfit.data.cluster_columns import learn_cluster_columns
from deepfit.data.table_rows import read_rows
from deepfit.report import sections
from deepfit.report.view import View


@pytest.fixture
def view():
    half = np.arange(40) < 20
    rows = read_rows(
        {
            "age": np.where(half, 20.0, 60.0) + np.arange(40) % 2,
            "member": half,
            "city": np.array(["Rome <b>", None], object)[(~half).astype(int)],
            "noise": np.tile([1.0, 2.0, 3.0, 4.0], 10),
        }
    )
    answers = of_belonging(np.stack([half, ~half], axis=1) * 0.8 + 0.1)
    model = SimpleNamespace(facts=learn_cluster_columns(rows, "each"), net=None)
    result = SimpleNamespace(answers=answers, test=rows, model=model, history=[], task=None)
    return View(result)


def test_differences_are_deviations_for_numbers_and_shares_for_categories_flags_and_missing_cells(view):
    section = sections.make("cluster_columns", view)
    cells = {row[0]: row[1:] for row in section.tables[0].rows}
    deviation = np.r_[np.arange(20) % 2 + 20.0, np.arange(20) % 2 + 60.0].std()
    assert cells["age"] == [f"{-20 / deviation:+.2f}", f"{20 / deviation:+.2f}"]
    assert cells["member = true"] == ["+0.50", "-0.50"]
    assert cells["city = missing"] == ["-0.50", "+0.50"]
    assert cells["noise"] == ["+0.00", "+0.00"]


def test_each_cluster_is_told_in_words_and_small_differences_are_not(view):
    said = sections.make("cluster_columns", view).sentences
    assert said[1].startswith("Cluster 0 (50% of the rows):")
    assert "low age (mean 20.5 against 40.5 of all)" in said[1]
    assert "high age (mean 60.5" in said[2]
    assert "in 100% against 50% of all" in said[1]
    assert not any("noise" in each for each in said)


def test_examples_show_the_telling_columns_first(view):
    table = sections.make("cluster_examples", view).tables[0]
    assert table.header[3] == "age"
    assert table.header[-1] == "noise"
    assert [row[0] for row in table.rows] == ["0"] * 3 + ["1"] * 3


def test_without_a_network_of_clusters_no_number_is_explained(view):
    assert sections.make("cluster_choice", view) is None
