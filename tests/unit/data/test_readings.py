"""Readings of sensors: their order, windows, gaps, labels, blocks and parts; bad sources are named."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from deepfit.data.readings import encode_readings, learn_readings
from deepfit.data.readings_read import read_readings
from deepfit.data.split import split
from deepfit.errors import DataError, OptionError

USUAL = {
    "series": None, "time": None, "values": "", "target": None, "anomaly": None, "missing": "",
    "split": "auto", "width": 4,
}  # fmt: skip


def read(frame, **how):
    return read_readings(frame, **{**USUAL, **how})


def two_series(**more):
    rng = np.random.default_rng(0)
    frame = {
        "sensor": np.repeat(["b", "a"], 6),
        "at": [3, 1, 2, 5, 4, 6, 1, 2, 3, 10, 11, 12],
        "volt": rng.normal(size=12).round(3),
    }
    return {**frame, **more}


def test_a_window_ends_at_its_reading_and_reaches_neither_over_gaps_nor_into_another_series():
    rows = read(two_series(), series="sensor", time="at")
    facts = {**learn_readings(rows), "centre": [0.0], "scale": [1.0]}
    window = np.asarray(encode_readings(rows, facts)["window"])
    volt = np.float32(two_series()["volt"])
    by_time = [1, 2, 0, 4, 3, 5]  # rows of series b
    np.testing.assert_array_equal(window[3, :, 0], [0.0, *volt[[1, 2, 0, 4, 3]]][-4:])  # the fifth in time
    np.testing.assert_array_equal(window[by_time[0], :, 1], [0, 0, 0, 1])  # nothing before the first
    np.testing.assert_array_equal(window[9, :, 1], [0, 0, 0, 1])  # the first after a gap of series a
    np.testing.assert_array_equal(window[11, :, 0], [0.0, *volt[[9, 10, 11]]])
    assert [each.kind for each in rows.concerns()] == ["gaps", "unlabelled"]


def test_a_missing_value_is_zero_and_said_to_be_missing():
    rows = read({"volt": [1.0, None, 4.0, 2.0, 0.5]})
    window = np.asarray(encode_readings(rows, learn_readings(rows))["window"])
    assert window[1, -1].tolist() == [0.0, 0.0]
    assert window[2, -2].tolist() == [0.0, 0.0]
    assert window[:, -1, 1].tolist() == [1, 0, 1, 1, 1]


def test_scales_are_learned_from_ordinary_readings_alone():
    volt = np.r_[np.arange(20.0), 1000.0, np.arange(20.0)]
    fault = volt == 1000
    rows = read({"volt": volt, "fault": fault}, target="fault")
    facts = learn_readings(rows)
    assert (facts["centre"], facts["scale"]) == ([9.5], [np.subtract(*np.percentile(volt[~fault], [75, 25]))])


def test_readings_whose_window_holds_an_anomaly_are_not_ordinary():
    fault = np.arange(12) == 5
    rows = read({"volt": np.random.default_rng(0).normal(size=12), "fault": fault}, target="fault")
    ordinary = encode_readings(rows, learn_readings(rows))["ordinary"]
    assert np.flatnonzero(~ordinary).tolist() == [5, 6, 7, 8]


def test_columns_that_count_or_stand_still_are_not_watched():
    rows = read(
        two_series(indoor=np.repeat([1, 0], 6), number=[3, 1, 2, 5, 4, 6, 1, 2, 3, 4, 5, 6]),
        series="sensor",
        time="at",
    )
    assert rows.all.names == ["volt"]
    reasons = {name: reason for name, _, reason, _ in rows.describe()}
    assert "never changes within a series" in reasons["indoor"]
    assert "orders the readings" in reasons["at"]


def test_the_last_share_of_each_series_is_held_out_and_a_single_reading_is_trained_on():
    frame = {"series": [*["a"] * 20, "lone", *["b"] * 40], "volt": np.random.default_rng(0).normal(size=61)}
    parts = split(read(frame), "auto", test_fraction=0.2, valid_fraction=0.25, seed=0, supervised=False)
    assert parts.held_out.index.tolist() == [*range(16, 20), *range(53, 61)]
    assert parts.valid.index.tolist() == [*range(12, 16), *range(45, 53)]
    assert 20 in parts.train.index


def test_whole_series_can_be_held_out_and_single_readings_cannot():
    frame = {"series": np.repeat(list("abcdefgh"), 10), "volt": np.random.default_rng(0).normal(size=80)}
    how = {"test_fraction": 0.25, "valid_fraction": 0.2, "seed": 0, "supervised": False}
    parts = split(read(frame, split="group:series"), "group:series", **how)
    held, trained = (set(part.column("series").tolist()) for part in (parts.held_out, parts.train))
    assert len(held) == 2
    assert not held & trained
    with pytest.raises(OptionError, match="neighbours would give them away"):
        split(read(frame), "random", **how)


def test_blocks_are_consecutive_readings_and_cut_no_event():
    fault = (np.arange(500) % 39 > 35).astype(int)
    rows = read({"volt": np.random.default_rng(0).normal(size=500), "fault": fault}, target="fault")
    blocks = rows.groups()
    assert (np.diff(blocks) >= 0).all()
    assert 10 <= len(np.unique(blocks)) <= 13
    inside = (fault[1:] == 1) & (fault[:-1] == 1)
    assert (np.diff(blocks)[inside] == 0).all()


def test_readings_of_one_or_two_events_are_one_block_since_no_interval_can_be_told_from_them():
    volt = np.random.default_rng(0).normal(size=500)
    for events, blocks in ((2, 1), (3, 13)):
        fault = np.isin(np.arange(500), np.arange(events) * 7 + 3)
        rows = read({"volt": volt, "fault": fault}, target="fault")
        assert len(np.unique(rows.groups())) == blocks


def test_taken_readings_keep_their_windows_and_know_what_follows():
    rows = read(two_series(), series="sensor", time="at")
    some = rows.take(np.array([1, 2, 0, 6, 9]))
    assert some.follows().tolist() == [False, True, True, False, False]
    facts = learn_readings(rows)
    whole = np.asarray(encode_readings(rows, facts)["window"])
    np.testing.assert_array_equal(np.asarray(encode_readings(some, facts)["window"]), whole[[1, 2, 0, 6, 9]])


def test_the_same_reading_in_another_file_has_the_same_fingerprint():
    one = read(two_series(), series="sensor", time="at")
    frame = pl.DataFrame(two_series())
    other = read(frame[[7, 3, 1]], series="sensor", time="at")
    assert other.fingerprints().tolist() == one.fingerprints()[[7, 3, 1]].tolist()
    assert len(set(one.fingerprints().tolist())) == 12


@pytest.mark.parametrize(
    ("frame", "how", "message"),
    [
        (
            {"volt": [1.0, 2.0, 5.0], "at": [1, 1, 2]},
            {"time": "at"},
            r"row 1, column 'at': the time 1 is there",
        ),
        ({"volt": [1.0, 2.0], "at": [1.0, None]}, {"time": "at"}, "row 1, column 'at': the time is missing"),
        (
            {"volt": [1.0, 2.0], "at": ["early", "late"]},
            {"time": "at"},
            "expected dates, or numbers .* 'early'",
        ),
        ({"volt": [1.0, 2.0], "id": ["a", None]}, {"series": "id"}, "the name of the series is missing"),
        ({"word": ["a", "b", "a"]}, {}, "no column of numbers is left to watch"),
        ({"volt": [1.0, 1.0, 1.0]}, {}, "'volt' is constant"),
        ({"volt": [1.0, float("inf"), 2.0]}, {}, "row 1, column 'volt': received an infinite number"),
        ({"volt": [1.0, 2.5]}, {"time": "tmie"}, r"no column 'tmie' \(--time\)"),
    ],
)
def test_a_source_that_will_not_do_is_named_with_its_row_and_column(frame, how, message):
    with pytest.raises(DataError, match=message):
        read(frame, **how)


def test_a_value_that_never_is_there_or_never_changes_in_training_is_refused():
    rows = read({"volt": [None, None, 1.0, 2.0], "heat": [1.0, 5.0, 2.0, 2.0]})
    with pytest.raises(DataError, match="column 'volt' has no value in the training readings"):
        learn_readings(rows.take(np.array([0, 1])))
    with pytest.raises(DataError, match="no value changes"):
        learn_readings(read({"volt": [1.0, 1.0, 1.0, 2.0]}).take(np.arange(3)))
