"""Numbers as modes: a hand-worked case, the way back, spikes, missing cells, ends and rounding."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from deepfit.data.modes import from_modes, learn_modes, num_choices, to_modes

TWO = {
    "missing": True, "spikes": [0.0], "centre": 0.0, "factor": 1.0, "means": [1.0, 3.0],
    "deviations": [0.5, 0.25], "weights": [0.75, 0.25], "low": -5.0, "high": 60.0, "decimals": None,
}  # fmt: skip


def test_a_hand_worked_case():
    """asinh(sinh(1.5)) = 1.5: one deviation above mode 0, six below mode 1, so mode 0 at 0.5 / (4 x 0.5)."""
    values = np.array([math.sinh(1.5), 0.0, np.nan, math.sinh(3.1)])
    offsets, choices = to_modes(values, TWO, np.full(4, 0.5))
    assert choices.tolist() == [2, 1, 0, 3]  # 0: missing, 1: the spike, 2 and 3: the modes
    np.testing.assert_allclose(offsets, [0.25, 0, 0, 0.1], atol=1e-6)
    np.testing.assert_allclose(from_modes(offsets, choices, TWO), values, rtol=1e-6)


def test_a_value_between_modes_goes_to_each_as_often_as_it_is_likely():
    """By Bayes' theorem, with the densities of scipy."""
    from scipy.stats import norm

    bent = 2.3
    likely = np.array([0.75 * norm.pdf(bent, 1, 0.5), 0.25 * norm.pdf(bent, 3, 0.25)])
    chance = (np.arange(1000) + 0.5) / 1000
    _, choices = to_modes(np.full(1000, math.sinh(bent)), TWO, chance)
    assert abs((choices == 2).mean() - likely[0] / likely.sum()) < 2e-3


def test_every_value_of_two_hills_comes_back_and_finds_its_hill():
    rng = np.random.default_rng(0)
    values = np.round(np.concatenate([rng.normal(-50, 2, 700), rng.normal(90, 5, 300)]), 2)
    record = learn_modes(values, 0)
    json.dumps(record)
    assert record["decimals"] == 2
    assert 2 <= num_choices(record) <= 10
    offsets, choices = to_modes(values, record, rng.random(1000))
    assert np.abs(offsets).max() <= 1
    inside = np.abs(offsets) < 1
    np.testing.assert_allclose(from_modes(offsets, choices, record)[inside], values[inside], atol=1e-9)
    assert not set(choices[:700]) & set(choices[700:])


def test_a_value_in_many_rows_is_a_choice_of_its_own_and_comes_back_exactly():
    values = np.concatenate([np.zeros(200), np.random.default_rng(1).lognormal(3, 1, 300)])
    record = learn_modes(values, 0)
    assert record["spikes"] == [0.0]
    _, choices = to_modes(values, record, np.full(500, 0.5))
    assert (choices[:200] == 0).all()
    assert (choices[200:] > 0).all()


def test_few_different_values_are_spikes_and_an_unseen_one_goes_to_the_nearest():
    record = learn_modes(np.tile([1.0, 2.0, 5.0], 50), 0)
    assert record["means"] == []
    assert record["spikes"] == [1.0, 2.0, 5.0]
    offsets, choices = to_modes(np.array([4.0, 9.0, 1.0]), record, np.full(3, 0.5))
    assert choices.tolist() == [2, 2, 0]
    assert from_modes(offsets, choices, record).tolist() == [5.0, 5.0, 1.0]


def test_made_numbers_stay_within_the_ends_and_are_rounded_as_the_data_are():
    values = np.random.default_rng(2).integers(18, 90, 800).astype(float)
    record = learn_modes(values, 0)
    count = num_choices(record)
    offsets = np.tile(np.linspace(-1, 1, 101), count).astype(np.float32)
    made = from_modes(offsets, np.repeat(np.arange(count), 101), record)
    assert made.min() >= 18
    assert made.max() <= 89
    assert (made == np.round(made)).all()
    assert np.mean((made == 18) | (made == 89)) < 0.1  # mirrored, not piled up at the ends


@pytest.mark.parametrize("values", [[np.nan] * 60, [3.0] * 60, [1.0, 2.0] * 30], ids=["none", "one", "two"])
def test_columns_with_hardly_a_value_are_described_too(values):
    values = np.array(values)
    record = learn_modes(values, 0)
    offsets, choices = to_modes(values, record, np.full(60, 0.5))
    np.testing.assert_array_equal(from_modes(offsets, choices, record), values)


def test_the_same_seed_describes_a_column_alike():
    values = np.random.default_rng(3).gamma(2, 10, 900)
    assert learn_modes(values, 5) == learn_modes(values, 5)
