"""Scores of forecasts against hand-worked cases and distributions whose scores are known exactly."""

import numpy as np
import pytest
from scipy import stats

from deepfit.metrics.series import LEVELS, WEIGHTS, crps, forecasts


def columns(prediction, **others):
    said = {name: np.asarray(prediction, float) for name in LEVELS}
    return {**said, **{name: np.asarray(value, float) for name, value in others.items()}}


def test_mase_divides_each_series_error_by_its_own_scale():
    scores = forecasts(columns([11.0, 7.0, 104.0]), np.array([10.0, 10.0, 100.0]), np.array([2.0, 2.0, 8.0]))
    assert scores["mase"] == pytest.approx((1 / 2 + 3 / 2 + 4 / 8) / 3)
    assert scores["mae"] == pytest.approx(8 / 3)
    assert scores["rmse"] == pytest.approx(np.sqrt((1 + 9 + 16) / 3))


def test_rows_without_a_scale_are_left_out_of_mase_alone():
    scores = forecasts(columns([1.0, 2.0]), np.array([2.0, 4.0]), np.array([0.5, np.nan]))
    assert scores["mase"] == pytest.approx(2.0)
    assert scores["mae"] == pytest.approx(1.5)
    assert "mase" not in forecasts(columns([1.0]), np.array([2.0]), np.array([0.0]))


def test_smape_is_symmetric_bounded_and_0_where_both_are_0():
    scale = np.ones(2)
    one = forecasts(columns([3.0, 0.0]), np.array([1.0, 0.0]), scale)["smape"]
    other = forecasts(columns([1.0, 0.0]), np.array([3.0, 0.0]), scale)["smape"]
    assert one == other == pytest.approx(200 * (2 / 4) / 2)
    assert forecasts(columns([5.0]), np.array([0.0]), scale[:1])["smape"] == pytest.approx(200)


def test_crps_of_a_forecast_that_is_sure_of_itself_is_its_absolute_error():
    target = np.random.default_rng(0).normal(size=50)
    np.testing.assert_allclose(crps(columns(np.zeros(50)), target), np.abs(target))


def test_crps_of_a_normal_forecast_is_near_the_exact_one():
    # exact: Gneiting and Raftery 2007, eq. 21; the weights leave one percent, chance another
    target = np.random.default_rng(1).normal(size=4000)
    quantiles = {name: np.full(4000, stats.norm.ppf(level)) for name, level in LEVELS.items()}
    density, below = stats.norm.pdf(target), stats.norm.cdf(target)
    exact = target * (2 * below - 1) + 2 * density - 1 / np.sqrt(np.pi)
    assert crps(quantiles, target).mean() == pytest.approx(exact.mean(), rel=0.02)


def test_crps_of_a_uniform_forecast_is_near_the_exact_one():
    target = np.random.default_rng(2).uniform(size=4000)
    quantiles = {name: np.full(4000, level) for name, level in LEVELS.items()}
    exact = (target**3 + (1 - target) ** 3) / 3  # the integral of (F(x) - 1(x >= y))^2
    assert crps(quantiles, target).mean() == pytest.approx(exact.mean(), rel=0.02)


def test_the_weights_share_out_all_levels():
    assert sum(WEIGHTS) == pytest.approx(1)
    assert np.all(WEIGHTS > 0)


def test_coverage_counts_the_values_within_ends_included():
    said = columns(
        np.zeros(5), low_80=-np.ones(5), high_80=np.ones(5), low_95=-2 * np.ones(5), high_95=2 * np.ones(5)
    )
    scores = forecasts(said, np.array([0.0, 1.0, -1.0, 1.5, 3.0]), np.ones(5))
    assert (scores["coverage_80"], scores["coverage_95"]) == (0.6, 0.8)


def test_no_rows_have_no_scores():
    assert forecasts(columns([]), np.array([]), np.array([])) == {}
