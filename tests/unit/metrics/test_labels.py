"""Scores of several labels a row are scikit-learn's; probabilities are what a sigmoid says."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, hamming_loss, log_loss

from deepfit.answers import labels as answers_labels
from deepfit.metrics import labels as metrics_labels


@pytest.fixture
def made():
    rng = np.random.default_rng(0)
    true = rng.random((200, 4)) < (0.5, 0.3, 0.1, 0.0)
    chance = np.clip(true * 0.4 + rng.random((200, 4)) * 0.55, 0.01, 0.99)
    return chance, true


def test_scores_equal_those_of_scikit_learn(made):
    chance, true = made
    said = chance >= 0.5
    found = metrics_labels.several_labels(chance, said, true)
    assert found["f1_micro"] == pytest.approx(f1_score(true, said, average="micro"))
    occurs = (true | said).any(0)
    assert found["f1_macro"] == pytest.approx(f1_score(true[:, occurs], said[:, occurs], average="macro"))
    assert found["exact_match"] == pytest.approx(accuracy_score(true, said))
    assert found["hamming_loss"] == pytest.approx(hamming_loss(true, said))
    assert found["log_loss"] == pytest.approx(log_loss(true.ravel(), chance.ravel()))


def test_a_label_that_was_never_learned_counts_as_missed():
    labels = np.empty(2, object)
    labels[:] = [("a",), ("a", "new")]
    true, unknown = metrics_labels.membership(labels, ("a", "b"))
    assert true.tolist() == [[True, False], [True, False]]
    assert unknown == 1
    perfect = metrics_labels.several_labels(true.astype(float), true, true)
    lacking = metrics_labels.several_labels(true.astype(float), true, true, unknown=unknown)
    assert perfect["f1_micro"] == 1.0
    assert lacking["f1_micro"] == pytest.approx(4 / 5)


def test_no_rows_have_no_scores_and_rows_without_labels_can_be_right():
    assert metrics_labels.several_labels(np.empty((0, 2)), np.empty((0, 2)), np.empty((0, 2))) == {}
    nothing = np.zeros((3, 2), bool)
    assert metrics_labels.several_labels(np.full((3, 2), 0.1), nothing, nothing)["f1_micro"] == 1.0


def test_answers_name_the_labels_that_are_likelier_than_not():
    logits = np.array([[2.0, -1.0], [-3.0, -0.1], [0.0, 5.0]], np.float32)
    said = answers_labels.decode({"logits": logits}, {"classes": ["x", "y"]})
    assert said.columns["prediction"].tolist() == [["x"], [], ["x", "y"]]
    np.testing.assert_allclose(said.columns["probability_x"], 1 / (1 + np.exp(-logits[:, 0])), rtol=1e-6)


def test_a_temperature_softens_labels_that_are_said_too_surely():
    rng = np.random.default_rng(1)
    true = rng.random((400, 3)) < 0.5
    flipped = true ^ (rng.random(true.shape) < 0.2)
    logits = np.where(flipped, 9.0, -9.0)
    facts = answers_labels.calibrate({"logits": logits}, {"target": true.astype(np.float32)}, {})
    assert answers_labels.sigmoid(np.array(9.0), facts["temperature"]) == pytest.approx(0.8, abs=0.04)
