"""Simple forecasts against loops written out, and against series whose next values are known."""

import numpy as np
import pytest

from deepfit.baselines.series import exponential_smoothing, for_series, seasonal_naive
from deepfit.data.series import SeriesRows
from deepfit.data.series_encoding import encode_series, learn_series
from deepfit.data.series_read import Reading, read_series
from deepfit.plans.series import training_windows

START = np.datetime64("2024-01-01")


def rows_of(values, horizon=5):
    table = {"ds": START + np.arange(len(values)), "y": np.asarray(values, float)}
    return read_series(table, Reading(horizon=horizon))


def parts(rows, train):
    return rows.take(np.arange(train)), rows.take(np.arange(train, len(rows)))


def test_the_seasonal_naive_forecast_repeats_the_last_season_before_each_origin():
    y = np.random.default_rng(0).normal(size=83).cumsum()
    rows = rows_of(y)
    train, test = parts(rows, 60)
    facts = learn_series(train, season=7, lookback=14)
    said = seasonal_naive(train, test, facts)["prediction"]
    for place, point in enumerate(range(60, 83)):
        origin = 83 - ((82 - point) // 5 + 1) * 5
        back = point - 7
        while back >= origin:
            back -= 7
        assert said[place] == y[back]


def test_a_series_shorter_than_a_season_repeats_its_last_value():
    y = np.arange(30.0)
    rows = rows_of(y)
    train, test = parts(rows, 20)
    facts = {**learn_series(train, season=1, lookback=5), "season": 50}
    assert seasonal_naive(train, test, facts)["prediction"].tolist() == [19.0] * 5 + [24.0] * 5


def test_exponential_smoothing_goes_on_with_a_season_that_repeats():
    y = 50 + 10 * np.sin(2 * np.pi * np.arange(140) / 7)
    rows = rows_of(y, horizon=7)
    train, test = parts(rows, 98)
    facts = learn_series(train, season=7, lookback=14)
    np.testing.assert_allclose(exponential_smoothing(train, test, facts)["prediction"], y[98:], atol=0.2)


@pytest.fixture(scope="module")
def noisy():
    rng = np.random.default_rng(1)
    day = np.arange(400)
    return 20 + 5 * np.sin(2 * np.pi * day / 7) + rng.normal(size=400)


def all_of(values, train_rows=300):
    rows = rows_of(values, horizon=7)
    train, test = parts(rows, train_rows)
    facts = learn_series(train, season=7, lookback=28)
    batches = training_windows(encode_series(train, facts), facts), encode_series(test, facts)
    return test, dict((name, said) for name, said, _ in for_series(train, test, batches, facts))


def test_each_is_near_the_noise_on_a_season_with_noise_and_covers_it(noisy):
    test, found = all_of(noisy)
    assert list(found) == ["seasonal_naive", "exponential_smoothing", "linear"]
    limits = {"seasonal_naive": 1.35, "exponential_smoothing": 1.0, "linear": 1.0}
    for name, columns in found.items():
        assert next(iter(columns)) == "prediction"
        assert np.abs(columns["prediction"] - test.target()).mean() < limits[name]
        inside = (test.target() >= columns["low_80"]) & (test.target() <= columns["high_80"])
        assert 0.65 < inside.mean() < 0.95
        assert np.all(columns["low_95"] <= columns["low_80"])
        assert np.all(columns["high_95"] >= columns["high_80"])


def test_no_forecast_depends_on_values_from_its_origin_on(noisy):
    changed = noisy.copy()
    changed[386:] += 1000.0  # the last two blocks; the one before begins at 379
    for name, columns in all_of(noisy)[1].items():
        after = all_of(changed)[1][name]
        np.testing.assert_array_equal(columns["prediction"][:86], after["prediction"][:86], err_msg=name)
        assert isinstance(columns["prediction"], np.ndarray)
    assert not np.allclose(
        all_of(changed)[1]["linear"]["prediction"][93:], all_of(noisy)[1]["linear"]["prediction"][93:]
    )


def test_rows_of_the_type_are_shared_not_copied(noisy):
    rows = rows_of(noisy)
    assert isinstance(rows.take(np.arange(3)), SeriesRows)
    assert rows.take(np.arange(3)).table is rows.table
