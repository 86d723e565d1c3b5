"""Importance against what is known of a function that was made up."""

import numpy as np
import pytest

from deepfit.explain.permutation import ROWS_IN_ALL, column_places, importance

PLACES = {
    "strong": [("numbers", 0)],
    "weak": [("numbers", 1)],
    "idle": [("numbers", 2)],
    "kind": [("categories", 0)],
}


def made(rows=1500, seed=0):
    rng = np.random.default_rng(seed)
    batch = {"numbers": rng.normal(size=(rows, 3)), "categories": rng.integers(0, 4, (rows, 1))}
    truth = 3 * batch["numbers"][:, 0] + batch["numbers"][:, 1] + 2.0 * (batch["categories"][:, 0] == 1)

    def score(given, index):
        predicted = (
            3 * given["numbers"][:, 0] + given["numbers"][:, 1] + 2.0 * (given["categories"][:, 0] == 1)
        )
        return -np.mean((predicted - truth[index]) ** 2)

    return score, batch


def test_importance_is_twice_the_variance_that_a_column_explains():
    # Shuffling x replaces w x by w x', so the squared error is w^2 E (x - x')^2 = 2 w^2 Var x; the 0/1 column
    # has variance 3/16.
    score, batch = made()
    found = importance(score, batch, PLACES, repeats=10)
    assert list(found) == ["strong", "weak", "kind", "idle"]
    expected = {"strong": 18, "weak": 2, "kind": 2 * 4 * 3 / 16}
    assert {name: found[name].value for name in expected} == pytest.approx(expected, rel=0.1)
    assert found["idle"].value == 0
    assert all(each.low <= each.value <= each.high for each in found.values())


def test_the_places_of_one_column_are_shuffled_together():
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, 500)
    batch = {"numbers": np.stack([np.sin(angle), np.cos(angle)], axis=1)}

    def on_the_circle(given, index):
        return -float(np.abs((given["numbers"] ** 2).sum(axis=1) - 1).max())

    assert importance(on_the_circle, batch, {"time": [("numbers", 0), ("numbers", 1)]})[
        "time"
    ].value == pytest.approx(0, abs=1e-12)


def test_the_rows_given_are_left_as_they_are_and_a_seed_repeats():
    score, batch = made()
    before = {name: array.copy() for name, array in batch.items()}
    assert importance(score, batch, PLACES, seed=3) == importance(score, batch, PLACES, seed=3)
    assert all((batch[name] == before[name]).all() for name in batch)


def test_many_columns_ask_the_network_about_a_bounded_number_of_rows():
    asked = 0

    def count(given, index):
        nonlocal asked
        asked += len(index)
        return 0.0

    importance(
        count,
        {"numbers": np.zeros((50_000, 200))},
        {str(place): [("numbers", place)] for place in range(200)},
    )
    assert asked <= ROWS_IN_ALL


def test_an_undefined_score_leaves_the_column_out():
    assert importance(lambda given, index: float("nan"), made()[1], PLACES) == {}


def test_places_are_read_from_what_encoding_has_learned():
    records = [{"name": "age", "numbers": [0, 1]}, {"name": "city", "category": 0}]
    expected = {"age": [("numbers", 0), ("numbers", 1)], "city": [("categories", 0)]}
    assert column_places({"columns": records}) == column_places({"columns": {"columns": records}}) == expected
    assert column_places({"classes": ["a"]}) == {}
