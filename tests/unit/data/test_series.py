"""Long tables as series: what is wrong is named, what is mended is as asked, and no future is seen."""

import numpy as np
import polars as pl
import pytest

from deepfit.data.series_encoding import encode_series, find_season, learn_series, training_origins
from deepfit.data.series_read import Reading, read_series
from deepfit.data.series_time import DAY, Frequency
from deepfit.data.split import split
from deepfit.errors import DataError, OptionError

START = np.datetime64("2024-01-01")


def frame(days=60, series=("a",), **columns):
    rows = {"unique_id": [], "ds": [], "y": []}
    for number, name in enumerate(series):
        rows["unique_id"] += [name] * days
        rows["ds"] += (START + np.arange(days)).tolist()
        rows["y"] += list(100.0 * number + np.arange(days) + 10 * np.sin(2 * np.pi * np.arange(days) / 7))
    return pl.DataFrame({**rows, **columns})


def read(table, facts=None, **reading):
    return read_series(table, Reading(**{"horizon": 7, **reading}), facts)


def without(table, *rows):
    return table.with_row_index().filter(~pl.col("index").is_in(rows)).drop("index")


def test_rows_in_any_order_are_the_same_series():
    table = frame(series=("a", "b"))
    shuffled = table.sample(fraction=1, shuffle=True, seed=3)
    one, other = read(table), read(shuffled)
    np.testing.assert_array_equal(one.target(), other.target())
    np.testing.assert_array_equal(one.fingerprints(), other.fingerprints())
    assert [each.where(5) for each in (one, other)] == ["row 5", other.where(5)]


def test_missing_stamps_and_values_are_named_with_their_row():
    table = without(frame(), 10, 11).with_columns(
        pl.when(pl.int_range(58) == 18).then(None).otherwise("y").alias("y")
    )
    with pytest.raises(DataError) as raised:
        read(table)
    said = str(raised.value)
    assert "3 values are missing: 2024-01-11 (no row, after row 9); 2024-01-12 (no row)" in said
    assert "row 18 (2024-01-21: 'y' is empty)" in said
    assert "--fill" in said


@pytest.mark.parametrize(
    ("how", "expected"), [("interpolate", [3.0, 4.0]), ("previous", [2.0, 2.0]), ("zero", [0.0, 0.0])]
)
def test_gaps_are_filled_as_asked(how, expected):
    table = without(frame().with_columns(y=pl.int_range(60).cast(pl.Float64)), 3, 4)
    assert read(table, fill=how).target()[3:5].tolist() == expected


def test_repeated_stamps_are_named_and_joined_as_asked():
    table = pl.concat([frame(), frame()[4:5].with_columns(y=pl.lit(50.0))])
    value = frame()["y"][4]
    with pytest.raises(DataError, match=r"2024-01-05 in row 4 .* and row 60 \(50\)"):
        read(table)
    for how, expected in (("mean", (value + 50) / 2), ("sum", value + 50), ("last", 50.0)):
        assert read(table, duplicates=how).target()[4] == pytest.approx(expected)


def test_a_stamp_off_the_grid_is_named():
    odd = pl.Series("ds", frame()["ds"].cast(pl.Datetime("us")))
    odd = odd.scatter(9, odd[9] + np.timedelta64(5, "h").astype("timedelta64[us]").item())
    with pytest.raises(DataError, match=r"irregular. Most are one day apart; 1 are off that grid: row 9"):
        read(frame().with_columns(odd))


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinite_value_is_named(value):
    y = frame()["y"].to_numpy().copy()
    y[7] = value
    with pytest.raises(DataError, match="row 7, column 'y': expected a finite number"):
        read(frame().with_columns(y=y))


def test_nan_counts_as_missing():
    y = frame()["y"].to_numpy().copy()
    y[7] = np.nan
    with pytest.raises(DataError, match="'y' is empty"):
        read(frame().with_columns(y=y))


def test_a_word_among_stamps_is_named(tmp_path):
    path = tmp_path / "sales.csv"
    path.write_text("ds,y\n" + "".join(f"2024-01-{day:02},{day}\n" for day in range(1, 30)) + "soon,30\n")
    with pytest.raises(DataError, match=r"sales.csv, row 31, column 'ds': expected a date .*'soon'"):
        read(str(path))


def test_no_value_at_all_is_an_error():
    with pytest.raises(DataError, match="has no value in any row"):
        read(frame().with_columns(y=pl.lit(None, pl.Float64)))


def test_a_single_stamp_is_an_error_that_says_why():
    with pytest.raises(DataError, match="one time stamp only"):
        read(frame(days=1))


def test_columns_that_do_not_exist_get_a_suggestion():
    with pytest.raises(OptionError, match=r"--known: there is no column 'prize'\. Did you mean 'price'"):
        read(frame(price=np.zeros(60)), known=["prize"])
    with pytest.raises(OptionError, match="a column has one part"):
        read(frame(price=np.arange(60.0)), known=["price"], past=["price"])
    with pytest.raises(OptionError, match="--time COLUMN"):
        read(frame().rename({"ds": "when"}))


def test_several_targets_are_a_series_each_with_names_of_any_script():
    table = frame(series=("قهوة", "☕")).rename({"y": "in"}).with_columns((pl.col("in") * 2).alias("out"))
    rows = read(table, targets=["in", "out"])
    assert sorted(rows.table.ids) == sorted(["قهوة/in", "☕/in", "قهوة/out", "☕/out"])
    assert len(rows) == 240


def test_a_series_of_one_value_beside_long_ones_is_kept_and_named():
    table = pl.concat([frame(), frame(days=1, series=("lonely",))])
    rows = read(table)
    assert len(rows) == 61
    assert any("'lonely'" in concern.message for concern in rows.concerns())


def test_a_constant_series_is_named():
    table = pl.concat([frame(), frame(series=("flat",)).with_columns(y=pl.lit(5.0))])
    assert any(each.kind == "constant" and "'flat'" in each.message for each in read(table).concerns())


def test_the_last_blocks_of_each_series_are_held_out_never_rows_at_random():
    rows = read(frame(days=100, series=("a", "b")))
    parts = split(rows, "auto", test_fraction=0.2, valid_fraction=0.15, seed=0, classes=False)
    for name in ("a", "b"):
        ends = [part.times()[part.ids() == name] for part in (parts.train, parts.valid, parts.test)]
        assert ends[0].max() < ends[1].min() <= ends[1].max() < ends[2].min()
        assert len(ends[2]) == 21
        assert len(ends[1]) == 14
    with pytest.raises(OptionError, match="never held out at random"):
        split(rows, "random", test_fraction=0.2, valid_fraction=0.15, seed=0)


def test_parts_of_a_column_are_taken_and_the_rest_for_validation_is_the_last():
    table = frame(days=100).with_columns(part=pl.Series(["train"] * 70 + ["test"] * 30))
    rows = read(table, split="column:part")
    parts = split(rows, "column:part", test_fraction=0.2, valid_fraction=0.15, seed=0, classes=False)
    assert parts.test.index.tolist() == list(range(70, 100))
    assert parts.valid.index.max() == 69
    assert parts.train.index.max() + 1 == parts.valid.index.min()
    backwards = table.with_columns(part=pl.Series(["test"] * 30 + ["train"] * 70))
    with pytest.raises(DataError, match="comes after"):
        split(
            read(backwards, split="column:part"), "column:part", test_fraction=0.2, valid_fraction=0.2, seed=0
        )


def test_a_series_too_short_to_hold_out_of_says_what_is_needed():
    with pytest.raises(DataError, match="at least 29 are needed"):
        split(read(frame(days=20)), "auto", test_fraction=0.2, valid_fraction=0.15, seed=0)


def test_no_array_of_a_point_depends_on_values_from_its_origin_on():
    table = frame(days=120).with_columns(visits=np.random.default_rng(0).normal(size=120))
    rows = read(table, past=["visits"])
    train = rows.take(np.arange(90))
    facts = learn_series(train, season=7, lookback=21)
    tail = rows.take(np.arange(110, 120))
    before = encode_series(tail, facts)
    changed = table.with_columns(
        *(pl.when(pl.int_range(120) >= 106).then(1e6).otherwise(name).alias(name) for name in ("y", "visits"))
    )
    rows_changed = read(changed, past=["visits"])
    after = encode_series(rows_changed.take(np.arange(110, 120)), facts)
    safe = before["origin"] <= 106
    assert safe.sum() == 3
    for name in ("history", "future"):
        np.testing.assert_array_equal(before[name][safe], after[name][safe])
        assert name == "future" or not np.array_equal(before[name][~safe], after[name][~safe])


def test_origins_lie_on_a_grid_that_is_anchored_at_the_end():
    rows = read(frame(days=60))
    origins = rows.table.origins(np.arange(60))
    assert sorted(set(origins.tolist())) == list(range(-3, 60, 7))
    assert (np.arange(60) - origins).max() == 6


def test_training_windows_lie_wholly_within_the_training_rows():
    rows = read(frame(days=60, series=("a", "b")))
    train = rows.take(np.flatnonzero(np.tile(np.arange(60) < 40, 2)))
    facts = learn_series(train, season=7, lookback=14)
    batch = encode_series(train, facts)
    chosen = training_origins(batch, facts)
    starts = np.sort((batch["origin"] + batch["step"])[chosen])
    assert starts.tolist() == [*range(1, 34), *range(61, 94)]


def test_the_scale_is_the_seasonal_naive_error_within_the_training_rows():
    rows = read(frame(days=60))
    train = rows.take(np.arange(40))
    facts = learn_series(train, season=7, lookback=0)
    y = rows.target()[:40]
    assert facts["series"]["a"]["scale"] == pytest.approx(np.abs(y[7:] - y[:-7]).mean())


def test_the_season_is_the_cycle_that_repeats_best():
    rng = np.random.default_rng(0)
    day = np.arange(400)
    weekly = 10 * np.sin(2 * np.pi * day / 7) + rng.normal(size=400)
    walk = rng.normal(size=400).cumsum()
    daily = Frequency("microseconds", DAY)
    assert find_season([weekly], daily, 14) == 7
    assert find_season([walk], daily, 7) == 1


def test_a_trained_model_reads_the_points_to_forecast_and_labelled_gives_the_past():
    train = read(frame(days=60))
    facts = learn_series(train, season=7, lookback=14)
    facts["horizon"] = 7
    rows = read(frame(days=70), facts)
    assert len(rows) == 7
    assert rows.target() is None
    assert rows.keys()["ds"].tolist() == [str(START + np.timedelta64(70 + step, "D")) for step in range(7)]
    scored = rows.labelled()
    assert scored.index.tolist() == list(range(60, 70))  # what training did not see
    assert set(scored.parts()) == {"test"}
    seen = read(frame(days=60), facts).labelled()
    assert seen.index.tolist() == list(range(4, 60))  # the first block has no value before it
    assert set(seen.parts()) == {"train"}


def test_rows_of_a_test_file_are_scored_after_the_training_rows_which_are_its_history():
    from deepfit.job.rows import prepare_rows
    from deepfit.tasks.time_series_forecasting import TimeSeriesForecasting

    task = TimeSeriesForecasting(TimeSeriesForecasting.Options(horizon=7))
    prepared = prepare_rows(task, {"source": frame(days=100), "test": frame(days=130)})
    assert prepared.splits.valid.index.max() == 99
    assert prepared.splits.test.index.min() <= 100
    assert prepared.splits.test.index.max() == 129
    assert len(list(task.baselines(prepared.splits))) == 3


def test_columns_known_in_advance_are_asked_for_at_the_points_to_come():
    table = frame(days=67).with_columns(price=np.arange(67.0))
    facts = learn_series(read(table[:60], known=["price"]), season=7, lookback=14)
    to_come = table.with_columns(pl.when(pl.int_range(67) < 60).then("y").otherwise(None).alias("y"))
    rows = read(to_come, facts, known=["price"])
    assert encode_series(rows, facts)["future"].gathered().shape[0] == 7
    with pytest.raises(DataError, match="needs 'price', known in advance"):
        encode_series(read(table[:60], facts, known=["price"]), facts)
