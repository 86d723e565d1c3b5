"""Distances of time stamps against pandas' calendars, and the stamps to come."""

import numpy as np
import pandas as pd
import pytest

from deepfit.data.series_time import (
    DAY,
    Frequency,
    calendar,
    find_frequency,
    month_days,
    periods,
    places,
    stamps_from,
)


def stamps(index):
    return np.asarray(index.astype("datetime64[us]"), "datetime64[us]").astype(np.int64)


GRIDS = [
    ("min", "minute"),
    ("15min", "quarter of an hour"),
    ("h", "hour"),
    ("D", "day"),
    ("2D", "2 days"),
    ("W-WED", "week"),
    ("B", "business day"),
    ("MS", "month"),
    ("ME", "month"),
    ("QE", "quarter"),
    ("YS", "year"),
    ("YE", "year"),
]


@pytest.mark.parametrize(("code", "name"), GRIDS)
def test_a_calendar_of_pandas_is_recognised_and_continued_as_pandas_does(code, name):
    whole = stamps(pd.date_range("2019-11-04", periods=60, freq=code))
    known, series = whole[:40], np.zeros(40, int)
    frequency = find_frequency(known, series, dates=True)
    assert str(frequency) == name
    place, on = places(known, series, frequency)
    assert on.all()
    np.testing.assert_array_equal(place, np.arange(40))
    day = int(month_days(known, series)[0])
    np.testing.assert_array_equal(stamps_from(int(known[0]), np.arange(60), frequency, day=day), whole)


def test_a_month_on_the_30th_takes_the_last_of_february():
    dates = pd.to_datetime(["2023-11-30", "2023-12-30", "2024-01-30", "2024-02-29", "2024-03-30"])
    series = np.zeros(5, int)
    frequency = find_frequency(stamps(dates), series, dates=True)
    assert (frequency.unit, frequency.step) == ("months", 1)
    assert places(stamps(dates), series, frequency)[1].all()
    assert month_days(stamps(dates), series)[0] == 30


def test_a_stamp_between_two_days_is_off_the_grid():
    days = np.arange(20) * DAY
    days[7] += DAY // 2
    frequency = find_frequency(days, np.zeros(20, int), dates=True)
    assert np.flatnonzero(~places(days, np.zeros(20, int), frequency)[1]).tolist() == [7]


def test_each_series_has_a_grid_of_its_own():
    both = np.concatenate([np.arange(5) * DAY, np.arange(5) * DAY + DAY // 4])
    series = np.repeat([0, 1], 5)
    place, on = places(both, series, Frequency("microseconds", DAY))
    assert on.all()
    assert place.tolist() == [0, 1, 2, 3, 4] * 2


def test_one_stamp_a_series_has_no_distance():
    assert find_frequency(np.array([1, 2, 3]), np.array([0, 1, 2]), dates=True) is None


def test_whole_numbers_are_steps_without_a_calendar():
    frequency = find_frequency(np.arange(1990, 2020), np.zeros(30, int), dates=False)
    assert str(frequency) == "step"
    assert periods(1990, 2020, frequency) == []
    assert calendar(np.arange(3), []).shape == (3, 0)


def test_the_usual_cycles_are_the_hour_the_day_the_week_and_the_year():
    assert Frequency("microseconds", DAY).cycles() == [7, 365]
    assert Frequency("microseconds", DAY // 24).cycles() == [24, 168, 8766]
    assert Frequency("microseconds", DAY // 96).cycles() == [4, 96, 672, 35064]
    assert Frequency("months", 1).cycles() == [12]
    assert Frequency("months", 3).cycles() == [4]
    assert Frequency("months", 12).cycles() == []


def test_a_period_is_told_only_where_the_stamps_hold_two_of_it():
    day = Frequency("microseconds", DAY)
    assert periods(0, 300 * DAY, day) == ["week"]
    assert periods(0, 800 * DAY, day) == ["week", "year"]
    assert periods(0, 800 * DAY, Frequency("microseconds", DAY // 24)) == ["day", "week", "year"]


def test_the_day_of_the_week_has_its_own_column():
    monday = int(np.datetime64("2024-01-01", "us").astype(np.int64))
    week = calendar(monday + np.arange(7) * DAY, ["week"])
    np.testing.assert_array_equal(week, np.eye(7))
