"""Baselines against known answers: they find what is there to find, and nothing else."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from deepfit import baselines, metrics


def table(rows, seed, classes=0):
    """A number that counts, one with holes, and a category with 30 values of which one matters."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(rows, 2)).astype(np.float32)
    codes = rng.integers(0, 30, (rows, 1)).astype(np.int32)
    value = 100 + 20 * numbers[:, 0] + 40 * (codes[:, 0] == 7) + rng.normal(size=rows)
    numbers[rng.random(rows) < 0.2, 1] = np.nan
    return {
        "numbers": numbers,
        "categories": codes,
        "target": np.digitize(value, [90, 110]) if classes else value,
    }


def test_regression_baselines_get_better_and_come_close_to_the_noise():
    train, test = table(3000, 0), table(800, 1)
    found = {
        name: metrics.regression(said, test["target"])["rmse"]
        for name, said, _ in baselines.for_regression(train, test)
    }
    assert list(found) == ["mean", "linear", "gradient_boosting"]
    assert found["mean"] == pytest.approx(np.std(test["target"]), rel=0.01)
    assert found["linear"] < 1.2  # the noise alone is 1
    assert found["gradient_boosting"] < 2.5


def test_the_linear_baseline_equals_a_ridge_regression_done_by_hand():
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(400, 5))
    batch = {"numbers": numbers, "target": numbers @ [3, 0, -2, 0, 1] + rng.normal(size=400)}
    said = dict((name, said) for name, said, _ in baselines.for_regression(batch, batch))["linear"]
    scaled = (numbers - numbers.mean(0)) / numbers.std(0)
    fits = [Ridge(alpha).fit(scaled, batch["target"]).predict(scaled) for alpha in np.logspace(-1, 4, 11)]
    assert min(np.abs(said - fit).max() for fit in fits) < 1e-3


def test_classification_baselines_give_probabilities_that_beat_the_shares():
    train, test = table(3000, 0, classes=3), table(800, 1, classes=3)
    found = {
        name: (said, metrics.classification(said, test["target"]))
        for name, said, _ in baselines.for_classification(train, test, 3)
    }
    assert list(found) == ["majority", "linear", "gradient_boosting"]
    for said, _ in found.values():
        assert said.sum(axis=1) == pytest.approx(np.ones(800))
    assert found["majority"][1]["accuracy"] == pytest.approx(np.bincount(test["target"]).max() / 800)
    assert found["linear"][1]["accuracy"] > 0.8
    assert found["gradient_boosting"][1]["accuracy"] > 0.9


def test_a_class_without_training_rows_gets_no_chance():
    train, test = table(500, 0, classes=3), table(50, 1, classes=3)
    for _, said, _ in baselines.for_classification(train, test, 5):
        assert said.shape == (50, 5)
        assert (said[:, 3:] == 0).all()


def test_the_same_seed_gives_the_same_outputs():
    train, test = table(600, 0), table(50, 1)
    runs = [[said for _, said, _ in baselines.for_regression(train, test, seed=5)] for _ in range(2)]
    np.testing.assert_array_equal(runs[0], runs[1])


@pytest.mark.parametrize("missing", ["numbers", "categories"])
def test_tables_of_one_kind_of_column_alone_work(missing):
    train, test = table(400, 0), table(40, 1)
    for batch in (train, test):
        del batch[missing]
    assert len([said for _, said, _ in baselines.for_regression(train, test) if np.isfinite(said).all()]) == 3


def test_rows_beyond_the_cap_are_not_looked_at():
    train, test = table(2000, 0), table(40, 1)
    all_rows, few = (
        {name: said for name, said, _ in baselines.for_regression(train, test, max_rows=most)}
        for most in (2000, 100)
    )
    assert np.abs(all_rows["linear"] - few["linear"]).max() > 0.01


def test_codes_that_training_never_saw_are_ordinary():
    train, test = table(400, 0, classes=3), table(40, 1, classes=3)
    test["categories"][:] = 999
    assert all(np.isfinite(said).all() for _, said, _ in baselines.for_classification(train, test, 3))


def test_one_class_has_the_majority_alone():
    train = table(40, 0, classes=3) | {"target": np.zeros(40, int)}
    assert [name for name, _, _ in baselines.for_classification(train, train, 2)] == ["majority"]


def test_a_handful_of_rows_is_enough():
    train, test = table(12, 0, classes=3), table(5, 1, classes=3)
    assert len(list(baselines.for_classification(train, test, 3))) == 3
    assert len(list(baselines.for_regression(table(12, 0), table(5, 1)))) == 3


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (50, 40, 3)])
def test_picture_baselines_tell_bright_from_dark_halves(shape):
    rng = np.random.default_rng(0)
    target = rng.integers(0, 2, 300)
    pictures = rng.integers(0, 120, (300, *shape), dtype=np.uint8)
    pictures[target == 1, : shape[0] // 2] += 100
    train = {"images": pictures[:200], "target": target[:200]}
    test = {"images": pictures[200:], "target": target[200:]}
    found = {
        name: metrics.classification(said, test["target"])["accuracy"]
        for name, said, _ in baselines.for_images(train, test, 2)
    }
    assert list(found) == ["majority", "linear", "gradient_boosting"]
    assert found["linear"] > 0.95
    assert found["gradient_boosting"] > 0.95


def test_pictures_are_averaged_over_squares():
    picture = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    assert baselines._shrunk(picture, np.array([0]), 4) * 255 == pytest.approx(
        np.array([[2.5, 4.5, 10.5, 12.5]])
    )


def test_blank_pictures_have_nothing_to_tell_them_apart():
    batch = {"images": np.full((60, 6, 6), 7, np.uint8), "target": np.arange(60) % 2}
    assert all(np.isfinite(said).all() for _, said, _ in baselines.for_images(batch, batch, 2))


def test_quantile_baselines_answer_the_quantile_and_boosting_beats_the_constant():
    train, test = table(3000, 0), table(800, 1)
    found = {name: said for name, said, _ in baselines.for_quantile(train, test, 0.9)}
    assert list(found) == ["constant", "gradient_boosting"]
    assert set(found["constant"]) == {np.quantile(train["target"], 0.9)}
    below = (test["target"] < found["gradient_boosting"]).mean()
    assert below == pytest.approx(0.9, abs=0.05)
    constant, boosted = (metrics.pinball(said, test["target"], 0.9) for said in found.values())
    assert boosted < 0.5 * constant
