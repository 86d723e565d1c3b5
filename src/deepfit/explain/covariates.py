"""How much forecasts lean on each covariate: give each forecast another one's course of it, and score again.

`permutation.importance` with whole forecasts as rows: the window before an origin and the horizon behind it
move together, so that the course of a covariate over time stays as it was and only fits no more.

The series' own past is exchanged, too, each window brought to the level and spread of the one it stands for,
since a forecast at another level would be wrong for no other reason. So is what the dates tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from deepfit.data.series_encoding import input_places
from deepfit.data.windows import Windows, whole
from deepfit.explain.permutation import importance, scored
from deepfit.judge.intervals import Interval

if TYPE_CHECKING:
    from deepfit.contract import Batch
    from deepfit.job.result import Result

SECTION = "covariates"
FORECASTS_HELD, FORECASTS_A_REPEAT = 1000, 300
"""Test forecasts whose windows are held at once, and those of them that each repeat draws."""
FLAT = 1e-6
"""The least spread of a window, in deviations of its series."""


def of_covariates(result: Result, *, seed: int = 0) -> dict[str, Interval]:
    """The importance of every covariate, of the own past and of the calendar, the largest first.

    The value is the rise of the task's main metric on the test points, positive where the covariate helps.
    Empty for other tasks, for series without covariates, and with fewer than two test forecasts.
    """
    task, facts, test = result.task, result.model.facts, result.test
    if SECTION not in task.sections or test is None or not (facts["known"] or facts["past"]):
        return {}
    test = some_forecasts(test, np.random.default_rng([seed, 0xF0CA]))
    points = task.encode(test, facts)
    forecasts, forecast_of = blocks(points)
    if len(forecasts["level"]) < 2:
        return {}
    members = np.split(
        np.argsort(forecast_of, kind="stable"), np.cumsum(np.bincount(forecast_of))[:-1].tolist()
    )

    def score(batch: Batch, index: np.ndarray) -> float:
        own = [members[each] for each in index]
        rows = np.concatenate(own)
        which = np.repeat(np.arange(len(index)), [len(each) for each in own])
        return scored(result, as_points(batch, points, rows, which), test.take(rows))

    return importance(score, forecasts, input_places(facts), seed=seed, max_rows=FORECASTS_A_REPEAT)


def some_forecasts(rows: Any, rng: np.random.Generator) -> Any:
    """Rows of series with all points of at most FORECASTS_HELD forecasts, drawn where there are more."""
    groups = rows.groups()
    names = np.unique(groups)
    if len(names) <= FORECASTS_HELD:
        return rows
    return rows.take(np.isin(groups, rng.choice(names, FORECASTS_HELD, replace=False)))


def blocks(points: Batch) -> tuple[dict[str, Any], np.ndarray]:
    """The forecasts that encoded points belong to, and for each point the place of its forecast.

    Arrays a forecast: `history` [forecasts, lookback, columns] with its values less their `level` over their
    `spread` (both [forecasts]), `future` and `lagged_0`, ... as they are encoded.
    """
    by = np.stack([points["origin"], points["history"].firsts], 1)
    _, first, forecast_of = np.unique(by, axis=0, return_index=True, return_inverse=True)
    found: dict[str, Any] = {
        name: each.at(first).gathered() for name, each in points.items() if isinstance(each, Windows)
    }
    value, there = found["history"][..., 0], found["history"][..., 1]
    count = np.maximum(there.sum(1), 1)
    level = (value * there).sum(1) / count
    spread = np.maximum(np.sqrt(((value - level[:, None]) ** 2 * there).sum(1) / count), FLAT)
    found["history"][..., 0] = (value - level[:, None]) / spread[:, None] * there
    return {**found, "level": level, "spread": spread}, forecast_of.reshape(-1)


def as_points(forecasts: Batch, points: Batch, rows: np.ndarray, which: np.ndarray) -> dict[str, Any]:
    """Encoded points `rows`, each with the windows of the forecast `which` in place of its own."""
    history = np.array(forecasts["history"])
    value, there = history[..., 0], history[..., 1]
    value[:] = (value * forecasts["spread"][:, None] + forecasts["level"][:, None]) * there
    windows: Mapping[str, np.ndarray] = {**forecasts, "history": history}
    batch = {
        name: whole(windows[name]).at(which) if isinstance(each, Windows) else each[rows]
        for name, each in points.items()
    }
    return {**batch, "origin": which}
