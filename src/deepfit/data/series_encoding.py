"""Series as arrays for a network: what is learned, and every point with the windows that it may see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deepfit.contract import Batch, Facts
from deepfit.data.series import SeriesRows, SeriesTable
from deepfit.data.series_time import Frequency, calendar, periods, shown
from deepfit.data.windows import Windows
from deepfit.errors import DataError

QUANTILES = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
"""The levels that are learned; two of them only help the others."""

WORDS_SHOWN = 20
"""Values of a categorical covariate that get a column; the rarer ones share none."""

OWN_PAST, CALENDAR = "(own past)", "(calendar)"
"""Names of what a forecast sees besides covariates; brackets, so that no column is likely to be called so."""

LONGEST_LOOKBACK = 512
YEARS_BACK = 2
LIMIT = 10.0
"""Covariates are cut at so many deviations, so that a value never seen does not carry a forecast away."""


def learn_series(train: SeriesRows, *, season: int, lookback: int) -> dict[str, Any]:
    """Season, lookback, scales of each series and how covariates are encoded, from the training points alone.

    season, lookback: 0 where they are left to us. The scale of a series is the mean error of its seasonal
    naive forecast; of one shorter than two seasons, of the longest cycle that fits.
    """
    table = train.table
    values = {code: table.y[points] for code, points in _by_series(train).items()}
    longest = max(len(each) for each in values.values())
    season = season or find_season(list(values.values()), table.frequency, table.horizon)
    if longest < table.horizon + 1:
        raise DataError(
            f"{table.name}: the longest series has {longest:,} training rows, too few for one forecast of "
            f"{table.horizon} points and a value before it. Make --horizon shorter, or add history."
        )
    if not lookback:
        lookback = max(4 * table.horizon, min(2 * season, 8 * table.horizon), 16)
        lookback = min(
            lookback, LONGEST_LOOKBACK, max(table.horizon, (longest - table.horizon) // 2), longest - 1
        )
    series = {}
    for code, own in values.items():
        last = int(train.index[table.codes[train.index] == code].max())
        spread = float(own.std())
        series[table.ids[code]] = {
            "mean": float(own.mean()),
            "deviation": spread if spread > 0 else 1.0,
            "scale": scale_of(own, season),
            "end": int(table.stamps[last]),
        }
    table.learn_from({"series": series})
    stamps = table.stamps[train.index]
    return {
        "horizon": table.horizon,
        "season": season,
        "lookback": max(1, int(lookback)),
        "lags": _lags(table, longest, lookback),
        "frequency": table.frequency.facts(),
        "calendar": periods(int(stamps.min()), int(stamps.max()), table.frequency),
        "series": series,
        "known": [_learned_column(train, name) for name in table.known],
        "past": [_learned_column(train, name) for name in table.past],
        "reading": {"kinds": table.kinds},
    }


def scale_of(values: np.ndarray, season: int) -> float:
    """The seasonal naive error of a series within itself; of a cycle of 1 where it is too short, else 0."""
    for cycle in (season, 1):
        found = naive_error(values, cycle)
        if np.isfinite(found):
            return found
    return 0.0


def naive_error(values: np.ndarray, season: int) -> float:
    """The mean of |y_t - y_(t-season)| over one series, NaN where it is no longer than a season."""
    values = np.asarray(values, np.float64)
    if len(values) <= season:
        return float("nan")
    return float(np.abs(values[season:] - values[:-season]).mean())


def find_season(values: Sequence[np.ndarray], frequency: Frequency, horizon: int) -> int:
    """The cycle, of those usual for the frequency and 1, whose repetition forecasts the series best.

    The error is that of repeating the last cycle over the next `horizon` points, from origins all over the
    training rows, in deviations of each series. A cycle must fit twice into the longest series.
    """
    longest = max(len(each) for each in values)
    best, least = 1, np.inf
    for cycle in (1, *frequency.cycles()):
        if 2 * cycle + horizon > longest and cycle > 1:
            continue
        errors = []
        for own in values[:200]:
            spread = own.std()
            if len(own) < 2 * cycle + horizon or spread == 0:
                continue
            ahead = np.arange(1, horizon + 1)
            back = cycle * -(-ahead // cycle)
            for step, lag in zip(ahead[:: max(1, horizon // 7)], back[:: max(1, horizon // 7)], strict=True):
                del step
                errors.append(np.abs(own[lag:] - own[:-lag]).mean() / spread)
        if errors and np.mean(errors) < 0.98 * least:
            best, least = cycle, float(np.mean(errors))
    return best


def _lags(table: SeriesTable, longest: int, lookback: int) -> list[int]:
    """Distances to the same time in earlier years (or weeks), whole multiples of the shortest cycle."""
    cycles = [each for each in table.frequency.cycles() if each > max(lookback, table.horizon)]
    if not cycles:
        return []
    short, long = table.frequency.cycles()[0], cycles[0]
    one = max(1, round(long / short)) * short if short < long else long
    return [one * years for years in range(1, YEARS_BACK + 1) if one * (years + 1) <= longest]


def _learned_column(train: SeriesRows, name: str) -> dict[str, Any]:
    values = train.table.covariates[name][train.index]
    if train.table.kinds[name] == "number":
        present = values[np.isfinite(values)]
        spread = float(present.std()) if len(present) else 0.0
        mean = float(present.mean()) if len(present) else 0.0
        return {"name": name, "mean": mean, "deviation": spread if spread > 0 else 1.0}
    words, counts = np.unique(values.astype(str), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:WORDS_SHOWN]
    return {"name": name, "words": [str(words[each]) for each in order if words[each]]}


def num_columns(learned: Sequence[Mapping[str, Any]]) -> int:
    """How many encoded columns these covariates have."""
    return sum(len(each.get("words", (0,))) for each in learned)


def _encoded(table: SeriesTable, learned: Sequence[Mapping[str, Any]]) -> list[np.ndarray]:
    columns = []
    for each in learned:
        values = table.covariates[each["name"]]
        if "words" in each:
            columns.extend((values == word).astype(np.float32) for word in each["words"])
        else:
            scaled = (values.astype(np.float64) - each["mean"]) / each["deviation"]
            columns.append(np.nan_to_num(np.clip(scaled, -LIMIT, LIMIT), nan=0.0).astype(np.float32))
    return columns


def input_places(facts: Facts) -> dict[str, list[tuple[str, int]]]:
    """Where each covariate, the own past and the calendar stand in the windows: (name of a window, column).

    The order of the columns is that of `encode_series`.
    """
    found = {OWN_PAST: [("history", 0), ("history", 1)]}
    found[OWN_PAST] += [
        (f"lagged_{number}", column) for number in range(len(facts["lags"])) for column in (0, 1)
    ]
    start, ahead = 2, 2 + num_columns(facts["past"])
    for each in facts["past"]:
        found[each["name"]] = [("history", start + place) for place in range(num_columns([each]))]
        start += num_columns([each])
    dates = len(calendar(np.zeros(1, np.int64), facts["calendar"])[0])
    for name, width in [*((each["name"], num_columns([each])) for each in facts["known"]), (CALENDAR, dates)]:
        places = range(start, start + width)
        found[name] = [("history", place) for place in places] + [
            ("future", place - ahead) for place in places
        ]
        start += width
    return {name: places for name, places in found.items() if places}


def encode_series(rows: SeriesRows, facts: Facts) -> Batch:
    """Each point with the window before its origin and the block that it is a step of.

    history: Windows [rows, lookback, value + there + past + known + calendar], the value in deviations of its
    series, `there` 0 before the series begins; future: Windows [rows, horizon, known + calendar]; lagged:
    Windows [rows, horizon + context, value + there] a lag; origin and step int64; centre and deviation
    float64, by which encoded values become the series' own; target float64 in its own unit, if there is one.
    """
    table = rows.table
    if table.known and len(rows.index):
        _check_known(rows)
    means, deviations = _scales(table, facts)
    dates = calendar(table.stamps, facts["calendar"])
    y = (np.nan_to_num(table.y, nan=0.0) - means[table.codes]) / deviations[table.codes]
    there = np.ones(len(y), np.float32)
    past, known = _encoded(table, facts["past"]), _encoded(table, facts["known"])
    both = [y.astype(np.float32), there, *past, *known]
    values = np.concatenate([np.stack(both, 1), dates], axis=1)
    ahead = values[:, 2 + len(past) :]
    origin = table.origins(rows.index)
    firsts = table.starts[:-1][table.codes[rows.index]]
    lasts = table.starts[1:][table.codes[rows.index]]
    batch: dict[str, Any] = {"origin": origin, "step": rows.index - origin}
    batch.update(windows(values, ahead, origin, firsts, lasts, facts))
    batch["centre"] = means[table.codes[rows.index]]
    batch["deviation"] = deviations[table.codes[rows.index]]
    batch["scale"] = np.array([_loss_scale(facts, name) for name in table.ids])[table.codes[rows.index]]
    target = rows.target()
    return batch if target is None else {**batch, "target": target}


def windows(
    values: np.ndarray,
    ahead: np.ndarray,
    origin: np.ndarray,
    firsts: np.ndarray,
    lasts: np.ndarray,
    facts: Facts,
) -> dict[str, Windows]:
    """What a forecast from each origin may see: see `encode_series`."""
    lookback, horizon = facts["lookback"], facts["horizon"]
    found = {
        # its end is the origin, so nothing from the origin on is gathered
        "history": Windows(values, origin - lookback, lookback, firsts, np.minimum(origin, lasts)),
        "future": Windows(ahead, origin, horizon, firsts, lasts),
    }
    context = context_of(facts)
    for number, lag in enumerate(facts["lags"]):
        found[f"lagged_{number}"] = Windows(
            values[:, :2], origin - lag - context, context + horizon, firsts, np.minimum(origin, lasts)
        )
    return found


def context_of(facts: Facts) -> int:
    """Points before a lagged block that tell the level it is compared with."""
    return min(int(facts["lookback"]), max(2 * int(facts["horizon"]), 14))


def _scales(table: SeriesTable, facts: Facts) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of each series, as learned; of an unknown one its own.

    The network normalises each window by its own values before the origin, which takes both out again, so
    they only keep float32 exact and no value to come passes through them.
    """
    means, deviations = np.zeros(len(table.ids)), np.ones(len(table.ids))
    for code, name in enumerate(table.ids):
        learned = facts["series"].get(name)
        if learned is None:
            own = table.y[table.starts[code] : table.observed[code]]
            learned = {"mean": float(own.mean()), "deviation": float(own.std()) or 1.0}
        means[code], deviations[code] = learned["mean"], learned["deviation"]
    return means, deviations


def _loss_scale(facts: Facts, name: str) -> float:
    """The unit in which a series' errors count in training, in its deviations."""
    learned = facts["series"].get(name)
    if learned is None or learned["scale"] <= 0:
        return 1.0
    return float(np.clip(learned["scale"] / learned["deviation"], 1e-2, 1e2))


def _check_known(rows: SeriesRows) -> None:
    """DataError where a column known in advance has no row for a point to be forecast."""
    table = rows.table
    lacking = np.flatnonzero((table.rows[rows.index] < 0) & ~np.isfinite(table.y[rows.index]))
    if len(lacking):
        point = int(rows.index[lacking[0]])
        names = ", ".join(f"'{name}'" for name in table.known)
        raise DataError(
            f"{table.name}, series '{table.ids[table.codes[point]]}': the forecast for "
            f"{shown(int(table.stamps[point]), dates=table.dates)} needs {names}, known in advance, "
            f"and no row is there for it. Add rows with an empty '{table.targets[0]}' for the "
            f"{table.horizon} stamps after each series' last value."
        )


def _by_series(rows: SeriesRows) -> dict[int, np.ndarray]:
    points = np.sort(rows.index)
    codes = rows.table.codes[points]
    return {int(code): points[codes == code] for code in np.unique(codes)}


def training_origins(batch: Batch, facts: Facts) -> np.ndarray:
    """The rows of `batch` at which a window begins whose whole horizon lies within its points.

    batch: the encoded training points. A window needs at least one value before it.
    """
    points = batch["origin"] + batch["step"]
    order = np.argsort(points, kind="stable")
    ascending, firsts = points[order], batch["history"].firsts[order]
    ends = np.searchsorted(ascending, ascending + facts["horizon"])
    complete = ends - np.arange(len(ascending)) == facts["horizon"]
    last = np.minimum(np.arange(len(ascending)) + facts["horizon"] - 1, len(ascending) - 1)
    return order[complete & (firsts[last] == firsts) & (ascending > firsts)]
