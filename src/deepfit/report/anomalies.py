"""What a report shows of anomalies: scores, threshold, precision and recall, rows with reasons, series."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from deepfit.answers.anomalies import ANOMALY
from deepfit.data.anomalies import runs
from deepfit.judge.verdict import number, readable
from deepfit.metrics import anomalies as metrics_anomalies
from deepfit.report import charts
from deepfit.report.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, Line, Scale
from deepfit.report.examples import cell
from deepfit.report.view import Figure, Section, Table, View

BINS = 40
ROWS = 15
CURVE_POINTS = 300
SHOWN_SERIES = 6
SHOWN_VALUES = 3
DRAWN_POINTS = 1200
WIDE = 900


def anomaly_scores(view: View) -> Section | None:
    """How often each score is given to ordinary rows and to anomalies, and where the threshold lies."""
    score = _score(view)
    if score is None:
        return None
    limit = view.result.model.facts.get("threshold")
    flagged = int((view.answers["prediction"] == ANOMALY).sum())
    sentences = [
        f"{flagged:,} of {len(score):,} test rows score above the threshold of {number(limit, 3)}, which was "
        "chosen without the test rows."
    ]
    edges = np.linspace(score.min(), max(score.max(), score.min() + 1e-9), BINS + 1)
    if view.target is None:
        counts, _ = np.histogram(score, edges)
        chart = charts.columns(edges, counts.tolist(), x_label="score", y_label="rows")
        return Section("Scores", sentences, [Figure(chart, "How unusual the test rows are.")])
    found = np.asarray(view.target, bool)
    middle = (edges[1:] + edges[:-1]) / 2
    lines = [
        Line(name, middle, np.histogram(score[mask], edges)[0] / max(1, mask.sum()), colour=colour)
        for name, mask, colour in (("ordinary", ~found, 0), ("anomalies", found, 1))
        if mask.any()
    ]
    inside = limit is not None and edges[0] <= limit <= edges[-1]
    chart = charts.lines(lines, x_label="score", y_label="share of rows", best=limit if inside else None)
    caption = "Share of the ordinary test rows and of the anomalies by score; dashed: the threshold."
    return Section("Scores", sentences, [Figure(chart, caption)])


def precision_recall(view: View) -> Section | None:
    """Precision over recall of the network and of every baseline."""
    target = view.target
    if target is None or not np.asarray(target, bool).any():
        return None
    everyone = {"network": view.result.answers, **view.result.baseline_answers}
    lines = []
    for place, (name, answers) in enumerate(everyone.items()):
        if answers is None:
            continue
        recall, precision = metrics_anomalies.curve(answers.columns["score"], target)
        shown = np.unique(np.linspace(0, len(recall) - 1, min(len(recall), CURVE_POINTS)).astype(int))
        lines.append(Line(readable(name), recall[shown], precision[shown], colour=place, dashed=place > 0))
    share = float(np.mean(target))
    caption = (
        f"Of the rows with the highest scores, the share that are anomalies. By chance it is {share:.1%}."
    )
    chart = charts.lines(lines, x_label="recall", y_label="precision", square=True)
    return Section("Precision and recall", [], [Figure(chart, caption)])


def most_anomalous(view: View) -> Section | None:
    """The test rows with the highest scores, and the column that says so."""
    score, test = _score(view), view.result.test
    if score is None or test is None:
        return None
    order = np.argsort(-score, kind="stable")[:ROWS]
    rows = test.take(order)
    why = view.answers["why"][order]
    received = [rows.column(str(name))[place] for place, name in enumerate(why)]
    truth = [] if view.target is None else [["ordinary", "anomaly"][int(each)] for each in view.target[order]]
    where = getattr(test, "where", lambda row: f"row {row + 1:,}")
    keys = {name: column for name, column in list(rows.keys().items())[:2] if name not in why}
    cells = []
    for place, row in enumerate(order):
        cells.append(
            [
                where(int(row)),
                *(str(column[place]) for column in keys.values()),
                *truth[place : place + 1],
                str(why[place]),
                cell(received[place]),
                str(view.answers["expected"][row]),
                number(float(score[row]), 3),
            ]
        )
    header = ["Row", *keys, *(["Labelled"] if truth else []), "Column", "Received", "Expected", "Score"]
    sentence = (
        f"The {len(order)} test rows with the highest scores, the column of each that is furthest from what "
        "the others let expect, and what that was."
    )
    table = Table(header, cells, words=len(header) - 1)
    return Section("Most anomalous rows", [sentence], tables=[table])


def anomalous_readings(view: View) -> Section | None:
    """The test readings of each series with true events, flagged readings and scores."""
    score, test = _score(view), view.result.test
    if score is None or test is None:
        return None
    every: Any = test
    codes = every.all.codes[every.places]
    target = None if view.target is None else np.asarray(view.target, bool)
    flagged = view.answers["prediction"] == ANOMALY
    weight = target if target is not None and target.any() else flagged
    kinds = np.unique(codes)
    kinds = kinds[np.argsort([-int(weight[codes == code].sum()) for code in kinds], kind="stable")]
    figures = []
    for code in kinds[:SHOWN_SERIES]:
        chosen = np.flatnonzero(codes == code)
        chosen = chosen[np.argsort(every.places[chosen], kind="stable")]
        figures.append(_drawn(view, chosen, score, flagged, target))
    said = "Each value from its least to its largest, below them the score; marks at the bottom: flagged."
    if target is not None:
        found = runs(target, every.follows())
        alarms = runs(flagged, every.follows())
        hit = sum(bool(flagged[first:last].any()) for first, last in found)
        false = sum(not target[first:last].any() for first, last in alarms)
        said = (
            f"{hit} of {len(found)} events are found (any of their readings is flagged), with {false} false "
            "alarms (runs of flagged readings that meet no event). No point adjustment is made: readings of "
            "a found event that are not flagged count as missed in the scores by reading. Shaded: labelled "
            "as an anomaly; marks at the bottom: flagged."
        )
    more = f" The first {SHOWN_SERIES} of {len(kinds)} series." if len(kinds) > SHOWN_SERIES else ""
    return Section("Readings", [said + more], figures)


def _drawn(view: View, chosen: np.ndarray, score: np.ndarray, flagged: np.ndarray, target: Any) -> Figure:
    """One series: its values above, the score below, events shaded, flagged readings marked."""
    test: Any = view.result.test
    values = test.all.values[test.places[chosen]]
    count = len(chosen)
    across = Scale(0, max(count - 1, 1), LEFT, WIDE - RIGHT)
    middle = TOP + (HEIGHT - BOTTOM - TOP) * 0.62
    upper, lower = (middle - 8, TOP), (HEIGHT - BOTTOM, middle + 8)
    parts = []
    if target is not None:
        follows = np.arange(count) > 0
        for first, last in runs(target[chosen], follows):
            width = max(across(last - 1) - across(first), 2.0)
            parts.append(
                Markup(
                    '<rect class="bar c1" fill-opacity=".3" x="{:.1f}" y="{}" width="{:.1f}" height="{}"/>'
                ).format(across(first), TOP, width, HEIGHT - BOTTOM - TOP)
            )
    for place in range(min(values.shape[1], SHOWN_VALUES)):
        parts.append(_path(values[:, place], across, *upper, f"c{2 * place if place else 0}", True))
    parts.append(_path(score[chosen], across, *lower, "c7", False))
    limit, top = view.result.model.facts.get("threshold", np.inf), score[chosen].max()
    if score[chosen].min() < limit < top:
        level = Scale(float(score[chosen].min()), float(top), *lower)(limit)
        parts.append(Markup('<path class="even" d="M{} {:.1f}H{}"/>').format(LEFT, level, WIDE - RIGHT))
    for first, last in runs(flagged[chosen], np.arange(count) > 0):
        parts.append(
            Markup('<path class="whisker c3" d="M{:.1f} {}H{:.1f}"/>').format(
                across(first) - 1, HEIGHT - BOTTOM + 5, max(across(last - 1), across(first)) + 1
            )
        )
    name = test.all.series_name
    called = f"{name} {test.take(chosen[:1]).column(name)[0]}" if name else test.name
    names = test.all.names[:SHOWN_VALUES]
    parts.append(
        Markup('<text class="label" x="{}" y="{}">{}</text>').format(LEFT, HEIGHT - 8, "readings, in order")
    )
    caption = (
        f"{called}: {', '.join(names)} above, the score below, dashed the threshold ({count:,} readings)."
    )
    return Figure(charts.figure(parts, f"readings of {called}", WIDE), caption, wide=True)


def _path(values: np.ndarray, across: Scale, low_px: float, high_px: float, style: str, both: bool) -> Markup:
    """A line through many points; of points that share a place the extreme ones are kept."""
    finite = np.isfinite(values)
    if not finite.any():
        return Markup("")
    low, high = values[finite].min(), values[finite].max()
    up = Scale(float(low), float(high if high > low else low + 1), low_px, high_px)
    step = max(1, len(values) // DRAWN_POINTS)
    shown: list[int] = []
    for start in range(0, len(values), step):
        part = values[start : start + step]
        if np.isfinite(part).any():
            ends = {int(np.nanargmax(part))} | ({int(np.nanargmin(part))} if both else set())
            shown += sorted(start + place for place in ends)
    path = "".join(
        f"{'L' if place else 'M'}{across(at):.1f} {up(float(values[at])):.1f}"
        for place, at in enumerate(shown)
    )
    return Markup('<path class="line {}" style="stroke-width:1" d="{}"/>').format(style, path)


def _score(view: View) -> np.ndarray | None:
    found = view.answers.get("score")
    return None if found is None or not len(found) else np.asarray(found, np.float64)
