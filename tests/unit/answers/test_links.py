"""Scores of links beside pairs that are none, and their calibration."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

from deepfit.answers import links
from deepfit.answers.labels import sigmoid


def scores_with_ties(seed=0, rows=60, others=9):
    rng = np.random.default_rng(seed)
    return np.round(rng.normal(0, 2, (rows, 1 + 2 * others)) + np.eye(1 + 2 * others)[0], 0)


def test_auc_and_average_precision_are_scikit_learns_over_all_pairs():
    scores = scores_with_ties()
    found = links.score(links.of_scores(scores, np.zeros(len(scores))))
    for prefix, others in (("", scores[:, 1:10]), ("hard_", scores[:, 10:])):
        every = np.concatenate([scores[:, 0], others.ravel()])
        target = np.arange(len(every)) < len(scores)
        assert found[f"{prefix}roc_auc"] == pytest.approx(roc_auc_score(target, every))
        assert found[f"{prefix}average_precision"] == pytest.approx(average_precision_score(target, every))


def test_a_rank_counts_a_link_s_own_pairs_and_half_of_the_equal_ones():
    scores = np.array([[2.0, 3.0, 2.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0, 0.0]])
    said = links.of_scores(scores, np.array([0.5, 0.4])).columns
    assert said["rank"].tolist() == [2.5, 2.0]
    assert said["hard_rank"].tolist() == [1.0, 2.0]
    assert said["prediction"].tolist() == [True, False]


def test_pairs_that_are_only_asked_about_have_no_rank_and_no_score():
    said = links.of_scores(np.zeros((3, 1)), np.full(3, 0.7))
    assert list(said.columns) == ["prediction", "probability"]
    assert links.score(said) == {}


def test_calibration_is_a_logistic_regression_in_which_links_and_random_pairs_count_alike():
    rng = np.random.default_rng(0)
    logits = np.concatenate([rng.normal(1, 2, (500, 1)), rng.normal(-2, 2, (500, 20))], 1)
    facts = links.calibrate(logits, {})
    x = np.concatenate([logits[:, 0], logits[:, 1:11].ravel()])
    target = np.arange(len(x)) < 500
    theirs = LogisticRegression(C=1e9).fit(x[:, None], target, np.where(target, 1.0, 0.1))
    assert facts["line"] == pytest.approx([theirs.coef_[0, 0], theirs.intercept_[0]], abs=0.02)
    likely = links.decode(logits, facts).columns["probability"]
    np.testing.assert_allclose(likely, sigmoid(facts["line"][0] * logits[:, 0] + facts["line"][1]))


def test_calibration_stays_finite_where_links_are_told_apart_without_a_mistake():
    logits = np.concatenate([np.full((20, 1), 5.0), np.full((20, 4), -5.0)], 1)
    line = links.calibrate(logits, {})["line"]
    assert np.isfinite(line).all()
    assert 0.9 < links.decode(logits, {"line": line}).columns["probability"][0] < 1
