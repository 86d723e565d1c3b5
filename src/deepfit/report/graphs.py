"""A computation as boxes and arrows: what flows forward in one colour, gradients flowing back in another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot

from markupsafe import Markup

from deepfit.report.charts import figure

BOX_W, BOX_H = 104, 58


@dataclass(frozen=True)
class Node:
    """A number in a computation: its name, its place in columns and rows, its value and its gradient."""

    name: str
    column: float
    row: float
    value: str
    gradient: str = ""


def graph(nodes: Sequence[Node], edges: Sequence[tuple[str, str, str]]) -> Markup:
    """Boxes with their values and gradients; edges: (from, to, what is written on the arrow)."""
    at = {node.name: (70 + node.column * 226, 40 + node.row * 84) for node in nodes}
    width = max(x for x, _ in at.values()) + 60
    height = max(y for _, y in at.values()) + 40
    parts = []
    for start, end, words in edges:
        (x1, y1), (x2, y2) = at[start], at[end]
        x1, x2 = x1 + BOX_W / 2, x2 - BOX_W / 2 - 3
        length = hypot(x2 - x1, y2 - y1)
        dx, dy = (x2 - x1) / length, (y2 - y1) / length
        parts.append(
            Markup('<path class="arrow" d="M{:.1f} {:.1f}L{:.1f} {:.1f}"/>').format(
                x1, y1, x2 - 6 * dx, y2 - 6 * dy
            )
        )
        tip = f"M{x2:.1f} {y2:.1f}L{x2 - 9 * dx - 4 * dy:.1f} {y2 - 9 * dy + 4 * dx:.1f}"
        tip += f"L{x2 - 9 * dx + 4 * dy:.1f} {y2 - 9 * dy - 4 * dx:.1f}z"
        parts.append(Markup('<path class="tip" d="{}"/>').format(tip))
        level = abs(dy) < 0.05
        side = 0 if level else 8
        lift = -7 if level else -4 if dy > 0 else 14
        anchor = "middle" if level else "start"
        parts.append(_words((x1 + x2) / 2 + side, (y1 + y2) / 2 + lift, words, "tick", anchor=anchor))
    for node in nodes:
        x, y = at[node.name]
        parts.append(
            Markup('<rect class="box" x="{:.1f}" y="{:.1f}" width="{}" height="{}" rx="7"/>').format(
                x - BOX_W / 2, y - BOX_H / 2, BOX_W, BOX_H
            )
        )
        parts.append(_words(x, y - 12, node.name, "name"))
        parts.append(_words(x, y + 5, node.value, "forward"))
        parts.append(_words(x, y + 21, node.gradient, "backward"))
    return figure(parts, "a computation as a graph", width, height)


def _words(x: float, y: float, words: str, kind: str, *, anchor: str = "middle") -> Markup:
    return Markup('<text class="{}" text-anchor="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(
        kind, anchor, x, y, words
    )
