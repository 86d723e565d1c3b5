"""Columns as arrays: against scikit-learn and hand-worked cases.

And the same for a row whatever rows are beside it.
"""

import datetime as dt
import json

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.preprocessing import RobustScaler

from deepfit.data import table_encoding
from deepfit.data.table_encoding import clip_smoothly, encode_columns, learn_columns
from deepfit.data.table_rows import read_rows
from deepfit.errors import DataError

CELLS = st.fixed_dictionaries(
    {
        "size": st.none() | st.floats(-1e6, 1e6),
        "count": st.integers(-1000, 1000),
        "street": st.none() | st.sampled_from(["a", "b", "c", "d e"]),
        "sold": st.booleans(),
        "day": st.none() | st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)),
    }
)


def learn(columns: dict, **options: object) -> tuple:
    rows = read_rows(columns, **options)
    facts = learn_columns(rows)
    return rows, json.loads(json.dumps(facts))


def numbers(columns: dict, **options: object) -> dict[str, list[float]]:
    rows, facts = learn(columns, **options)
    return dict(zip(facts["number_names"], encode_columns(rows, facts)["numbers"].T.tolist(), strict=True))


def test_a_number_is_the_smoothly_clipped_value_of_scikit_learns_robust_scaler():
    values = np.random.default_rng(0).lognormal(size=(501, 3))
    rows, facts = learn({f"x{n}": values[:, n] for n in range(3)})
    z = RobustScaler().fit_transform(values)
    np.testing.assert_allclose(
        encode_columns(rows, facts)["numbers"], z / np.sqrt(1 + (z / 3) ** 2), rtol=1e-6, atol=1e-7
    )


def test_clipping_never_passes_three_and_hardly_moves_what_is_small():
    np.testing.assert_allclose(
        clip_smoothly(np.array([0.0, 0.01, 3.0, -1e300])), [0, 0.01, 3 / np.sqrt(2), -3], rtol=1e-5
    )


def test_a_column_whose_quartiles_are_equal_is_scaled_by_half_its_range():
    encoded = numbers({"x": [0.0] * 99 + [8.0]})["x"]
    assert encoded[0] == 0
    assert encoded[-1] == pytest.approx(clip_smoothly(np.array([2.0]))[0])


def test_a_missing_number_is_the_median_and_marked_where_training_had_some():
    assert numbers({"x": [1.0, 2.0, None, 3.0, 5.0], "y": [1.0, 2.0, 3.0, 4.0, 5.0]})["x is missing"] == [
        0,
        0,
        1,
        0,
        0,
    ]
    _, facts = learn({"x": [1.0, 2.0, 4.0]})
    assert encode_columns(read_rows({"x": [None, 2.0]}, kinds={"x": "number"}), facts)[
        "numbers"
    ].tolist() == [[0], [0]]


def test_edges_are_the_quantiles_of_the_encoded_column():
    rows, facts = learn({"x": np.random.default_rng(0).normal(size=2001)})
    encoded = encode_columns(rows, facts)["numbers"][:, 0]
    np.testing.assert_allclose(facts["edges"][0], np.quantile(encoded, np.linspace(0, 1, 51)), atol=1e-6)


def test_equal_quantiles_are_one_edge_and_every_column_has_two():
    _, facts = learn({"x": [0.0] * 61 + [1.0] * 40, "y": [0.0, *[0.0, None] * 50]})
    assert len(facts["edges"][0]) == 2
    assert all(len(edges) >= 2 and edges == sorted(set(edges)) for edges in facts["edges"])


def test_categories_count_by_falling_frequency_from_one_and_missing_is_one_of_them():
    rows, facts = learn({"street": ["b"] * 3 + ["a"] * 5 + [None] * 4})
    assert facts["columns"][0]["values"] == ["a", None, "b"]
    assert encode_columns(rows, facts)["categories"][:, 0].tolist() == [3] * 3 + [1] * 5 + [2] * 4


def test_values_that_training_never_saw_are_zero():
    _, facts = learn({"street": ["a", "a", "b", "b"]})
    unseen = read_rows({"street": ["z", None, "b"]}, columns=facts)
    assert encode_columns(unseen, facts)["categories"][:, 0].tolist() == [0, 0, 2]


def test_values_in_too_few_rows_share_the_code_of_the_unseen():
    rows, facts = learn({"street": ["a"] * 200 + ["b"] * 98 + ["c"] * 2})
    assert facts["columns"][0]["values"] == ["a", "b"]
    assert encode_columns(rows, facts)["categories"][-1, 0] == 0


def test_a_category_is_the_same_as_a_number_a_word_or_a_code():
    _, facts = learn({"zip": [3, 3, 7, 7]}, kinds={"zip": "category"})
    for values in ([7, 3], [7.0, 3.0], ["7", "3"], pl.Series(["7", "3"], dtype=pl.Categorical)):
        rows = read_rows(pl.DataFrame({"zip": values}), columns=facts)
        assert encode_columns(rows, facts)["categories"][:, 0].tolist() == [2, 1]


def test_yes_and_no_are_the_same_typed_and_written(tmp_path):
    _, facts = learn({"sold": [True, True, False]})
    (tmp_path / "a.csv").write_text("sold,n\nTrue,1\nFALSE,2\n")
    for source in (tmp_path / "a.csv", {"sold": ["True", "false"]}, {"sold": [True, False]}):
        assert encode_columns(read_rows(source, columns=facts), facts)["categories"][:, 0].tolist() == [1, 2]


def test_a_date_becomes_its_time_in_years_and_points_on_the_circles_of_the_calendar():
    days = ["2020-01-01", "2021-04-01", "2022-07-02", "2023-10-03"]
    encoded = numbers({"day": days})
    assert "day hour sine" not in encoded
    np.testing.assert_allclose(encoded["day month sine"], [0, 1, 0, -1], atol=1e-6)
    np.testing.assert_allclose(encoded["day month cosine"], [1, 0, -1, 0], atol=1e-6)
    weekday = np.array([dt.date.fromisoformat(day).weekday() for day in days])
    np.testing.assert_allclose(encoded["day weekday sine"], np.sin(2 * np.pi * weekday / 7), atol=1e-6)
    years = np.array([(dt.date.fromisoformat(day) - dt.date(1970, 1, 1)).days / 365.2425 for day in days])
    np.testing.assert_allclose(
        encoded["day"], clip_smoothly(RobustScaler().fit_transform(years[:, None])[:, 0]), rtol=1e-5
    )


def test_the_hour_is_encoded_where_training_has_times_of_day():
    encoded = numbers({"at": ["2020-01-01 06:00", "2020-01-01 18:00", "2020-01-01 12:00"]})
    np.testing.assert_allclose(encoded["at hour sine"], [1, -1, 0], atol=1e-6)
    assert "at month sine" not in encoded


def test_a_missing_date_is_zero_and_marked():
    encoded = numbers({"day": ["2020-01-01", None, "2020-02-02", "2021-03-03"]})
    assert encoded["day is missing"] == [0, 1, 0, 0]
    assert [encoded[name][1] for name in encoded if name != "day is missing"] == [0] * (len(encoded) - 1)


def test_a_date_that_is_none_is_named_at_predict(tmp_path):
    _, facts = learn({"day": ["2020-01-01", "2020-02-02"]})
    (tmp_path / "a.csv").write_text("day,n\n2020-01-01,1\nsoon,2\n")
    with pytest.raises(
        DataError, match=r"a.csv, row 3, column 'day': expected a date written as iso, received 'soon'"
    ):
        read_rows(tmp_path / "a.csv", columns=facts)


def test_unused_columns_are_said_with_their_reason():
    _, facts = learn({"row": list(range(30)), "x": np.random.default_rng(0).normal(size=30)})
    assert facts["unused"] == {"row": "identifier: counts the rows from 0 to 29"}
    assert facts["number_names"] == ["x"]


def test_other_columns_at_predict_are_ignored():
    rows, facts = learn({"x": [1.0, 2.0, 4.0]})
    more = read_rows({"new": ["?", "!", "."], "x": [1.0, 2.0, 4.0]}, columns=facts)
    np.testing.assert_array_equal(
        encode_columns(rows, facts)["numbers"], encode_columns(more, facts)["numbers"]
    )


def test_a_column_missing_at_encoding_is_named():
    _, facts = learn({"size": [1.0, 2.0, 4.0], "x": [1.0, 2.0, 3.0]})
    with pytest.raises(DataError, match=r"no column 'size'.*Did you mean 'sizes'"):
        encode_columns(read_rows({"sizes": [1.0], "x": [1.0]}), facts)


@settings(max_examples=30, deadline=None)
@given(st.lists(CELLS, min_size=2, max_size=40), st.data())
def test_a_rows_codes_do_not_depend_on_the_rows_beside_it(records, data):
    kinds = {"size": "number", "count": "number", "street": "category", "sold": "category", "day": "datetime"}
    frame = pl.DataFrame(
        records,
        schema={
            "size": pl.Float64,
            "count": pl.Int64,
            "street": pl.String,
            "sold": pl.Boolean,
            "day": pl.Datetime("us"),
        },
    )
    rows = read_rows(frame, kinds=kinds)
    facts = learn_columns(rows)
    whole = encode_columns(rows, facts)
    index = np.array(data.draw(st.lists(st.integers(0, len(records) - 1), min_size=1, max_size=20)))
    part = encode_columns(rows.take(index), facts)
    for name in ("numbers", "categories"):
        np.testing.assert_array_equal(part[name], whole[name][index])
    assert np.isfinite(whole["numbers"]).all()


def test_encoding_in_many_chunks_equals_encoding_at_once(monkeypatch):
    generator = np.random.default_rng(0)
    columns = {"x": generator.normal(size=5000), "street": generator.choice(list("abc"), 5000)}
    rows, facts = learn(columns)
    whole = encode_columns(rows, facts)
    monkeypatch.setattr(table_encoding, "CHUNK_VALUES", 1)
    for name, array in encode_columns(rows.take(np.arange(5000)), facts).items():
        np.testing.assert_array_equal(array, whole[name])
