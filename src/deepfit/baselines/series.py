"""What a sensible person would forecast before a network, from the same origins: no value after them is used.

Each function gives columns of answers (see `metrics_series.LEVELS`) for points [rows]. Intervals of the naive
forecast are the quantiles of its own errors on the training rows, step by step.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from deepfit.contract import Facts
from deepfit.data.series import SeriesRows, SeriesTable
from deepfit.metrics.series import LEVELS

LAGS = 28
"""Values before the origin that the linear model sees, at least two seasons where that is not too long."""

MOST_LAGS = 120
MOST_WINDOWS = 20_000
Fitted = tuple[str, dict[str, np.ndarray], float]


def for_series(
    train: SeriesRows, test: SeriesRows, batches: tuple[Any, Any], facts: Facts
) -> Iterator[Fitted]:
    """Yield seasonal_naive, exponential_smoothing and linear: name, columns of answers, seconds.

    seasonal_naive repeats the last season before each origin. exponential_smoothing is the additive
    Holt-Winters method with a damped trend, its three rates chosen by the errors within the training rows;
    linear is ridge regression, one for each step of the horizon, on the values before the origin, the
    calendar, the columns known in advance and the same place in earlier years. train: may include what
    chose the epoch; batches: the encoded train and test points.
    """
    for name, method in (
        ("seasonal_naive", lambda: seasonal_naive(train, test, facts)),
        ("exponential_smoothing", lambda: exponential_smoothing(train, test, facts)),
        ("linear", lambda: linear(*batches, facts)),
    ):
        began = time.monotonic()
        columns = method()
        yield name, columns, time.monotonic() - began


def seasonal_naive(train: SeriesRows, test: SeriesRows, facts: Facts) -> dict[str, np.ndarray]:
    """The value one season before, of the last season that lies wholly before the origin.

    Where a series is shorter than that, its last value before the origin.
    """
    table, points = test.table, test.index
    origins = table.origins(points)
    said = repeated(table, points, origins, int(facts["season"]))
    learned, values = train.table, train.index
    errors: list[list[np.ndarray]] = [[] for _ in range(table.horizon)]
    for code in np.unique(learned.codes[values]):
        own = np.sort(values[learned.codes[values] == code])
        scale = learned.scale_of(learned.ids[code]) or 1.0
        for step in range(table.horizon):
            later = own[own - step > own[0]]
            made = repeated(learned, later, later - step, int(facts["season"]))
            errors[step].append((learned.y[later] - made) / scale)
    steps = np.clip(points - origins, 0, table.horizon - 1)
    scale = np.array([table.scale_of(each) or 1.0 for each in table.ids])[table.codes[points]]
    return _with_errors(
        said, steps, scale, [np.concatenate(each) if each else np.zeros(1) for each in errors]
    )


def repeated(table: SeriesTable, points: np.ndarray, origins: np.ndarray, season: int) -> np.ndarray:
    """The seasonal naive forecast of points from their origins."""
    firsts = table.starts[:-1][table.codes[points]]
    back = season * -(-(points - origins + 1) // season)
    source = np.where(points - back >= firsts, points - back, np.maximum(origins - 1, firsts))
    return table.y[source]


def _with_errors(
    said: np.ndarray, steps: np.ndarray, scale: np.ndarray, errors: list[np.ndarray]
) -> dict[str, np.ndarray]:
    """The forecast with the quantiles of its errors on training rows, by step, in each series' scale."""
    found = {}
    for name, level in LEVELS.items():
        reach = np.array(
            [
                np.quantile(each[np.isfinite(each)], level) if np.isfinite(each).any() else 0.0
                for each in errors
            ]
        )
        around = said if name == "prediction" else said + reach[steps] * scale
        found[name] = around
    return _ordered(found)


def _ordered(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The prediction first, as answers have it, and never outside its own interval."""
    said = columns["prediction"]
    return {
        "prediction": said,
        **{name: np.minimum(columns[name], said) for name in ("low_80", "low_95")},
        **{name: np.maximum(columns[name], said) for name in ("high_80", "high_95")},
    }


def exponential_smoothing(train: SeriesRows, test: SeriesRows, facts: Facts) -> dict[str, np.ndarray]:
    """Holt and Winters' additive method, the season's places and level brought up to date before each origin.

    level_t = a (y_t - s_(t-m)) + (1 - a) (level + d trend), trend_t = b (level_t - level) + (1 - b) d trend,
    s_t = c (y_t - level_t) + (1 - c) s_(t-m); forecast: level + (d + ... + d^h) trend + s, with d = 0.98.
    Source: Hyndman and Athanasopoulos 2021, Forecasting: Principles and Practice, 3rd edition, sections 8.2
    and 8.3. The rates come from a small grid, by the absolute error over the horizon on the training rows.
    """
    table, points = test.table, test.index
    season, horizon = int(facts["season"]), table.horizon
    origins = table.origins(points)
    said = np.full(len(points), np.nan)
    errors: list[list[np.ndarray]] = [[] for _ in range(horizon)]
    fitted: dict[str, tuple[float, float, float]] = {}
    grid = [(a, b, c) for a in (0.02, 0.1, 0.3, 0.6) for b in (0.0, 0.01) for c in (0.02, 0.1, 0.3)]
    for code in np.unique(train.table.codes[train.index]):
        own = np.sort(train.index[train.table.codes[train.index] == code])
        values = train.table.y[own[0] : own[-1] + 1]
        made = [(_smoothed(values, rates, season, horizon), rates) for rates in grid]
        ahead = np.stack([np.append(values[step:], np.full(step, np.nan)) for step in range(horizon)], 1)
        half = len(values) // 2
        misses = [
            np.nanmean(np.abs(one[half:-1] - ahead[half + 1 :])) if half + 1 < len(values) else 0.0
            for one, _ in made
        ]
        best = int(np.argmin(np.array(misses)))
        fitted[train.table.ids[code]] = made[best][1]
        missed = (ahead[half + 1 :] - made[best][0][half:-1]) / (
            train.table.scale_of(train.table.ids[code]) or 1.0
        )
        for step in range(horizon):
            errors[step].append(missed[:, step])
    usual = next(iter(fitted.values()))
    for code in np.unique(table.codes[points]):
        mine = np.flatnonzero(table.codes[points] == code)
        first = int(table.starts[code])
        values = table.y[first : int(origins[mine].max())]
        if not len(values):
            said[mine] = table.y[first]
            continue
        ahead = _smoothed(values, fitted.get(table.ids[code], usual), season, horizon)
        before = np.maximum(origins[mine] - first - 1, 0)
        said[mine] = ahead[before, points[mine] - origins[mine]]
    steps = np.clip(points - origins, 0, horizon - 1)
    scale = np.array([table.scale_of(each) or 1.0 for each in table.ids])[table.codes[points]]
    return _with_errors(
        said, steps, scale, [np.concatenate(each) if each else np.zeros(1) for each in errors]
    )


def _smoothed(values: np.ndarray, rates: tuple[float, float, float], season: int, horizon: int) -> np.ndarray:
    """The forecasts made after each value: [values, horizon]."""
    of_level, of_trend, of_season = rates
    damp = 0.98
    start = values[: min(len(values), 2 * season)]
    level, trend = float(start.mean()), 0.0
    places = np.zeros(season)
    if season > 1 and len(values) >= 2 * season:
        places = values[: 2 * season].reshape(2, season).mean(0) - level
    grown = np.cumsum(damp ** np.arange(1, horizon + 1))
    found = np.empty((len(values), horizon))
    ahead = np.arange(1, horizon + 1)
    for place, value in enumerate(values):
        slot = place % season
        before = level + damp * trend
        new = of_level * (value - places[slot]) + (1 - of_level) * before
        trend = of_trend * (new - level) + (1 - of_trend) * damp * trend
        level = new
        if season > 1:
            places[slot] = of_season * (value - level) + (1 - of_season) * places[slot]
        found[place] = level + grown * trend + places[(place + ahead) % season]
    return found


def linear(train: Any, test: Any, facts: Facts) -> dict[str, np.ndarray]:
    """Ridge regression of each step on the window before the origin and the step's own columns."""
    from sklearn.linear_model import RidgeCV

    rows = train["target"].starts
    chosen = np.arange(len(rows))
    if len(chosen) > MOST_WINDOWS:
        chosen = np.linspace(0, len(rows) - 1, MOST_WINDOWS).astype(int)
    width = min(int(facts["lookback"]), MOST_LAGS, max(LAGS, 2 * int(facts["season"])))
    matrix, level, spread = _matrix(train, chosen, width, facts)
    actual = (train["target"][chosen][..., 0] - level) / spread
    asked, asked_level, asked_spread = _matrix(test, np.arange(len(test["step"])), width, facts)
    count = len(test["step"])
    made = {name: np.zeros(count) for name in LEVELS}
    for step in range(int(facts["horizon"])):
        mine = np.flatnonzero(test["step"] == step)
        if not len(mine):
            continue
        ours, theirs = _at_step(matrix, step), _at_step(asked, step)
        centre, scale = ours.mean(0), ours.std(0) + 1e-6
        model = RidgeCV(alphas=np.logspace(-1, 4, 6)).fit((ours - centre) / scale, actual[:, step])
        said = model.predict((theirs[mine] - centre) / scale)
        missed = actual[:, step] - model.predict((ours - centre) / scale)
        for name, level_ in LEVELS.items():
            reach = 0.0 if name == "prediction" else np.quantile(missed, level_)
            made[name][mine] = (said + reach) * asked_spread[mine, 0] + asked_level[mine, 0]
    return _ordered({name: each * test["deviation"] + test["centre"] for name, each in made.items()})


def _matrix(batch: Any, rows: np.ndarray, width: int, facts: Facts) -> Any:
    """((values before, columns of the block [rows, horizon, columns]), level, spread) of windows."""
    history = batch["history"].at(rows)
    pieces = range(0, max(len(rows), 1), 4096)
    value = np.concatenate([history[start : start + 4096].gathered()[:, -width:, :2] for start in pieces])
    there = value[..., 1]
    count = np.maximum(there.sum(1, keepdims=True), 1)
    level = (value[..., 0] * there).sum(1, keepdims=True) / count
    spread = np.sqrt((((value[..., 0] - level) * there) ** 2).sum(1, keepdims=True) / count + 0.01)
    blocks = [batch["future"].at(rows).gathered()]
    context = -int(facts["horizon"])
    for number in range(len(facts["lags"])):
        earlier = batch[f"lagged_{number}"].at(rows).gathered()
        base = earlier[:, :context]
        mean = (base[..., 0] * base[..., 1]).sum(1) / np.maximum(base[..., 1].sum(1), 1)
        known = earlier[:, context:, 1:]
        blocks.append(
            np.concatenate(
                [(earlier[:, context:, :1] - mean[:, None, None]) / spread[:, :, None] * known, known], 2
            )
        )
    return (((value[..., 0] - level) / spread * there), np.concatenate(blocks, 2)), level, spread


def _at_step(matrix: tuple[np.ndarray, np.ndarray], step: int) -> np.ndarray:
    return np.concatenate([matrix[0], matrix[1][:, step]], 1)
