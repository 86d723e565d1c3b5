"""Simple clustering as baselines: what is found, and that a seed repeats it."""

from __future__ import annotations

import numpy as np
import pytest

from deepfit.baselines.clusters import for_points
from deepfit.metrics.clusters import agreement


def blobs(rows, seed):
    rng = np.random.default_rng(seed)
    found = rng.integers(0, 4, rows)
    return 10 * np.eye(4, 6)[found] + rng.normal(size=(rows, 6)), found


@pytest.mark.parametrize("clusters", [4, 0])
def test_every_baseline_finds_blobs_in_rows_that_it_has_not_seen(clusters):
    train, test = blobs(300, 0)[0], blobs(100, 1)
    names = []
    for name, shares, seconds in for_points(train, test[0], clusters, seed=0):
        names.append(name)
        assert shares.shape == (100, 4)
        np.testing.assert_allclose(shares.sum(1), 1)
        assert agreement(shares.argmax(1), test[1])["accuracy"] > 0.97
        assert seconds > 0
    assert names == ["k_means", "principal_components_k_means", "gaussian_mixture"]


def test_the_same_seed_gives_the_same_clusters():
    train, test = blobs(80, 0)[0], blobs(30, 1)[0]
    for one, other in zip(*(list(for_points(train, test, 3, seed=7)) for _ in range(2)), strict=True):
        np.testing.assert_array_equal(one[1], other[1])
