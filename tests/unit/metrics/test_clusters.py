"""Scores of clusters: every value is scikit-learn's, and sampling moves the silhouette little."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from deepfit.metrics.clusters import agreement, silhouettes


def blobs(rows=300, clusters=5, seed=0):
    rng = np.random.default_rng(seed)
    found = rng.integers(0, clusters, rows)
    return rng.normal(size=(clusters, 4))[found] * 2 + rng.normal(size=(rows, 4)), found


@pytest.mark.parametrize("seed", range(4))
def test_silhouettes_are_those_of_scikit_learn(seed):
    points, found = blobs(seed=seed)
    found[0] = 17  # alone in its cluster
    np.testing.assert_allclose(
        silhouettes(points, found), reference.silhouette_samples(points, found), atol=1e-9
    )


def test_silhouettes_measured_to_some_rows_are_nearly_those_to_all():
    points, found = blobs(rows=3000)
    few = silhouettes(points, found, references=400)
    assert len(few) == 3000
    assert abs(few.mean() - silhouettes(points, found).mean()) < 0.01


def test_a_single_cluster_and_rows_that_are_all_equal_have_silhouette_0():
    assert silhouettes(np.eye(3), [0, 0, 0]).tolist() == [0, 0, 0]
    assert silhouettes(np.ones((4, 2)), [0, 0, 1, 1]).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("seed", range(4))
def test_agreement_is_that_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, 200)
    found = np.where(rng.random(200) < 0.7, labels * 2, rng.integers(0, 7, 200))
    scores = agreement(found, labels)
    assert scores["nmi"] == pytest.approx(reference.normalized_mutual_info_score(labels, found))
    assert scores["ari"] == pytest.approx(reference.adjusted_rand_score(labels, found))


@pytest.mark.parametrize(("found", "labels"), [([0, 0, 0], [1, 1, 1]), ([0, 1, 2], [0, 0, 0]), ([5], [0])])
def test_agreement_at_the_edges_is_that_of_scikit_learn(found, labels):
    scores = agreement(found, labels)
    assert scores["nmi"] == pytest.approx(reference.normalized_mutual_info_score(labels, found))
    assert scores["ari"] == pytest.approx(reference.adjusted_rand_score(labels, found))


def test_accuracy_is_under_the_best_naming_and_a_surplus_cluster_is_wrong():
    assert agreement([1, 1, 0, 0, 2], [0, 0, 1, 1, 1])["accuracy"] == pytest.approx(4 / 5)
    assert agreement([2, 0, 1], [0, 1, 2])["accuracy"] == 1.0


def test_no_row_has_no_score():
    assert agreement([], []) == {}
