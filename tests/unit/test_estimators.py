"""The estimators keep scikit-learn's own contract."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from deepfit import DeepClassifier, DeepRegressor

SMALL = {"network": "mlp", "epochs": 40, "batch_size": 16, "learning_rate": 0.01, "threads": 1}


@parametrize_with_checks([DeepClassifier(**SMALL), DeepRegressor(**SMALL)])
def test_scikit_learn_accepts_it(estimator, check):
    check(estimator)


def test_a_frame_of_mixed_columns_is_learned_as_it_is():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"size": rng.normal(size=300), "colour": rng.choice(["red", "blue"], 300)})
    labels = np.where((frame["size"] > 0) ^ (frame["colour"] == "red"), "yes", "no")
    frame.loc[::20, "size"] = np.nan
    scores = cross_val_score(DeepClassifier(**SMALL), frame, labels, cv=3)
    assert scores.mean() > 0.85


def test_parameters_are_only_stored_and_survive_cloning():
    estimator = DeepRegressor(epochs=7, learning_rate=0.5)
    assert clone(estimator).get_params() == estimator.get_params()


def test_loss_and_activation_reach_the_network_and_a_loss_of_classes_is_refused():
    x = np.random.default_rng(0).normal(size=(200, 2))
    estimator = DeepRegressor(**SMALL, loss="mean_absolute_error", activation="tanh").fit(x, x[:, 0] ** 3)
    assert estimator.score(x, x[:, 0] ** 3) > 0.6
    with pytest.raises(ValueError, match="tells two classes apart; tabular-regression predicts numbers"):
        DeepRegressor(loss="hinge").fit(x, x[:, 0])


def test_a_misspelt_network_is_refused_with_its_name():
    with pytest.raises(ValueError, match="network"):
        DeepClassifier(network="tabn").fit([[0.0], [1.0]] * 10, [0, 1] * 10)
