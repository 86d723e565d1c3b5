"""Importance of covariates: what decides, what is noise, and that a course over time stays whole."""

from dataclasses import replace

import numpy as np
import pytest

from deepfit.data.series_encoding import CALENDAR, OWN_PAST, encode_series, input_places
from deepfit.data.windows import Windows, whole
from deepfit.explain import covariates, permutation
from deepfit.job.result import Result
from deepfit.judge import scorecard
from deepfit.judge.verdict import number
from deepfit.model import Model
from deepfit.report.page import render
from deepfit.tasks.time_series_forecasting import TimeSeriesForecasting as Forecasting


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """The made sales, which a price decides and visitors do not, with a trained network."""
    from deepfit.contract import Splits
    from deepfit.engine import Run, train

    task, rows, _ = Forecasting.tiny(0)
    facts = task.learn(rows.train)
    data = Splits(*(task.encode(part, facts) for part in (rows.train, rows.valid, rows.test)))
    run = Run(task.options, None)
    run.seed("build")
    net = task.build(facts)
    for _ in train(task, net, data, facts, run):
        pass
    model = Model("time-series-forecasting", task, net, facts)
    card = scorecard.assemble("time-series-forecasting", {"test": 56}, seconds={}, peak_mb=0, paths={})
    return Result(tmp_path_factory.mktemp("run"), task, model, card, [], rows.test, model.answer(rows.test))


def test_a_covariate_that_decides_stands_before_one_that_is_noise(result):
    found = covariates.of_covariates(result)
    assert set(found) == {"price", "visitors", OWN_PAST, CALENDAR}
    assert next(iter(found)) == "price"
    assert found["price"].low > 0.5
    assert abs(found["visitors"].value) < 0.1 * found["price"].value
    assert found["price"].low < found["price"].value < found["price"].high
    assert covariates.of_covariates(result) == found


def test_windows_put_together_again_give_the_answers_of_the_report(result):
    test, task, facts = result.test, result.task, result.model.facts
    points = task.encode(test, facts)
    forecasts, forecast_of = covariates.blocks(points)
    batch = covariates.as_points(forecasts, points, np.arange(len(test)), forecast_of)
    again = task.decode(result.model.outputs(batch), facts)
    for name, values in result.answers.columns.items():
        np.testing.assert_allclose(again.columns[name], values, rtol=1e-4)
    assert permutation.scored(result, batch, test) == pytest.approx(
        -task.metrics(result.answers, test)["mase"], rel=1e-4
    )


def test_a_forecast_gets_the_whole_course_of_another_and_keeps_the_rest(result):
    facts = result.model.facts
    forecasts, _ = covariates.blocks(encode_series(result.test, facts))
    places = input_places(facts)
    seen = []
    permutation.importance(
        lambda batch, index: seen.append((batch, index)) or 0.0,
        forecasts,
        {"price": places["price"]},
        repeats=1,
    )
    (before, index), (after, _) = seen
    assert (np.diff(index) > 0).all()
    moved = {name: [place for array, place in places["price"] if array == name] for name in before}
    for name, columns in moved.items():
        kept = [each for each in range(before[name].shape[-1]) if each not in columns]
        np.testing.assert_array_equal(np.take(after[name], kept, -1), np.take(before[name], kept, -1))

    def courses(batch):
        return [
            np.concatenate(
                [batch["history"][row][:, moved["history"]], batch["future"][row][:, moved["future"]]]
            )
            for row in range(len(index))
        ]

    own = courses(before)
    given_by = [
        [giver for giver, course in enumerate(own) if np.array_equal(course, got)] for got in courses(after)
    ]
    assert sorted(giver for givers in given_by for giver in givers) == list(range(len(index)))
    assert all(row not in givers for row, givers in enumerate(given_by))


def test_places_name_the_columns_that_hold_a_covariate(result):
    """Changing a covariate in the table changes its columns in the windows and no other."""
    rows, facts = result.test, result.model.facts
    places = input_places(facts)
    as_read = encode_series(rows, facts)
    for name in ("price", "visitors"):
        table = replace(rows.table, covariates={**rows.table.covariates, name: np.zeros(len(rows.table.y))})
        other = encode_series(type(rows)(table, rows.index), facts)
        differing = {
            (window, int(column))
            for window, each in other.items()
            if isinstance(each, Windows)
            for column in np.flatnonzero((each.values != as_read[window].values).any(0))
        }
        assert differing == set(places[name])


def test_series_without_covariates_and_single_forecasts_have_no_importance(result):
    bare = replace(
        result,
        model=Model("t", result.task, result.model.net, {**result.model.facts, "known": [], "past": []}),
    )
    assert covariates.of_covariates(bare) == {}
    first = result.test.take(result.test.groups() == result.test.groups()[0])
    assert covariates.of_covariates(replace(result, test=first)) == {}
    assert covariates.of_covariates(replace(result, test=None)) == {}


def test_of_many_forecasts_some_are_drawn_with_all_of_their_points(result, monkeypatch):
    monkeypatch.setattr(covariates, "FORECASTS_HELD", 3)
    some = covariates.some_forecasts(result.test, np.random.default_rng(0))
    kept, counts = np.unique(some.groups(), return_counts=True)
    assert len(kept) == 3
    assert counts.tolist() == [int((result.test.groups() == each).sum()) for each in kept]


def test_the_report_shows_the_bars_and_says_what_they_are(result):
    found = covariates.of_covariates(result)
    page = render(result, importance=found)
    assert "<h2>Which covariates matter</h2>" in page
    assert "MASE worse by" in page
    assert page.index(">price<") < page.index(">visitors<")
    assert f"the score worse by {number(found[OWN_PAST].value, 3)} (" in page
    assert ">(own past)<" not in page
    assert "<h2>Which covariates matter</h2>" not in render(result)


def test_an_array_as_windows_gives_its_rows_back():
    rows = np.arange(24.0).reshape(2, 4, 3)
    windows = whole(rows)
    np.testing.assert_array_equal(windows.gathered(), rows)
    np.testing.assert_array_equal(windows.at([1, 1, 0]).gathered(), rows[[1, 1, 0]])
