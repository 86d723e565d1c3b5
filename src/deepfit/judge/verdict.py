"""One sentence on whether the network was worth it; where it was not, the sentence opens with that."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10
from typing import TYPE_CHECKING

from deepfit.metrics import title

if TYPE_CHECKING:
    from deepfit.judge.intervals import Intervals

DASH = "\N{EN DASH}"
"""Stands between the ends of an interval, and for a value that is not there."""


def number(value: float | None, digits: int = 4) -> str:
    """A number for people, with so many significant digits but never fewer than its whole part.

    >>> number(23456.7), number(0.93456), number(0.00012345, 2), number(None)
    ('23,457', '0.9346', '0.00012', 'unknown')
    """
    if value is None:
        return "unknown"
    if abs(value) < 1e-12:  # sums of rounding errors
        return "0"
    if abs(value) >= 1e15:
        return f"{value:.{digits}g}"
    decimals = digits - 1 - floor(log10(abs(value)))
    return (
        f"{value:,.{decimals}f}"
        if 0 <= decimals <= 8
        else f"{value:,.0f}"
        if decimals < 0
        else f"{value:.{digits - 1}e}"
    )


def verdict(
    main_metric: str, intervals: Intervals, rows: int, references: Sequence[str] = (), *, seen: bool = False
) -> str:
    """Better than, level with, or NOT better than the best baseline on the main metric, and by how much.

    The best baseline is the one with the best value, references left aside. Better or not is said only where
    the 95 % interval of the paired difference leaves out zero. rows: the number of test rows. seen: they are
    those that were learned from, without what they are scored by.
    """
    metric = main_metric.removeprefix("-")
    on_rows = (
        f"{rows:,} test row{'' if rows == 1 else 's'}" if not seen else f"all {rows:,} rows, none held out"
    )
    network, *baselines = intervals.scores
    ours = intervals.scores[network].get(metric)
    if rows == 0:
        return (
            "No rows were held out for testing, so nothing is known of how well the network does on new ones."
        )
    if ours is None:
        return f"No verdict: {title(metric)} is not defined on these {on_rows}."
    rivals = [name for name in baselines if name in intervals.gains and name not in references]
    if not rivals:
        score = f"{title(metric)} {number(ours.value)}{_between(ours.low, ours.high)}"
        return f"{score} on {on_rows}; no baseline to compare with."

    best = min(rivals, key=lambda name: intervals.gains[name].value)
    gain, theirs = intervals.gains[best], intervals.scores[best][metric].value
    rival = readable(best)
    values = f"{title(metric)} {number(ours.value)} against {number(theirs)}"
    size = f"{number(abs(gain.value), 2)}"
    if gain.low is not None and gain.low > 0:
        interval = _between(gain.low, gain.high, 2)
        return f"Better than the best baseline, {rival}: {values}, a gain of {size}{interval} on {on_rows}."
    if gain.high is not None and gain.high < 0:
        interval = _between(-gain.high, -(gain.low or 0.0), 2)
        opening = f"NOT better than the best baseline, {rival}, which is the wiser choice"
        return f"{opening}: {values}, worse by {size}{interval} on {on_rows}."
    if gain.low is None:
        opening = f"Not shown to be better than the best baseline, {rival}"
        return f"{opening}: {values}, and {on_rows} {'is' if rows == 1 else 'are'} too few to tell."
    direction = "a gain" if gain.value > 0 else "a loss" if gain.value < 0 else "a difference"
    interval = _between(gain.low, gain.high, 2)
    opening = f"Not better than the best baseline, {rival}, only level with it"
    return f"{opening}: {values}; {direction} of {size}{interval} may be chance on {on_rows}."


def span(low: float | None, high: float | None) -> str:
    """An interval for a table, its ends with an en dash between them; empty where there is none."""
    return "" if low is None or high is None else f"{number(low, 3)} {DASH} {number(high, 3)}"


def readable(name: str) -> str:
    """A baseline's name for people: "gradient_boosting" -> "gradient boosting"."""
    return name.replace("_", " ")


def _between(low: float | None, high: float | None, digits: int = 4) -> str:
    if low is None or high is None:
        return ""
    return f" (95 % interval {number(low, digits)} to {number(high, digits)})"


def outcome(sentence: str) -> str:
    """What a verdict says: "better", "level", "worse" or "unknown"."""
    openings = {"Better": "better", "NOT better": "worse", "Not": "level"}
    return next((said for opening, said in openings.items() if sentence.startswith(opening)), "unknown")
