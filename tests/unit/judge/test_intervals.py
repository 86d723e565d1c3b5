"""Intervals against theory: the analytic one of a mean, coverage in simulation, exact binomial bounds."""

import time

import numpy as np
import pytest
from scipy import stats

from deepfit.judge.intervals import bootstrap, resamples_for


def test_the_interval_of_a_mean_is_the_analytic_one(kit):
    values = np.random.default_rng(0).exponential(size=5000)
    found = bootstrap(kit.MeanTask(), kit.Rows(values), {"network": kit.numbers(values)}).scores["network"][
        "mean"
    ]
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=0.12 * half
    )


def test_drawing_fewer_rows_than_there_are_gives_the_same_interval_of_a_mean(kit):
    values = np.random.default_rng(1).normal(3, 2, size=90_000)  # nine times what a resample draws
    found = bootstrap(kit.MeanTask(), kit.Rows(values), {"network": kit.numbers(values)}).scores["network"][
        "mean"
    ]
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert (found.low, found.high) == pytest.approx(
        (values.mean() - half, values.mean() + half), abs=0.12 * half
    )


def test_about_95_in_100_intervals_hold_the_true_score(kit):
    rng = np.random.default_rng(2)
    rmse_held = mean_held = 0
    for number in range(200):
        error = rng.normal(0, 2, 150)
        rows, answers = kit.Rows(np.zeros(150)), {"network": kit.numbers(error)}
        rmse = bootstrap(kit.NumberTask(), rows, answers, seed=number, resamples=200).scores["network"][
            "rmse"
        ]
        mean = bootstrap(kit.MeanTask(), rows, answers, seed=number, resamples=200).scores["network"]["mean"]
        rmse_held += rmse.low <= 2 <= rmse.high
        mean_held += mean.low <= 0 <= mean.high
    assert 0.90 <= rmse_held / 200 <= 0.99
    assert 0.90 <= mean_held / 200 <= 0.99


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(kit):
    values = np.random.default_rng(3).normal(size=60)
    rows, answers = kit.Rows(np.zeros(60)), {"network": kit.numbers(values)}
    assert bootstrap(kit.NumberTask(), rows, answers, seed=4) == bootstrap(
        kit.NumberTask(), rows, answers, seed=4
    )
    assert bootstrap(kit.NumberTask(), rows, answers, seed=4) != bootstrap(
        kit.NumberTask(), rows, answers, seed=5
    )


def test_differences_are_paired(kit):
    # both answers miss by the same large amounts but for a constant: the difference is sure although each
    # score is not
    rng = np.random.default_rng(4)
    noise = np.abs(rng.normal(100, 30, 300))
    rows = kit.Rows(np.zeros(300))
    found = bootstrap(
        kit.NumberTask(), rows, {"network": kit.numbers(noise), "linear": kit.numbers(noise + 1)}
    )
    each, gain = found.scores["network"]["rmse"], found.gains["linear"]
    assert gain.low > 0.8
    assert gain.high < 1.1
    assert each.high - each.low > 4


def test_a_gain_is_positive_where_less_is_better_and_the_network_has_less(kit):
    rows = kit.Rows(np.zeros(100))
    found = bootstrap(
        kit.NumberTask(), rows, {"network": kit.numbers(np.ones(100)), "mean": kit.numbers(np.full(100, 3.0))}
    )
    assert found.gains["mean"].value == pytest.approx(2)


def test_a_metric_undefined_in_a_resample_is_left_out_of_that_resample_alone(kit):
    rng = np.random.default_rng(5)
    target = np.r_[np.ones(2, int), np.zeros(30, int)]  # about one resample in eight has no row of class 1
    chance = np.clip(rng.normal(0.3 + 0.3 * target, 0.2), 0.01, 0.99)
    answers = kit.class_answers(np.stack([1 - chance, chance], axis=1))
    found = bootstrap(kit.ClassTask(), kit.Rows(target), {"network": answers}).scores["network"]
    assert found["roc_auc"].low < found["roc_auc"].value < found["roc_auc"].high <= 1
    assert found["log_loss"].low < found["log_loss"].value < found["log_loss"].high


def test_a_test_set_of_one_class_has_accuracy_but_no_roc_auc(kit):
    chance = np.random.default_rng(6).uniform(0.2, 0.9, 40)
    answers = kit.class_answers(np.stack([1 - chance, chance], axis=1))
    found = bootstrap(kit.ClassTask(), kit.Rows(np.ones(40, int)), {"network": answers}).scores["network"]
    assert "roc_auc" not in found
    assert found["accuracy"].low < found["accuracy"].high


def test_one_row_has_values_without_intervals(kit):
    found = bootstrap(kit.NumberTask(), kit.Rows(np.array([1.0])), {"network": kit.numbers([3.0])}).scores[
        "network"
    ]
    assert (found["rmse"].value, found["rmse"].low, found["rmse"].high) == (2.0, None, None)


@pytest.mark.parametrize("rows", [20, 500])
def test_a_perfect_accuracy_has_the_exact_binomial_bound(kit, rows):
    answers = kit.class_answers(np.tile([[0.9, 0.1]], (rows, 1)))
    found = bootstrap(kit.ClassTask(), kit.Rows(np.zeros(rows, int)), {"network": answers}).scores["network"][
        "accuracy"
    ]
    exact = stats.binomtest(rows, rows).proportion_ci(0.95, method="exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))


def test_an_interval_holds_its_value_even_where_resampling_biases_the_score(kit):
    rng = np.random.default_rng(7)
    chance = rng.uniform(0, 1, 3000)
    target = (rng.random(3000) < chance).astype(
        int
    )  # calibrated, so resamples look less calibrated than all rows
    answers = kit.class_answers(np.stack([1 - chance, chance], axis=1))
    found = bootstrap(kit.ClassTask(), kit.Rows(target), {"network": answers}).scores["network"][
        "calibration_error"
    ]
    assert found.low <= found.value <= found.high


class GroupedRows:
    """Rows of numbers that hang together in groups."""

    name = "rows.csv"

    def __init__(self, values, codes):
        self.values, self.codes = values, codes

    def __len__(self):
        return len(self.values)

    def take(self, index):
        return GroupedRows(self.values[index], self.codes[index])

    def target(self):
        return self.values

    def groups(self):
        return self.codes


def test_rows_that_hang_together_are_drawn_together_and_the_interval_is_that_of_the_groups_means(kit):
    # 60 groups of 20 rows that differ by group alone: there are 60 values, not 1,200
    rng = np.random.default_rng(8)
    means = rng.normal(size=60)
    codes = rng.permutation(np.repeat(np.arange(60), 20))
    values = means[codes]
    found = bootstrap(kit.MeanTask(), GroupedRows(values, codes), {"network": kit.numbers(values)})
    interval = found.scores["network"]["mean"]
    half = 1.96 * means.std() / np.sqrt(60)
    assert (interval.low, interval.high) == pytest.approx(
        (means.mean() - half, means.mean() + half), abs=0.15 * half
    )
    alone = bootstrap(kit.MeanTask(), kit.Rows(values), {"network": kit.numbers(values)}).scores["network"][
        "mean"
    ]
    assert interval.high - interval.low > 3.5 * (alone.high - alone.low)


def test_drawing_fewer_groups_than_there_are_gives_the_same_interval(kit):
    rng = np.random.default_rng(9)
    means = rng.normal(size=1000)
    codes = np.repeat(np.arange(1000), 40)  # four times what a resample draws
    values = means[codes]
    found = bootstrap(
        kit.MeanTask(), GroupedRows(values, codes), {"network": kit.numbers(values)}, resamples=600
    )
    interval = found.scores["network"]["mean"]
    half = 1.96 * means.std() / np.sqrt(1000)
    assert (interval.low, interval.high) == pytest.approx(
        (means.mean() - half, means.mean() + half), abs=0.15 * half
    )


def test_groups_of_one_row_each_change_nothing_but_the_draw(kit):
    values = np.random.default_rng(10).normal(size=400)
    grouped = bootstrap(kit.MeanTask(), GroupedRows(values, np.arange(400)), {"network": kit.numbers(values)})
    plain = bootstrap(kit.MeanTask(), kit.Rows(values), {"network": kit.numbers(values)})
    assert grouped == plain


def test_one_group_has_values_without_intervals(kit):
    values = np.arange(5.0)
    found = bootstrap(kit.MeanTask(), GroupedRows(values, np.zeros(5)), {"network": kit.numbers(values)})
    assert found.scores["network"]["mean"].low is None


@pytest.mark.parametrize(
    ("rows", "columns", "expected"),
    [(1000, 1, 1000), (10_000, 11, 400), (10_000_000, 3, 1000), (50_000, 101, 200)],
)
def test_the_number_of_resamples_follows_the_size_of_the_answers(rows, columns, expected):
    assert resamples_for(rows, columns) == expected


@pytest.mark.slow
@pytest.mark.parametrize(("rows", "classes", "limit_s"), [(1000, 2, 8), (10_000, 10, 20)])
def test_judging_four_answers_takes_seconds(kit, rows, classes, limit_s):
    rng = np.random.default_rng(0)
    everyone = {
        name: kit.class_answers(rng.dirichlet(np.ones(classes), rows)) for name in ("network", "a", "b", "c")
    }
    begun = time.process_time()  # of this process alone, since others may keep the machine busy
    bootstrap(kit.ClassTask(classes=classes), kit.Rows(rng.integers(0, classes, rows)), everyone)
    assert time.process_time() - begun < limit_s
