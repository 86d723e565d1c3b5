"""What a report shows of forecasts: held-out values within their bands, the error by step, the coverage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from deepfit.judge.verdict import number
from deepfit.report import charts
from deepfit.report.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Line
from deepfit.report.view import Figure, Section, Table, View

SERIES = 4
POINTS = 400
BLOCKS = 3
TICKS = 4
LEVELS = (80, 95)


def forecasts(view: View) -> Section | None:
    """The held-out part of a few series with the forecasts made for it, and its last forecasts at large."""
    test: Any = view.result.test
    if test is None or view.target is None or not len(test) or not hasattr(test, "groups"):
        return None
    names = test.ids()
    shown = list(dict.fromkeys(names))
    horizon = test.table.horizon
    figures = []
    for name in shown[:SERIES]:
        own = np.flatnonzero(names == name)
        own = own[np.argsort(test.index[own], kind="stable")]
        title = f"{name}: " if len(shown) > 1 else ""
        whole, near = own[-POINTS:], own[-BLOCKS * horizon :]
        part = "" if len(whole) == len(own) else f" (the last {len(whole):,} points)"
        figures.append(
            Figure(
                _banded(view, whole),
                f"{title}held-out values and the forecasts made for them, {horizon} points at a time{part}. "
                "The bands hold 80 and 95 % of the values, if they are right.",
                wide=True,
            )
        )
        if len(near) < len(whole):
            figures.append(
                Figure(_banded(view, near, marked=True), f"{title}the last {BLOCKS} forecasts.", wide=True)
            )
    more = f" {len(shown) - SERIES:,} more series are not drawn." if len(shown) > SERIES else ""
    said = f"Each forecast was made from the values before it alone, every {horizon} points.{more}"
    return Section("Forecasts", [said], figures)


def _banded(view: View, rows: np.ndarray, *, marked: bool = False) -> Markup:
    """Actual values over time, the median forecast and its two bands."""
    test: Any = view.result.test
    answers, target = view.answers, np.asarray(view.target, np.float64)
    place = np.arange(len(rows), dtype=float)
    across = charts.Scale(-0.5, len(rows) - 0.5, LEFT, WIDTH - RIGHT)
    every = [target[rows], *(answers[f"{side}_95"][rows] for side in ("low", "high"))]
    up = charts.scale(np.concatenate(every), HEIGHT - BOTTOM, TOP)
    name = test.target_name
    parts = [_dated(across, up, test.take(rows), name)]
    for share, opacity in ((95, 0.14), (80, 0.22)):
        top = [
            f"{across(x):.1f} {up(y):.1f}" for x, y in zip(place, answers[f"high_{share}"][rows], strict=True)
        ]
        low = [
            f"{across(x):.1f} {up(y):.1f}" for x, y in zip(place, answers[f"low_{share}"][rows], strict=True)
        ]
        parts.append(
            Markup('<path class="area c1" fill-opacity="{}" d="M{}Z"><title>{} % band</title></path>').format(
                opacity, "L".join([*top, *reversed(low)]), share
            )
        )
    lines = [
        Line("forecast", place, answers["prediction"][rows], colour=1),
        Line("actual", place, target[rows], colour=0, marked=marked),
    ]
    for line in lines:
        path = "L".join(f"{across(x):.1f} {up(y):.1f}" for x, y in zip(line.x, line.y, strict=True))
        parts.append(Markup('<path class="line c{}" d="M{}"/>').format(line.colour, path))
        if line.marked or len(rows) == 1:
            dots = "".join(f"M{step}h0" for step in path.split("L"))
            parts.append(Markup('<path class="dots big c{}" d="{}"/>').format(line.colour, dots))
    return charts.figure(parts, charts.described(name, "time")) + charts.legend(lines)


def _dated(across: charts.Scale, up: charts.Scale, rows: Any, label: str) -> Markup:
    """The frame of a chart whose x axis shows the time stamps of the rows."""
    parts = []
    for tick in up.ticks():
        parts.append(
            Markup('<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(
                LEFT, WIDTH - RIGHT, up(tick), up(tick)
            )
        )
        parts.append(
            Markup('<text class="tick" text-anchor="end" x="{}" y="{:.1f}">{}</text>').format(
                LEFT - 7, up(tick) + 4, charts.tick_text(tick)
            )
        )
    stamps = rows.keys()[rows.table.time_name]
    for place in np.unique(np.linspace(0, len(stamps) - 1, min(TICKS, len(stamps))).astype(int)):
        anchor = "start" if place == 0 else "end" if place == len(stamps) - 1 else "middle"
        parts.append(
            Markup('<text class="tick small" text-anchor="{}" x="{:.1f}" y="{}">{}</text>').format(
                anchor, across(float(place)), HEIGHT - BOTTOM + 17, str(stamps[place])[:16]
            )
        )
    parts.append(
        Markup('<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
            LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM, HEIGHT - BOTTOM
        )
    )
    parts.append(
        Markup(
            '<text class="label" text-anchor="middle" transform="translate(11 {}) rotate(-90)">{}</text>'
        ).format((TOP + HEIGHT - BOTTOM) / 2, label)
    )
    return Markup("").join(parts)


def horizon(view: View) -> Section | None:
    """How the error grows with the distance from the origin, beside the baselines'."""
    test: Any = view.result.test
    if test is None or view.target is None or not len(test) or not hasattr(test, "groups"):
        return None
    steps = test.index - test.table.origins(test.index)
    known = np.unique(steps)
    scales = np.array([test.table.scale_of(each) for each in test.table.ids])[test.table.codes[test.index]]
    usable = np.isfinite(scales) & (scales > 0)
    if len(known) < 2 or not usable.any():
        return None
    everyone = {"network": view.answers, **{n: a.columns for n, a in view.result.baseline_answers.items()}}
    lines = []
    for colour, (name, columns) in enumerate(everyone.items()):
        error = np.abs(np.asarray(view.target) - columns["prediction"]) / np.where(usable, scales, 1)
        means = [
            float(error[usable & (steps == step)].mean()) if (usable & (steps == step)).any() else np.nan
            for step in known
        ]
        lines.append(Line(name.replace("_", " "), known + 1, means, colour=colour, dashed=colour > 0))
    first, last = lines[0].y[0], lines[0].y[-1]
    said = f"MASE of the first step {number(first, 3)}, of the last {number(last, 3)}."
    chart = charts.lines(lines, x_label="steps ahead", y_label="MASE", whole=True)
    return Section("Error by step", [said], [Figure(chart, "The further ahead, the harder.", wide=True)])


def coverage(view: View) -> Section | None:
    """How many held-out values lie within the intervals, in all and by step, and how wide these are."""
    test: Any = view.result.test
    if test is None or view.target is None or not len(test) or not hasattr(test, "groups"):
        return None
    target = np.asarray(view.target, np.float64)
    steps = test.index - test.table.origins(test.index)
    bounds = np.array_split(np.unique(steps), min(4, len(np.unique(steps))))
    rows = []
    for chosen, name in [(np.ones(len(target), bool), "all steps"), *_parts(steps, bounds)]:
        cells = [name, f"{int(chosen.sum()):,}"]
        for share in LEVELS:
            low, high = (view.answers[f"{side}_{share}"][chosen] for side in ("low", "high"))
            inside = (target[chosen] >= low) & (target[chosen] <= high)
            cells += [f"{inside.mean():.1%}", number(float((high - low).mean()), 3)]
        rows.append(cells)
    header = ["Steps ahead", "Points", "In 80 % interval", "Its width", "In 95 % interval", "Its width"]
    said = "A right interval holds its share of the values; one that holds more is wider than it need be."
    return Section("Intervals", [said], tables=[Table(header, rows)])


def _parts(steps: np.ndarray, bounds: Sequence[np.ndarray]) -> list[tuple[np.ndarray, str]]:
    found = []
    for each in bounds if len(bounds) > 1 else ():
        name = f"{each[0] + 1}" if len(each) == 1 else f"{each[0] + 1} to {each[-1] + 1}"
        found.append((np.isin(steps, each), name))
    return found
