"""Whole graphs drawn: the ones that the network gets wrong, and which nodes it went by."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from deepfit.judge.verdict import number
from deepfit.report.charts import figure
from deepfit.report.graph_layout import layout
from deepfit.report.view import Figure, Section, View

WRONG, RIGHT = 6, 3
MOST_NODES = 400
"""Of a graph that is drawn."""
SIDE, MARGIN = 360, 26
LETTERS = 3
COLOURS = (
    "A node is {} if what is known of it {} (the answer, less the answer with the node's own numbers "
    "replaced by the mean over its graph); the stronger, the more. It shows what the network went by, which "
    "need not be a cause."
)


def drawn_graphs(view: View) -> Section | None:
    """The test graphs with the largest errors, then some that the network gets right, nodes coloured."""
    test: Any = view.result.test
    if view.target is None or test is None or not len(test) or not hasattr(test, "drawing"):
        return None
    worst, right, sentence = _chosen(view)
    rows = [row for row in [*worst, *right] if test.column("nodes")[row] <= MOST_NODES]
    if not rows:
        return None
    model: Any = view.result.model
    task: Any = view.result.task
    asked = view.predicted_classes[rows] if view.classes else None
    told = task.saliency(model.net, test.take(np.array(rows)), model.facts, asked) if model else None
    sentences = [sentence]
    if told is not None:
        speaks = ("speaks for the class that was said", "speaks against it")
        moves = ("raises the answer", "lowers it")
        what = speaks if view.classes else moves
        sentences.append(COLOURS.format("blue", f"{what[0]}, orange if it {what[1]}"))
    figures = []
    for place, row in enumerate(rows):
        pairs, words, about = test.drawing(row)
        chart = node_link(pairs, words, about, None if told is None else told[place])
        figures.append(Figure(chart, _caption(view, row)))
    return Section("Graphs, and the nodes that told", sentences, figures)


def node_link(
    pairs: np.ndarray, words: list[str], about: list[str], told: np.ndarray | None = None
) -> Markup:
    """A graph as dots and lines; words: written on the dots, about: shown when one points at them.

    pairs: int [P, 2]. told: of each node what colours it, positive blue, negative orange.
    """
    at = MARGIN + layout(len(words), pairs) * (SIDE - 2 * MARGIN)
    low, high = at.min(0), at.max(0)
    radius = float(np.clip(110 / np.sqrt(len(words) + 1), 3, 13))
    parts = [
        Markup('<line class="axis" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(*at[a], *at[b])
        for a, b in np.unique(np.sort(pairs, 1), axis=0).tolist()
        if a != b
    ]
    most = max(float(np.abs(told).max()), 1e-12) if told is not None and len(told) else 1.0
    for node, (x, y) in enumerate(at):
        share = 0.0 if told is None else float(told[node]) / most
        fill = f"color-mix(in srgb,var(--c{int(share < 0)}) {85 * abs(share):.0f}%,var(--page))"
        said = about[node] if told is None else f"{about[node]}: {told[node]:+.3f}"
        parts.append(
            Markup(
                '<circle cx="{:.1f}" cy="{:.1f}" r="{:.1f}" style="fill:{};stroke:var(--soft)">'
                "<title>{}</title></circle>"
            ).format(x, y, radius, fill, said)
        )
        if radius > 8:
            parts.append(
                Markup('<text class="name" text-anchor="middle" x="{:.1f}" y="{:.1f}">{}</text>').format(
                    x, y + 4, words[node][:LETTERS]
                )
            )
    moved = Markup('<g transform="translate(0 {:.1f})">').format(MARGIN - low[1])
    drawn = [moved, *parts, Markup("</g>")]
    return figure(drawn, f"a graph of {len(words):,} nodes", SIDE, round(high[1] - low[1] + 2 * MARGIN))


def _chosen(view: View) -> tuple[list[int], list[int], str]:
    """The rows with the largest errors, some of the least, and a sentence about both."""
    if not view.classes:
        error = np.abs(np.asarray(view.answers["prediction"], float) - np.asarray(view.target, float))
        order = np.argsort(-error, kind="stable")
        worst, right = order[:WRONG].tolist(), order[WRONG:][::-1][:RIGHT].tolist()
        return (
            worst,
            right,
            (f"The {len(worst)} test graphs with the largest errors, then {len(right)} with the least."),
        )
    truth, said = view.true_classes, view.predicted_classes
    chance = view.probabilities[np.arange(len(truth)), np.maximum(truth, 0)]
    wrong, sure = np.flatnonzero(truth != said), np.flatnonzero(truth == said)
    worst = wrong[np.argsort(chance[wrong], kind="stable")][:WRONG].tolist()
    right = sure[np.argsort(-chance[sure], kind="stable")][:RIGHT].tolist()
    if not worst:
        return worst, right, "The network gets every test graph right; here are those that it is surest of."
    return (
        worst,
        right,
        (
            f"{len(worst)} of {len(wrong):,} wrong test graphs, the most wrong first; then {len(right)} "
            "that it gets right and is surest of."
        ),
    )


def _caption(view: View, row: int) -> str:
    test: Any = view.result.test
    actual = np.asarray(view.target)[row]
    named = next(iter(test.take(np.array([row])).keys().values()))[0]
    where = f"Graph {named} ({test.where(row)})"
    if not view.classes:
        said = float(view.answers["prediction"][row])
        return f"{where}: {number(float(actual), 4)}, said to be {number(said, 4)}."
    said = view.classes[view.predicted_classes[row]]
    return f"{where}: is {actual}, said to be {said} with {view.probabilities[row].max():.1%}."
