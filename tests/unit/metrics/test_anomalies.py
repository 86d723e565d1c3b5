"""Scores of rankings and events: scikit-learn's values, hand-worked cases, and edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as golden

from deepfit.metrics.anomalies import curve, events, ranking, threshold


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.booleans()), min_size=2, max_size=60).filter(
        lambda rows: 0 < sum(row[2] for row in rows) < len(rows)
    )
)
def test_scores_of_a_ranking_equal_scikit_learns_with_ties(rows):
    score, flagged, anomalous = (np.array(column) for column in zip(*rows, strict=True))
    found = ranking(score, flagged, anomalous)
    assert found["average_precision"] == pytest.approx(golden.average_precision_score(anomalous, score))
    assert found["roc_auc"] == pytest.approx(golden.roc_auc_score(anomalous, score))
    for name in ("f1", "precision", "recall"):
        theirs = getattr(golden, f"{name}_score")(anomalous, flagged, zero_division=0)
        assert found[name] == pytest.approx(theirs)


def test_the_curve_is_scikit_learns():
    rng = np.random.default_rng(0)
    score, anomalous = rng.integers(0, 30, 200), rng.random(200) < 0.2
    recall, precision = curve(score, anomalous)
    theirs, their_recall, _ = golden.precision_recall_curve(anomalous, score)
    np.testing.assert_allclose(precision, theirs[:-1][::-1])
    np.testing.assert_allclose(recall, their_recall[:-1][::-1])


def test_precision_at_k_counts_tied_rows_by_their_share():
    # k = 2: the first is an anomaly, the second place is shared by two rows of which one is an anomaly
    assert ranking([3, 2, 2, 1], [False] * 4, [True, True, False, False])["precision_at_k"] == 0.75
    assert ranking([4, 3, 2, 1], [False] * 4, [True, False, True, False])["precision_at_k"] == 0.5


def test_without_an_anomaly_nothing_is_defined_and_with_nothing_else_no_roc():
    assert ranking([1.0, 2.0], [True, False], [False, False]) == {}
    assert ranking([], [], []) == {}
    assert set(ranking([1.0, 2.0], [True, False], [True, True])) == {
        "average_precision", "precision_at_k", "f1", "precision", "recall",
    }  # fmt: skip


def test_events_are_runs_found_by_any_reading_and_false_alarms_are_runs_that_meet_none():
    anomalous = np.array([0, 1, 1, 1, 0, 0, 0, 1, 1, 0], bool)
    flagged = np.array([1, 0, 1, 0, 0, 1, 1, 0, 0, 0], bool)
    follows = np.arange(10) > 0
    found = events(flagged, anomalous, follows)
    assert found["event_recall"] == 0.5  # the first of two events
    assert found["event_precision"] == pytest.approx(1 / 3)  # of the alarms at 0, 2 and 5 to 6
    assert found["event_f1"] == pytest.approx(0.4)


def test_an_event_ends_where_a_series_ends():
    anomalous = np.ones(4, bool)
    follows = np.array([False, True, False, True])
    assert events([True, False, False, False], anomalous, follows)["event_recall"] == 0.5


def test_a_found_event_leaves_its_other_readings_missed_since_there_is_no_point_adjustment():
    anomalous = np.ones(100, bool)
    flagged = np.arange(100) == 0
    assert events(flagged, anomalous, np.arange(100) > 0)["event_recall"] == 1.0
    assert ranking(flagged, flagged, anomalous)["recall"] == 0.01


def test_events_without_alarms_score_zero_and_without_events_nothing_is_defined():
    assert events([False, False], [True, False], [False, True])["event_f1"] == 0.0
    assert events([True, False], [False, False], [False, True]) == {}
    assert events([], [], []) == {}


@pytest.mark.parametrize("contamination", [0.01, 0.05, 0.2])
def test_no_more_than_the_share_of_new_ordinary_rows_is_expected_above_the_threshold(contamination):
    rng = np.random.default_rng(0)
    shares = [
        np.mean(rng.normal(size=4000) > threshold(rng.normal(size=500), contamination)) for _ in range(150)
    ]
    error = np.std(shares) / np.sqrt(len(shares))
    assert np.mean(shares) < contamination + 3 * error
    assert np.mean(shares) > contamination - 3 * error - 1 / 500


def test_the_threshold_of_too_few_rows_is_their_largest_score_and_of_none_infinite():
    assert threshold([1.0, 5.0, 2.0], 0.01) == 5.0
    assert threshold([], 0.01) == np.inf
