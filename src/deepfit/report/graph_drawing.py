"""A graph as a picture: edges as thin lines, nodes as dots in the colours of groups, some of them ringed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from deepfit.report import charts
from deepfit.report.charts import COLOURS

SIDE, MARGIN, FOOT = 640, 16, 4
MOST_EDGES = 6000
"""Edges that are drawn, spread evenly over all where there are more: a page stays small enough to open."""
SMALLEST, LARGEST = 2.2, 6.5


def draw(
    positions: np.ndarray,
    pairs: np.ndarray,
    colours: Any,
    *,
    ringed: np.ndarray | None = None,
    titles: Sequence[str] | None = None,
    names: bool = False,
    words: str = "a graph",
) -> Markup:
    """An SVG of nodes [N] at positions [N, 2], in any unit, and edges between pairs [E, 2] of them.

    colours: int [N]; of more than ten groups the second ten are hollow dots, and so on in turn; -1 is grey.
    ringed: bool [N], nodes with a ring around them. titles: what is shown when a node is pointed at. names:
    the number of each colour is written at the middle of its nodes. words: what is drawn, for readers who do
    not see it.
    """
    colours = np.asarray(colours, np.int64)
    spots = np.asarray(positions, np.float64)
    span = max(float(np.ptp(spots, axis=0).max(initial=0)), 1e-9) if len(spots) else 1.0
    unit = (SIDE - 2 * MARGIN) / span
    low = spots.min(0) if len(spots) else np.zeros(2)
    spots = (spots - low) * unit + MARGIN
    width, height = (spots.max(0) + MARGIN) if len(spots) else (SIDE, SIDE)
    radius = float(np.clip(60 / np.sqrt(max(len(spots), 1)), SMALLEST, LARGEST))
    parts = [_edges(spots, pairs)]
    for place, (x, y) in enumerate(spots.tolist()):
        title = Markup("<title>{}</title>").format(titles[place]) if titles is not None else ""
        parts.append(
            Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{:.1f}">{}</circle>').format(
                colour_class(int(colours[place])), x, y, radius, title
            )
        )
    if ringed is not None:
        parts += [
            Markup('<circle class="ring" cx="{:.1f}" cy="{:.1f}" r="{:.1f}"/>').format(x, y, radius + 2.5)
            for x, y in spots[ringed].tolist()
        ]
    for place in np.unique(colours[colours >= 0]) if names else ():
        x, y = np.median(spots[colours == place], axis=0).tolist()
        parts.append(
            Markup('<text class="name halo" text-anchor="middle" x="{:.1f}" y="{:.1f}">{}</text>').format(
                x, y + FOOT, int(place)
            )
        )
    return charts.figure(parts, words, round(float(width)), round(float(height)))


def colour_class(colour: int) -> str:
    """The style of a dot: c0 to c9, hollow for the second ten, grey for -1."""
    if colour < 0:
        return "plain"
    return f"c{colour % COLOURS}" + (" hollow" if colour // COLOURS % 2 else "")


def _edges(spots: np.ndarray, pairs: np.ndarray) -> Markup:
    """All edges as one path, the fainter the more there are."""
    pairs = np.asarray(pairs, np.int64).reshape(-1, 2)
    pairs = np.unique(np.sort(pairs, 1), axis=0)
    if len(pairs) > MOST_EDGES:
        pairs = pairs[np.linspace(0, len(pairs) - 1, MOST_EDGES).astype(np.int64)]
    if not len(pairs):
        return Markup("")
    ends = spots[pairs].reshape(-1, 4)
    path = "".join(f"M{a:.1f} {b:.1f}L{c:.1f} {d:.1f}" for a, b, c, d in ends.tolist())
    faint = float(np.clip(400 / len(pairs), 0.12, 0.6))
    return Markup('<path class="edge" opacity="{:.2f}" d="{}"/>').format(faint, path)
