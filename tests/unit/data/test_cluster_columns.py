"""Columns as points: scaled alike where they are of one kind, categories as corners, and bad input."""

from __future__ import annotations

import numpy as np
import pytest

from deepfit.data.cluster_columns import check_clusters, learn_cluster_columns, of_one_kind, points
from deepfit.data.table_encoding import encode_columns
from deepfit.data.table_rows import read_rows
from deepfit.errors import DataError


def pixels(rows=200):
    rng = np.random.default_rng(0)
    return {f"p{place}": rng.integers(0, 17, rows) * (1 if place else 0.05) for place in range(6)}


def test_columns_are_of_one_kind_where_none_spans_far_more_than_the_middle_one():
    assert of_one_kind([np.array([0.0, 16]), np.array([0.0, 12]), np.array([0.0, 1])])
    assert not of_one_kind([np.array([0.0, 16]), np.array([0.0, 16]), np.array([0.0, 900])])
    assert not of_one_kind([np.array([0.0, 16]), np.array([0.0, 16])])


def test_scaled_alike_a_column_that_hardly_varies_stays_small_and_scaled_each_it_does_not():
    rows = read_rows(pixels())
    spans = {}
    for scale in ("each", "alike", "auto"):
        facts = learn_cluster_columns(rows, scale)
        spans[scale] = np.ptp(encode_columns(rows, facts)["numbers"], axis=0)
    assert spans["each"][0] > 0.5 * spans["each"][1]
    assert spans["alike"][0] < 0.1 * spans["alike"][1]
    np.testing.assert_array_equal(spans["auto"], spans["alike"])


def test_columns_in_different_units_are_scaled_one_by_one():
    rng = np.random.default_rng(0)
    rows = read_rows(
        {"age": rng.uniform(18, 90, 50), "income": rng.uniform(0, 9e4, 50), "visits": rng.uniform(0, 9, 50)}
    )
    assert learn_cluster_columns(rows, "auto")["scale"] == "each"


def test_two_values_of_a_category_are_one_apart():
    batch = {"numbers": np.zeros((3, 1), np.float32), "categories": np.array([[0], [1], [2]])}
    found = points(batch, [3])
    gaps = np.linalg.norm(found[:, None] - found, axis=2)
    np.testing.assert_allclose(gaps, 1 - np.eye(3), atol=1e-6)


def checked(frame, clusters):
    rows = read_rows(frame)
    check_clusters(rows, learn_cluster_columns(rows, "auto"), clusters)


def test_more_clusters_than_different_rows_are_refused_before_training():
    frame = {"a": np.arange(30) % 4, "b": np.arange(30) % 2 + 0.5}
    checked(frame, 4)
    with pytest.raises(DataError, match=r"5 clusters.*30 training rows, 4 of them different.*--clusters"):
        checked(frame, 5)
    with pytest.raises(DataError, match=r"40 clusters.*30 training rows"):
        checked({"a": np.arange(30.0)}, 40)


def test_training_rows_that_are_all_equal_are_refused_by_name():
    rows = read_rows({"a": [1.0] * 8 + [2.0], "b": ["x"] * 8 + ["y"]}).take(np.arange(8))
    with pytest.raises(DataError, match=r"all 8 training rows are the same .*a, b"):
        check_clusters(rows, learn_cluster_columns(rows, "auto"), 0)
