from __future__ import annotations

import numpy as np
import pytest

from deepfit.metrics.feature_tally import FeatureTally
from deepfit.metrics.generation import frechet_distance


@pytest.mark.parametrize("rows", [5, 60])
def test_a_resample_scores_as_its_gathered_rows_would(rows):
    """Also with fewer rows than features, where covariances are singular."""
    rng = np.random.default_rng(0)
    real = rng.standard_normal((rows, 8)) @ rng.standard_normal((8, 8))
    made = 0.5 * rng.standard_normal((rows, 8)) + 1
    flag = np.where(rng.random(rows) < 0.3, np.nan, rng.random(rows) < 0.5)
    tally = FeatureTally(real, made, {"recognised": flag})
    for index in (np.arange(rows), rng.integers(0, rows, rows)):
        found = tally.of(index)
        assert found["frechet_distance"] == pytest.approx(
            frechet_distance(real[index], made[index]), rel=1e-6
        )
        assert found["recognised"] == pytest.approx(np.nanmean(flag[index]))


def test_equal_features_are_at_no_distance():
    rows = np.random.default_rng(0).standard_normal((40, 6))
    assert FeatureTally(rows, rows, {}).of(np.arange(40))["frechet_distance"] == pytest.approx(0, abs=1e-6)


def test_what_cannot_be_said_is_absent():
    tally = FeatureTally(np.zeros((3, 2)), np.zeros((3, 2)), {"recognised": np.array([np.nan, np.nan, 1.0])})
    assert tally.of(np.array([0])) == {}
    assert tally.of(np.array([0, 1])).keys() == {"frechet_distance"}
