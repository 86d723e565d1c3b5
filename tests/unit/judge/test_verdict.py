"""The sentence that a reader sees first."""

import numpy as np
import pytest

from deepfit.judge.intervals import Interval, Intervals, bootstrap
from deepfit.judge.verdict import number, outcome, verdict


def judged(gain, low, high, metric="-rmse"):
    bare = metric.removeprefix("-")
    scores = {
        name: {bare: Interval(value)}
        for name, value in [("network", 100.0), ("mean", 200.0), ("gradient_boosting", 110.0)]
    }
    return verdict(
        metric,
        Intervals(scores, {"mean": Interval(100, 90, 110), "gradient_boosting": Interval(gain, low, high)}),
        586,
    )


def test_better_names_the_best_baseline_the_gain_and_its_interval():
    assert judged(10, 4, 16) == (
        "Better than the best baseline, gradient boosting: RMSE 100.0 against 110.0, "
        "a gain of 10 (95 % interval 4.0 to 16) on 586 test rows."
    )


def test_worse_says_so_first():
    assert judged(-10, -16, -4) == (
        "NOT better than the best baseline, gradient boosting, which is the wiser choice: RMSE 100.0 "
        "against 110.0, "
        "worse by 10 (95 % interval 4.0 to 16) on 586 test rows."
    )


@pytest.mark.parametrize("gain", [10, -10, 0])
def test_level_begins_with_not_better_whatever_the_sign(gain):
    sentence = judged(gain, gain - 20, gain + 20)
    assert sentence.startswith("Not better than the best baseline, gradient boosting, only level with it: ")
    assert "may be chance on 586 test rows" in sentence


def test_the_best_baseline_is_the_one_closest_to_beating_the_network():
    assert "gradient boosting" in judged(10, 4, 16)
    assert "mean" in judged(300, 290, 310)  # now the mean is the harder rival


def test_the_sentence_follows_the_data(kit):
    rng = np.random.default_rng(0)
    target = rng.normal(size=400)
    rows = kit.Rows(target)

    def said(network_noise, linear_noise):
        answers = {"network": kit.numbers(target + network_noise * rng.normal(size=400)),
                   "linear": kit.numbers(target + linear_noise * rng.normal(size=400))}  # fmt: skip
        return verdict("-rmse", bootstrap(kit.NumberTask(), rows, answers), 400)

    assert said(1.0, 2.0).startswith("Better")
    assert said(2.0, 1.0).startswith("NOT better")
    assert said(1.0, 1.0).startswith("Not better than the best baseline, linear, only level")


def test_no_test_rows_no_baseline_and_an_undefined_metric_are_said():
    alone = Intervals({"network": {"rmse": Interval(5.0, 4.0, 6.0)}}, {})
    assert verdict("-rmse", alone, 0).startswith("No rows were held out")
    assert (
        verdict("-rmse", alone, 9)
        == "RMSE 5.000 (95 % interval 4.000 to 6.000) on 9 test rows; no baseline to compare with."
    )
    assert verdict("roc_auc", alone, 9) == "No verdict: ROC AUC is not defined on these 9 test rows."


@pytest.mark.parametrize(
    ("gain", "low", "high", "said"), [(9, 4, 16, "better"), (-9, -16, -4, "worse"), (9, -4, 16, "level")]
)
def test_what_a_verdict_says_is_read_back_from_it(gain, low, high, said):
    assert outcome(judged(gain, low, high)) == said
    assert outcome("RMSE 5 on 9 test rows; no baseline to compare with.") == "unknown"


def test_one_test_row_is_too_few_to_tell():
    sentence = judged(10, None, None)
    assert sentence.startswith("Not shown to be better")


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (23456.7, 4, "23,457"),
        (999.96, 4, "1,000.0"),
        (0.93456, 4, "0.9346"),
        (0.00012345, 2, "0.00012"),
        (0, 4, "0"),
        (-2.5, 2, "-2.5"),
        (1e-11, 2, "1.0e-11"),
        (1.4e-15, 4, "0"),
        (None, 4, "unknown"),
        (3e20, 4, "3e+20"),
    ],
)
def test_numbers_are_written_for_people(value, digits, expected):
    assert number(value, digits) == expected


def test_a_reference_is_no_rival():
    values = {"network": 2.0, "ideal": 1.0, "mean": 3.0}
    scores = {name: {"rmse": Interval(value)} for name, value in values.items()}
    found = Intervals(scores, {"ideal": Interval(-1, -1.5, -0.5), "mean": Interval(1, 0.5, 1.5)})
    assert verdict("-rmse", found, 100, ("ideal",)).startswith("Better than the best baseline, mean")
    assert verdict("-rmse", found, 100).startswith("NOT better than the best baseline, ideal")
