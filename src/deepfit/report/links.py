"""Sections on links: at which ranks they come, and which were found or missed most surely."""

from __future__ import annotations

from typing import Any

import numpy as np

from deepfit.report import charts
from deepfit.report.charts import Line
from deepfit.report.view import Figure, Section, Table, View

ROWS = 10
RANKS = 100
KINDS = (("rank", "random"), ("hard_rank", "hard"))


def link_ranks(view: View) -> Section | None:
    """The share of held-out links up to each rank, among random and among hard pairs."""
    if "rank" not in view.answers or not len(view.answers["rank"]):
        return None
    ranks = {kind: np.asarray(view.answers[name], np.float64) for name, kind in KINDS}
    most = int(np.ceil(max(values.max() for values in ranks.values())))
    places = np.arange(1, min(most, RANKS) + 1)
    rival = _best_rival(view)
    drawn = []
    for colour, (name, kind) in enumerate(KINDS):
        drawn.append(Line(f"network, {kind} pairs", places, _upto(ranks[kind], places), colour=colour))
        if rival is not None:
            said = f"{rival.replace('_', ' ')}, {kind} pairs"
            theirs = np.asarray(view.result.baseline_answers[rival].columns[name], np.float64)
            drawn.append(Line(said, places, _upto(theirs, places), colour=colour, dashed=True))
    sentence = ", ".join(
        f"{(values <= 1).mean():.0%} of the held-out links come first and {(values <= 10).mean():.0%} among "
        f"the first ten of {kind} pairs"
        for kind, values in ranks.items()
    )
    chart = charts.lines(drawn, x_label="rank", y_label="share of links up to it")
    caption = "The higher at the left, the better. Dashed: the best baseline by the main metric."
    return Section(
        "Ranks of held-out links", [sentence[:1].upper() + sentence[1:] + "."], [Figure(chart, caption)]
    )


def found_links(view: View) -> Section | None:
    """The held-out links that were thought most likely, and least."""
    test: Any = view.result.test
    if "probability" not in view.answers or test is None or not len(test):
        return None
    likely = np.asarray(view.answers["probability"], np.float64)
    order = np.argsort(-likely, kind="stable")
    tables = [
        _table(view, test, order[:ROWS], "Found most surely."),
        _table(view, test, order[::-1][:ROWS], "Missed most surely: links that were thought least likely."),
    ]
    share = (likely >= 0.5).mean()
    said = f"{share:.0%} of the {len(likely):,} held-out links are predicted to be links."
    return Section("Found and missed links", [said], tables=tables)


def _table(view: View, test: Any, rows: np.ndarray, caption: str) -> Table:
    first, second = test.take(rows).ids
    cells = [
        [
            str(first[place]),
            str(second[place]),
            f"{view.answers['probability'][row]:.3f}",
            *(f"{view.answers[name][row]:g}" for name, _ in KINDS if name in view.answers),
        ]
        for place, row in enumerate(rows)
    ]
    return Table(["Source", "Target", "Probability", "Rank", "Hard rank"], cells, words=2, caption=caption)


def _best_rival(view: View) -> str | None:
    """The baseline that is best by the main metric."""
    scores = view.result.scorecard["baselines"]
    known = [name for name in view.result.baseline_answers if name in scores]
    return max(known, key=lambda name: scores[name][view.main_metric]["value"], default=None)


def _upto(ranks: np.ndarray, places: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.sort(ranks), places, "right") / len(ranks)
