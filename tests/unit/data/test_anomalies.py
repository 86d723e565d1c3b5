"""Which labels mean an anomaly, and what bad labels are answered with."""

from __future__ import annotations

import numpy as np
import pytest

from deepfit.data.anomalies import anomalous, check_ordinary, runs, settle_anomaly
from deepfit.errors import DataError, OptionError

ABOUT = {"name": "rows.csv", "target": "state"}


@pytest.mark.parametrize(
    ("labels", "named", "meant"),
    [
        (np.array([0, 1, 0]), None, ["1"]),
        (np.array([1, 1, 0]), None, ["1"]),  # 1 is the anomaly, however frequent
        (np.array([False, True]), None, ["true"]),
        (np.array([0, 0]), None, ["1"]),  # none in these rows
        (np.array(["No", "No"]), None, ["yes"]),
        (np.array(["good", "bad", "good"]), None, ["bad"]),  # the rarer
        (np.array(["good", "bad", "good"]), "good", ["good"]),
        (np.array(["ok", "leak", "crack"]), "leak, crack", ["leak", "crack"]),
        (np.array(["ok", "ok"]), "leak", ["leak"]),
        (np.array([0.0, 1.0]), "1", ["1"]),
        (np.array(["سليم", "سليم", "معطل"]), None, ["معطل"]),
        (np.array(["🙂", "🙂", "🔥"]), "🔥", ["🔥"]),
    ],
)
def test_the_anomaly_is_the_named_value_else_yes_or_one_else_the_rarer(labels, named, meant):
    assert settle_anomaly(labels, named, **ABOUT) == meant


@pytest.mark.parametrize("labels", [["a", "b"], ["a", "b", "c"], ["only"]])
def test_labels_that_leave_it_open_ask_for_a_name(labels):
    with pytest.raises(OptionError, match="--anomaly VALUE"):
        settle_anomaly(np.array(labels), None, **ABOUT)


def test_a_misspelt_anomaly_gets_a_suggestion():
    with pytest.raises(OptionError, match="'leak'"):
        settle_anomaly(np.array(["ok", "leak"]), "laek", **ABOUT)


@pytest.mark.parametrize(("labels", "named"), [([1, 1], None), (["bad"], "bad"), (["a", "b"], "a,b")])
def test_rows_that_are_all_anomalies_are_refused(labels, named):
    with pytest.raises(DataError, match="no ordinary row"):
        settle_anomaly(np.array(labels), named, **ABOUT)


def test_a_label_is_known_by_its_text_whatever_its_type():
    assert anomalous(np.array([0, 1, 1]), ["1"]).tolist() == [False, True, True]
    assert anomalous(np.array([0.0, 1.0]), ["1"]).tolist() == [False, True]
    assert anomalous(np.array(["0", "1"]), ["1"]).tolist() == [False, True]
    assert anomalous(np.array([True, False]), ["true"]).tolist() == [True, False]


def test_the_rows_to_learn_from_are_those_without_a_label_of_an_anomaly():
    assert check_ordinary(np.array([False, True, False]), 3, name="x").tolist() == [0, 2]
    assert check_ordinary(None, 2, name="x").tolist() == [0, 1]
    with pytest.raises(DataError, match="1 of 3 training rows is ordinary"):
        check_ordinary(np.array([True, True, False]), 3, name="x")


def test_runs_are_cut_where_a_reading_does_not_follow():
    marked, follows = [1, 1, 1, 0, 1], [False, True, False, True, True]
    assert runs(marked, follows).tolist() == [[0, 2], [2, 3], [4, 5]]
    assert runs([], []).tolist() == []
