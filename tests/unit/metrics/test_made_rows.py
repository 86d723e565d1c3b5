"""Scores of made rows against scipy and scikit-learn, packing, copies, and what collapse does to scores."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from deepfit.answers import made_rows as answers
from deepfit.baselines import made_rows as baselines
from deepfit.data.generation_encoding import cells_of, learn_cells
from deepfit.data.generation_rows import read_generation_rows
from deepfit.data.generation_views import bins, correlations, features, ordered
from deepfit.metrics import made_rows


def table(count, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=count)
    y = np.round(x + rng.normal(0, 0.5, count), 3)
    kind = np.where(x + rng.normal(0, 0.5, count) > 0.5, "high", "low")
    z = rng.integers(0, 500, count).astype(float)
    z[rng.random(count) < 0.1] = np.nan
    return {"x": np.round(x, 3), "y": y, "kind": kind, "z": z}


@pytest.fixture(scope="module")
def made():
    how = {"target": "kind", "missing": "", "kinds": "", "split": "auto"}
    rows = read_generation_rows(table(900, 0), facts=None, **how)
    facts = learn_cells(rows)
    test = read_generation_rows(table(300, 1), facts=facts, **how)
    return facts, cells_of(rows, facts), cells_of(test, facts)


def scores(rows, made):
    facts, train, test = made
    return answers.score(answers.appraise(rows, test, facts, training=train, seed=0))


def test_distances_of_columns_are_scipys(made):
    facts, train, test = made
    found = made_rows.column_distances(bins(train, facts), bins(test, facts), ordered(facts))
    for place in (0, 1):  # bins are the 40-quantiles of training, so the largest difference is nearly found
        assert abs(found[place] - stats.ks_2samp(train[:, place], test[:, place]).statistic) < 0.02
    shares = [np.bincount(cells[:, 2].astype(int), minlength=2) / len(cells) for cells in (train, test)]
    assert found[2] == pytest.approx(np.abs(shares[0] - shares[1]).sum() / 2)


def test_a_column_with_more_missing_cells_is_far_by_as_much(made):
    facts, train, _ = made
    holes = train.copy()
    holes[:, 3] = np.nan
    far = made_rows.column_distances(bins(holes, facts), bins(train, facts), ordered(facts))
    assert far[3] == pytest.approx(1 - np.isnan(train[:, 3]).mean())
    assert far[:3].max() == 0


def test_correlations_of_numbers_are_those_of_ranks(made):
    facts, train, _ = made
    shown, places = features(train, facts)
    assert places.tolist() == [0, 1, 2, 3, 3]
    wanted = stats.spearmanr(train[:, 0], train[:, 1]).statistic
    assert abs(correlations(shown)[0, 1] - wanted) < 0.01


def test_the_nearest_row_is_scikit_learns(made):
    facts, train, test = made
    known, asked = features(train, facts)[0], features(test, facts)[0]
    wanted = NearestNeighbors(n_neighbors=1).fit(known).kneighbors(asked)[0][:, 0] / np.sqrt(known.shape[1])
    np.testing.assert_allclose(made_rows.nearest(asked, known), wanted, atol=4e-3)


def test_the_area_is_scikit_learns_with_ties():
    rng = np.random.default_rng(0)
    high, low = rng.integers(0, 8, 50), rng.integers(0, 6, 40)
    truth = np.repeat([1, 0], [50, 40])
    assert made_rows.area(high, low) == pytest.approx(roc_auc_score(truth, np.concatenate([high, low])))


def test_packed_rows_come_back_in_order_and_the_first_of_each_are_the_first():
    cells = np.arange(22.0).reshape(11, 2)
    cells[4, 0] = np.nan
    packed = answers.packed(cells, 4)
    assert packed.shape == (4, 6)
    np.testing.assert_array_equal(answers.unpacked(packed, 2), cells)
    np.testing.assert_array_equal(packed[:, :2], cells[:4])


def test_real_rows_are_useful_like_and_copies_and_shuffled_columns_are_neither(made):
    _, train, _ = made
    real, copula, shuffled = (
        scores(rows, made)
        for rows in (
            train,
            baselines.gaussian_copula(train, 900, np.random.default_rng(0)),
            baselines.independent_columns(train, 900, np.random.default_rng(0)),
        )
    )
    assert real["tstr"] > 0.83
    assert real["copied"] == real["exact_copies"] == 1
    assert abs(real["detection_auc"] - 0.5) < 0.1
    assert shuffled["tstr"] < 0.65 < copula["tstr"]
    assert shuffled["pair_likeness"] < copula["pair_likeness"] < 1
    assert shuffled["detection_auc"] > copula["detection_auc"]
    assert shuffled["column_likeness"] > 0.9
    assert copula["copied"] < 0.15
    assert copula["exact_copies"] == 0


def test_the_copula_keeps_each_columns_values_and_the_correlation_of_ranks(made):
    _, train, _ = made
    rows = baselines.gaussian_copula(train, 4000, np.random.default_rng(1))
    for place in range(train.shape[1]):
        assert np.isin(rows[:, place][~np.isnan(rows[:, place])], train[:, place]).all()
    assert abs(np.isnan(rows[:, 3]).mean() - np.isnan(train[:, 3]).mean()) < 0.02
    found, wanted = (stats.spearmanr(cells[:, 0], cells[:, 1]).statistic for cells in (rows, train))
    assert abs(found - wanted) < 0.04


def test_rows_that_know_one_class_only_are_worth_nothing_and_do_not_fail(made):
    _, train, _ = made
    one = train[train[:, 2] == 0]
    assert scores(one[:300], made)["tstr"] == pytest.approx(0.5)


def test_without_training_rows_nothing_is_said_of_copies(made):
    facts, train, test = made
    found = answers.score(answers.appraise(train, test, facts, training=None, seed=0))
    assert "copied" not in found
    assert "tstr" in found
