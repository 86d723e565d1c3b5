"""The task as a user meets it: data it claims, every network, intervals, forecasts, scores, the report."""

from __future__ import annotations

from typing import get_args

import numpy as np
import polars as pl
import pytest

from deepfit import catalog
from deepfit.contract import Answers
from deepfit.errors import DataError
from deepfit.job.result import Result
from deepfit.judge import scorecard
from deepfit.report import series as sections
from deepfit.report.view import View
from deepfit.tasks.time_series_forecasting import TimeSeriesForecasting as Forecasting

NETWORKS = get_args(Forecasting.Options.model_fields["network"].annotation)


@pytest.fixture(scope="module")
def tiny():
    return Forecasting.tiny(0)


def test_the_forecasters_column_names_claim_a_table_and_others_do_not():
    table = pl.DataFrame({"unique_id": ["a"], "ds": ["2024-01-01"], "y": [1.0]})
    assert catalog.infer(table)[0] == "time-series-forecasting"
    assert Forecasting.suits(table.rename({"ds": "when"}), None) is None


@pytest.mark.parametrize("network", NETWORKS)
def test_every_network_learns_more_than_the_naive_forecast_knows(tiny, network):
    from deepfit.contract import Splits
    from deepfit.engine import Run, train

    _, rows, _ = tiny
    options = tiny[0].options.model_copy(update={"network": network, "epochs": 4})
    task = Forecasting(options)
    facts = task.learn(rows.train)
    data = Splits(*(task.encode(part, facts) for part in (rows.train, rows.valid, rows.test)))
    run = Run(options, None)
    run.seed("build")
    net = task.build(facts)
    losses = [each.losses["loss"] for each in train(task, net, data, facts, run) if each.kind == "epoch"]
    assert losses[-1] < 0.8 * losses[0]
    said = task.outputs(net, data.test, facts)["quantiles"]
    assert np.all(np.diff(said, axis=1) >= 0)
    naive = next(iter(task.baselines(rows))).answers
    ours, theirs = (
        task.metrics(each, rows.test)["mase"] for each in (task.decode({"quantiles": said}, facts), naive)
    )
    assert ours < theirs


def test_calibration_makes_intervals_hold_their_share(tiny):
    task = tiny[0]
    rng = np.random.default_rng(0)
    actual = rng.normal(0, 1, 2000)
    narrow = np.tile(np.array([-1.0, -0.6, -0.3, 0.0, 0.3, 0.6, 1.0]), (2000, 1))
    facts = task.calibrate({"quantiles": narrow[:1000]}, {"target": actual[:1000]}, {})
    columns = task.decode({"quantiles": narrow[1000:]}, facts).columns
    later = actual[1000:]
    for share in (80, 95):
        inside = (later >= columns[f"low_{share}"]) & (later <= columns[f"high_{share}"])
        assert inside.mean() == pytest.approx(share / 100, abs=0.03)


def test_few_held_out_points_calibrate_nothing(tiny):
    said = {"quantiles": np.zeros((10, 7))}
    assert tiny[0].calibrate(said, {"target": np.zeros(10)}, {"a": 1}) == {"a": 1}


def test_an_interval_of_95_percent_is_never_inside_that_of_80():
    said = {"quantiles": np.tile(np.array([-1.0, -0.9, -0.3, 0.0, 0.3, 0.9, 1.0]), (3, 1))}
    task = Forecasting(Forecasting.Options())
    columns = task.decode(said, {"widths": {"80": 2.0, "95": 0.6}}).columns
    assert np.all(columns["low_95"] <= columns["low_80"])
    assert np.all(columns["high_95"] >= columns["high_80"])


@pytest.fixture(scope="module")
def sales():
    day = np.arange(200)
    rng = np.random.default_rng(0)
    return {
        "ds": np.datetime64("2024-01-01") + day,
        "y": 100 + 20 * np.sin(2 * np.pi * day / 7) + rng.normal(0, 2, 200),
    }


@pytest.fixture(scope="module")
def model(sales, tmp_path_factory):
    import deepfit

    out = tmp_path_factory.mktemp("runs") / "sales"
    return deepfit.fit(
        sales, task="time-series-forecasting", horizon=7, epochs=3, threads=1, out=out, quiet=True
    )


def test_a_model_forecasts_the_points_after_the_history_it_is_given(model, sales):
    answers = model.answers(sales)
    assert len(answers) == 7
    assert answers.columns["ds"].tolist()[0] == "2024-07-19"
    coming = 100 + 20 * np.sin(2 * np.pi * np.arange(200, 207) / 7)
    assert np.abs(answers.columns["prediction"] - coming).mean() < 6
    longer = {name: values[:150] for name, values in sales.items()}
    assert model.answers(longer).columns["ds"].tolist()[0] == "2024-05-30"


def test_a_model_scores_only_what_training_did_not_see(model, sales):
    card = model.evaluate(sales)
    assert card["rows"]["test"] == model.scorecard["rows"]["test"] + model.scorecard["rows"]["valid"]
    assert card["metrics"]["mase"]["low"] < card["metrics"]["mase"]["value"]
    with pytest.raises(DataError, match="no series is longer than the horizon"):
        model.evaluate({name: values[:5] for name, values in sales.items()})


def test_a_series_that_training_never_saw_is_forecast_at_its_own_level(model, sales):
    other = {"ds": sales["ds"], "y": 1e6 * sales["y"]}
    said, known = (model.answers(each).columns["prediction"] for each in (other, sales))
    assert np.corrcoef(said, known)[0, 1] > 0.9
    assert said.mean() == pytest.approx(1e8, rel=0.2)


def test_the_report_draws_forecasts_errors_by_step_and_coverage(tiny, tmp_path):
    task, rows, _ = tiny
    task.learn(rows.train)
    found = {each.name: each.answers for each in task.baselines(rows)}
    answers = found.pop("exponential_smoothing")
    card = scorecard.assemble("t", {}, seconds={}, peak_mb=0, paths={})
    view = View(Result(tmp_path, task, None, card, [], rows.test, answers, found))
    drawn = sections.forecasts(view)
    assert [each.wide for each in drawn.figures] == [True] * len(drawn.figures)
    assert all("area c1" in str(each.chart) for each in drawn.figures)
    assert "2024-05-12" in str(drawn.figures[0].chart)
    assert "station" in drawn.figures[-1].caption
    assert "seasonal naive" in str(sections.horizon(view).figures[0].chart)
    table = sections.coverage(view).tables[0]
    inside = task.metrics(answers, rows.test)["coverage_80"]
    assert table.rows[0][2] == f"{inside:.1%}"


def test_a_name_of_a_series_cannot_break_the_report(tmp_path):
    hostile = "<script>alert(1)</script>"
    day = np.arange(80)
    frame = {
        "unique_id": [hostile] * 80 + ["b"] * 80,
        "ds": np.tile(np.datetime64("2024-01-01") + day, 2),
        "y": np.tile(np.sin(day), 2) + np.repeat([0.0, 5.0], 80),
    }
    task = Forecasting(Forecasting.Options(horizon=7))
    rows = task.read(frame).take(np.flatnonzero(np.tile(day >= 66, 2)))
    said = np.zeros(len(rows))
    answers = Answers(dict.fromkeys(("prediction", "low_80", "high_80", "low_95", "high_95"), said))
    card = scorecard.assemble("t", {}, seconds={}, peak_mb=0, paths={})
    drawn = sections.forecasts(View(Result(tmp_path, task, None, card, [], rows, answers)))
    assert all("<script" not in str(each.chart) for each in drawn.figures)
