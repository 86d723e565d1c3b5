"""How sure a score is: 95 % bootstrap intervals, also of the difference between two answers to the same rows.

Percentile bootstrap (Efron and Tibshirani 1993, chapter 13). Every answer is scored on the same resamples, so
that differences are paired. Number of resamples: 44 million values of the answers in all, at least 200 and at
most 1,000. Of more than 10,000 rows each resample draws 10,000, and the deviations from the score of all rows
shrink by sqrt(drawn / rows) (the m out of n bootstrap, Bickel, Götze and van Zwet 1997), so judging takes
bounded time.

Rows that hang together (the steps of one forecast, the tokens of a text, the visits of a patient) say so by
`groups()`; whole groups are then drawn with replacement, as many as there are, so that the interval is not
too narrow by treating them as independent (the cluster bootstrap, Davison and Hinkley 1997, section 3.8). Of
groups with more than 10,000 rows in all, so many groups are drawn that they have about 10,000.

Where a score is undefined in a resample (a class without rows), that resample is left out of this score's
interval; with fewer than 50 left there is none. An interval always holds its value, which for scores that
resampling biases (calibration error) would not be so by itself. An accuracy of 0 or 1 never varies in a
resample; its bounds are the exact ones (Clopper and Pearson 1934).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

from deepfit.data.split import Linked

if TYPE_CHECKING:
    from deepfit.contract import Answers, Rows, Task
    from deepfit.metrics import Tally

TAIL_PERCENT = 2.5
VALUES_IN_ALL = 44_000_000
ROWS_DRAWN = 10_000
LEAST_DEFINED = 50
SHARES = ("accuracy", "accuracy_at_1", "accuracy_at_10")
"""Scores that are the share of rows that are right."""


@runtime_checkable
class Tallying(Protocol):
    """A task whose scores are functions of sums over the rows, which are counted once then."""

    def tally(self, answers: Answers, rows: Rows) -> Tally:
        """The counts of each row."""
        ...


@dataclass(frozen=True)
class Interval:
    """A score on all rows and its 95 % interval; low and high are None where there is none to give."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Intervals:
    """What `bootstrap` found.

    scores: answers' name -> metric -> interval. gains: other answers' name -> how much better the first
    answers are on the main metric.
    """

    scores: Mapping[str, Mapping[str, Interval]]
    gains: Mapping[str, Interval]


def members(rows: object) -> list[np.ndarray] | None:
    """The rows of each group, in the order of the groups' names; None for rows that are independent."""
    groups = rows.groups() if isinstance(rows, Linked) else None
    if groups is None:
        return None
    _, codes, counts = np.unique(groups, return_inverse=True, return_counts=True)
    return np.split(np.argsort(codes, kind="stable"), np.cumsum(counts)[:-1])


def resamples_for(rows: int, columns: int) -> int:
    """How many resamples are drawn for answers of this many rows and columns."""
    return int(np.clip(VALUES_IN_ALL // max(1, min(rows, ROWS_DRAWN) * columns), 200, 1000))


def bootstrap(
    task: Task, rows: Rows, answers: Mapping[str, Answers], *, seed: int = 0, resamples: int | None = None
) -> Intervals:
    """Scores with intervals of several answers to the same rows; the same seed gives the same numbers.

    answers: name -> answers, the network's first; the gains compare the first with each other. resamples:
    None = by size.
    """
    all_rows = len(rows)
    full = {name: _defined(task.metrics(given, rows)) for name, given in answers.items()}
    drawn_rows = min(all_rows, ROWS_DRAWN)
    if resamples is None:
        resamples = resamples_for(
            all_rows, max((len(given.columns) for given in answers.values()), default=1)
        )
    rng = np.random.default_rng([seed, 0x5C0BE])
    drawn: dict[str, list[dict[str, float]]] = {name: [] for name in answers}
    tallies = (
        {name: task.tally(given, rows) for name, given in answers.items()}
        if isinstance(task, Tallying)
        else {}
    )
    groups = members(rows)
    units, drawn_units = all_rows, drawn_rows
    if groups is not None:
        units = len(groups)
        drawn_units = min(units, max(2, round(units * drawn_rows / max(all_rows, 1))))
    for _ in range(resamples if units > 1 else 0):
        index = rng.integers(0, units, drawn_units)
        if groups is not None:
            index = np.concatenate([groups[each] for each in index])
        sample = rows if tallies else rows.take(index)
        for name, given in answers.items():
            scores = tallies[name].of(index) if tallies else task.metrics(given[index], sample)
            drawn[name].append(_defined(scores))

    shrink = sqrt(drawn_units / max(units, 1))
    scores = {
        name: {
            metric: _exact(
                metric,
                _around(value, [each[metric] for each in drawn[name] if metric in each], shrink),
                units,
            )
            for metric, value in values.items()
        }
        for name, values in full.items()
    }
    return Intervals(scores, _gains(task.main_metric, full, drawn, shrink))


def _gains(
    main_metric: str,
    full: Mapping[str, dict[str, float]],
    drawn: Mapping[str, list[dict[str, float]]],
    shrink: float,
) -> dict[str, Interval]:
    sign, metric = (-1, main_metric[1:]) if main_metric.startswith("-") else (1, main_metric)
    first, *others = full
    gains = {}
    for name in others:
        if metric not in full[first] or metric not in full[name]:
            continue
        pairs = zip(drawn[first], drawn[name], strict=True)
        differences = [
            sign * (ours[metric] - theirs[metric])
            for ours, theirs in pairs
            if metric in ours and metric in theirs
        ]
        gains[name] = _around(sign * (full[first][metric] - full[name][metric]), differences, shrink)
    return gains


def _defined(scores: Mapping[str, float]) -> dict[str, float]:
    return {metric: float(value) for metric, value in scores.items() if value is not None and isfinite(value)}


def _around(value: float, drawn: list[float], shrink: float) -> Interval:
    if len(drawn) < LEAST_DEFINED:
        return Interval(value)
    low, high = value + shrink * (np.percentile(drawn, [TAIL_PERCENT, 100 - TAIL_PERCENT]) - value)
    return Interval(value, min(value, float(low)), max(value, float(high)))


def _exact(metric: str, interval: Interval, rows: int) -> Interval:
    if metric not in SHARES or interval.value not in (0.0, 1.0):
        return interval
    reach = (TAIL_PERCENT / 100) ** (1 / rows)
    return Interval(1.0, reach, 1.0) if interval.value == 1.0 else Interval(0.0, 0.0, 1 - reach)
