from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from deepfit.data.noise import normal_of, prints_of, round_trip

PRINTS = np.arange(5_000, dtype=np.uint64) * np.uint64(7919)


def test_the_numbers_are_normal_and_independent_from_row_to_row_and_column_to_column():
    found = normal_of(PRINTS, 6, seed=3)
    assert stats.kstest(found.ravel(), "norm").pvalue > 0.001
    assert np.abs(np.corrcoef(found, rowvar=False) - np.eye(6)).max() < 0.06
    beside = np.corrcoef(found[:-1].ravel(), found[1:].ravel())[0, 1]
    assert abs(beside) < 0.02


@pytest.mark.parametrize("width", [1, 4, 5])
def test_a_row_gets_the_same_numbers_in_any_company(width):
    whole = normal_of(PRINTS[:50], width, seed=0)
    order = np.random.default_rng(0).permutation(50)
    np.testing.assert_array_equal(normal_of(PRINTS[:50][order], width, seed=0), whole[order])
    assert whole.dtype == np.float32


def test_another_seed_or_another_fingerprint_gives_other_numbers_and_large_ones_are_finite():
    prints = np.array([0, 1, 2**64 - 1], np.uint64)
    found = normal_of(prints, 8, seed=0)
    assert np.isfinite(found).all()
    assert len(np.unique(found)) == found.size
    assert not np.isin(normal_of(prints, 8, seed=2**62), found).any()


def test_equal_pictures_have_equal_prints_and_pictures_that_differ_by_one_level_do_not():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (500, 6, 6, 3), dtype=np.uint8)
    images[1] = images[0]
    images[2] = images[0]
    images[2, 3, 3, 0] ^= 1
    images[3:5] = np.array([0, 255], np.uint8)[:, None, None, None]
    found = prints_of(images)
    assert found[0] == found[1]
    assert len(np.unique(found)) == 499
    np.testing.assert_array_equal(prints_of(images[::-1]), found[::-1])


def test_a_round_trip_meets_its_places_and_stays_as_far_from_the_middle_as_they_are():
    places = np.random.default_rng(1).standard_normal((3, 20)).astype(np.float32)
    way = round_trip(places, 30)
    np.testing.assert_allclose(way[::10], places, rtol=1e-5)
    lengths, ends = np.linalg.norm(way, axis=1), np.linalg.norm(places, axis=1)
    assert lengths.min() >= ends.min() - 1e-4
    assert lengths.max() <= ends.max() + 1e-4


def test_the_steps_of_a_round_trip_are_alike_also_from_the_last_point_to_the_first():
    places = np.random.default_rng(2).standard_normal((4, 500)).astype(np.float32)
    way = round_trip(places, 80)
    steps = np.linalg.norm(np.diff(np.concatenate([way, way[:1]]), axis=0), axis=1)
    assert steps.max() < 1.3 * steps.min()


def test_half_way_between_two_places_is_the_middle_of_the_arc():
    way = round_trip(np.array([[2.0, 0.0], [0.0, 2.0]]), 4)
    np.testing.assert_allclose(way[1], [np.sqrt(2), np.sqrt(2)], rtol=1e-6)


def test_places_that_lie_in_one_direction_are_joined_by_a_straight_line():
    way = round_trip(np.array([[1.0, 0.0], [3.0, 0.0]]), 4)
    np.testing.assert_allclose(way, [[1, 0], [2, 0], [3, 0], [2, 0]])
