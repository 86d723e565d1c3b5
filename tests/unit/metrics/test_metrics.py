"""Every value equals scikit-learn's, which shares no code with ours.

What scikit-learn lacks is worked by hand.
"""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_softmax, softmax
from sklearn import metrics as reference

from deepfit import metrics


def drawn(rows, classes, seed, coarse=False):
    """Probabilities that know something of the target; coarse ones have many ties."""
    rng = np.random.default_rng(seed)
    target = np.concatenate([np.arange(classes), rng.integers(0, classes, rows - classes)])
    logits = rng.normal(size=(rows, classes)) + 1.5 * np.eye(classes)[target]
    return softmax(np.round(logits) if coarse else logits, axis=1), target


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize(("rows", "classes"), [(2, 2), (40, 2), (500, 2), (7, 3), (300, 10)])
def test_classification_scores_equal_those_of_scikit_learn(rows, classes, coarse):
    probabilities, target = drawn(rows, classes, seed=rows, coarse=coarse)
    prediction = probabilities.argmax(axis=1)
    average = "binary" if classes == 2 else "macro"
    expected = {
        "accuracy": reference.accuracy_score(target, prediction),
        "balanced_accuracy": reference.balanced_accuracy_score(target, prediction),
        "f1": reference.f1_score(target, prediction, average=average, zero_division=0),
        "roc_auc": reference.roc_auc_score(
            target, probabilities[:, 1] if classes == 2 else probabilities, multi_class="ovr"
        ),
        "log_loss": reference.log_loss(target, probabilities),
    }
    found = metrics.classification(probabilities, target)
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-12)
    assert set(found) == {*expected, "calibration_error"}


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 30), st.integers(2, 5), st.integers(0, 2**31))
def test_scores_are_scikit_learns_on_rows_that_lack_classes(rows, classes, seed):
    rng = np.random.default_rng(seed)
    target = rng.integers(0, classes, rows)
    probabilities = softmax(rng.normal(size=(rows, classes)), axis=1)
    prediction = probabilities.argmax(axis=1)
    found = metrics.classification(probabilities, target)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of the very case that this is about
        assert found["balanced_accuracy"] == pytest.approx(
            reference.balanced_accuracy_score(target, prediction)
        )
        average = "binary" if classes == 2 else "macro"
        assert found["f1"] == pytest.approx(
            reference.f1_score(target, prediction, average=average, zero_division=0)
        )
    assert found["log_loss"] == pytest.approx(
        reference.log_loss(target, probabilities, labels=np.arange(classes))
    )
    assert ("roc_auc" in found) == (len(set(target)) == classes)


def test_a_probability_of_zero_for_the_truth_costs_what_it_costs_in_scikit_learn():
    probabilities, target = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([1, 1])
    expected = reference.log_loss(target, probabilities, labels=[0, 1])
    assert metrics.classification(probabilities, target)["log_loss"] == pytest.approx(expected)


def test_calibration_error_of_two_bins_worked_by_hand():
    # bin of 0.9: 4 rows, 3 right: |0.75 - 0.9| = 0.15; bin of 0.6: 2 rows, both right: 0.4. (4 * 0.15 + 2 *
    # 0.4) / 6 = 0.2333
    probabilities = np.array([[0.9, 0.1]] * 4 + [[0.6, 0.4]] * 2)
    target = np.array([0, 0, 0, 1, 0, 0])
    assert metrics.calibration_error(probabilities, target) == pytest.approx(1.4 / 6)


def test_a_confidence_on_a_bins_edge_belongs_to_the_bin_below():
    rows, confidence, _ = metrics.reliability(np.array([[0.6, 0.4], [1.0, 0.0]]), np.array([0, 0]))
    assert rows.nonzero()[0].tolist() == [8, 14]  # 0.6 = 9/15, so the ninth bin; 1.0 the last
    assert confidence[[8, 14]].tolist() == [0.6, 1.0]


@pytest.mark.parametrize("rows", [2, 3, 50, 501])
def test_regression_scores_equal_those_of_scikit_learn(rows):
    rng = np.random.default_rng(rows)
    target = rng.normal(1e5, 3e4, rows)
    prediction = target + rng.standard_t(2, rows) * 1e4
    assert metrics.regression(prediction, target) == pytest.approx(
        {
            "rmse": reference.root_mean_squared_error(target, prediction),
            "mae": reference.mean_absolute_error(target, prediction),
            "r2": reference.r2_score(target, prediction),
            "median_absolute_error": reference.median_absolute_error(target, prediction),
        },
        rel=1e-12,
    )


def test_r2_is_absent_where_the_target_never_varies():
    assert "r2" not in metrics.regression([1.0, 2.0], [5.0, 5.0])
    assert "r2" not in metrics.regression([1.0], [5.0])


def test_no_rows_have_no_scores():
    assert metrics.classification(np.zeros((0, 3)), np.zeros(0, int)) == {}
    assert metrics.regression(np.zeros(0), np.zeros(0)) == {}


def test_the_temperature_undoes_overconfidence_that_was_put_in():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 4)) * 2
    target = (logits + rng.gumbel(size=logits.shape)).argmax(
        axis=1
    )  # drawn from softmax(logits): calibrated by construction
    assert metrics.fit_temperature(log_softmax(logits * 3, axis=1), target) == pytest.approx(3, rel=0.03)
    assert metrics.fit_temperature(log_softmax(logits / 2, axis=1), target) == pytest.approx(0.5, rel=0.03)


@settings(max_examples=30, deadline=None)
@given(st.integers(30, 200), st.integers(2, 5), st.floats(0.01, 100), st.integers(0, 2**31))
def test_the_temperature_never_worsens_held_out_log_loss(rows, classes, scale, seed):
    rng = np.random.default_rng(seed)
    scores = log_softmax(rng.normal(size=(rows, classes)) * scale, axis=1)
    target = rng.integers(0, classes, rows)
    temperature = metrics.fit_temperature(scores, target)

    def loss(at):
        return reference.log_loss(target, softmax(scores / at, axis=1), labels=np.arange(classes))

    assert 0.05 <= temperature <= 20
    assert loss(temperature) <= loss(1.0) + 1e-9


def test_few_rows_or_no_error_leave_the_temperature_at_one():
    scores = log_softmax(np.random.default_rng(0).normal(size=(29, 3)) * 9, axis=1)
    assert metrics.fit_temperature(scores, np.zeros(29, int)) == 1.0
    many = np.tile(np.log([[0.9, 0.1]]), (500, 1))
    assert metrics.fit_temperature(many, np.zeros(500, int)) == 1.0


def test_a_class_given_no_chance_at_all_leaves_the_temperature_finite():
    scores = np.tile([[0.0, -np.inf]], (100, 1))
    target = np.r_[np.ones(20, int), np.zeros(80, int)]
    assert metrics.fit_temperature(scores, target) == pytest.approx(20, rel=1e-3)


def test_metrics_have_names_for_people():
    assert metrics.title("-rmse") == "RMSE"
    assert metrics.title("edge_recall") == "Edge recall"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_the_pinball_loss_equals_that_of_scikit_learn(share):
    prediction, target = np.random.default_rng(0).normal(size=(2, 50))
    expected = reference.mean_pinball_loss(target, prediction, alpha=share)
    assert metrics.pinball(prediction, target, share) == pytest.approx(expected)
