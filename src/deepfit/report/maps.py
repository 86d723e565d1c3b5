"""Charts of two inputs at once: heat maps, regions of classes, contours with paths, small grey pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from itertools import groupby
from math import ceil

import numpy as np
from markupsafe import Markup

from deepfit.report.charts import (
    BOTTOM,
    COLOURS,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Line,
    Scale,
    Values,
    described,
    figure,
    frame,
    legend,
)


def heat(
    values_RC: np.ndarray,
    *,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
    x_label: str = "",
    y_label: str = "",
    numbers: bool = False,
    most: float | None = None,
) -> Markup:
    """A cell for each value: the stronger the colour, the larger; values below zero in the second colour.

    numbers: write each value into its cell. most: the size that gets the full colour, by default the largest.
    """
    count_r, count_c = values_RC.shape
    most = most or float(np.abs(values_RC).max()) or 1.0
    left = 24 + max((len(name) for name in rows), default=0) * 7 * bool(rows)
    cell = min(34.0, (WIDTH - left - 6) / count_c, 460 / count_r)
    below = (18 if columns else 0) + (20 if x_label else 0)
    width, height = left + cell * count_c + 6, 6 + cell * count_r + below
    parts = []
    for r in range(count_r):
        for c in range(count_c):
            value = float(values_RC[r, c])
            x, y = left + c * cell, 4 + r * cell
            parts.append(
                Markup(
                    '<rect class="cell c{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"'
                    ' fill-opacity="{:.3f}"/>'
                ).format(
                    int(value < 0), x + 0.5, y + 0.5, cell - 1, cell - 1, 0.04 + 0.96 * abs(value) / most
                )
            )
            if numbers:
                parts.append(_text(x + cell / 2, y + cell / 2 + 4, f"{value:.2g}", kind="value small"))
    size = "tick" if cell >= 14 else "tick small"
    step_r, step_c = ceil(11 / cell), ceil(max((len(name) for name in columns), default=0) * 6.5 / cell) or 1
    for r, name in list(enumerate(rows))[::step_r]:
        parts.append(_text(left - 5, 4 + (r + 0.5) * cell + 4, name, anchor="end", kind=size))
    for c, name in list(enumerate(columns))[::step_c]:
        parts.append(_text(left + (c + 0.5) * cell, 4 + cell * count_r + 14, name, kind=size))
    if x_label:
        parts.append(_text(left + cell * count_c / 2, height - 4, x_label, kind="label"))
    if y_label:
        middle = 4 + cell * count_r / 2
        parts.append(
            Markup(
                '<text class="label" text-anchor="middle" transform="translate(11 {:.1f}) rotate(-90)">'
                "{}</text>"
            ).format(middle, y_label)
        )
    # a small map is not blown up to the whole width of its column
    return figure(parts, described(y_label, x_label), max(width, 260), height)


def regions(
    x: Values,
    y: Values,
    share_YX: np.ndarray,
    groups: Sequence[tuple[str, Values, Values]],
    *,
    x_label: str,
    y_label: str,
) -> Markup:
    """Where a classifier says which of two classes, with the examples of both on top.

    share_YX: the probability of the second class on the grid of x and y, the lowest y first. The surer the
    classifier, the stronger the colour. groups: (name, x, y) of each class.
    """
    across, up = Scale(x[0], x[-1], LEFT, WIDTH - RIGHT), Scale(y[0], y[-1], HEIGHT - BOTTOM, TOP)
    wide, high = (across(x[1]) - across(x[0])), (up(y[0]) - up(y[1]))
    shade_YX = np.clip(np.floor(share_YX * 6), 0, 5).astype(int)
    paths: dict[int, list[str]] = {shade: [] for shade in range(6)}
    for r, row in enumerate(shade_YX):
        place = 0
        for shade, run in groupby(row.tolist()):
            length = len(list(run))
            start, end = across(x[place]) - wide / 2, across(x[place + length - 1]) + wide / 2
            start, end = max(start, LEFT), min(end, WIDTH - RIGHT)
            top, bottom = max(up(y[r]) - high / 2, TOP), min(up(y[r]) + high / 2, HEIGHT - BOTTOM)
            paths[shade].append(f"M{start:.1f} {top:.1f}H{end:.1f}V{bottom:.1f}H{start:.1f}z")
            place += length
    parts = [
        Markup('<path class="area c{}" fill-opacity="{}" shape-rendering="crispEdges" d="{}"/>').format(
            int(shade >= 3), (0.34, 0.22, 0.1, 0.1, 0.22, 0.34)[shade], "".join(path)
        )
        for shade, path in paths.items()
        if path
    ]
    parts.append(frame(across, up, x_label, y_label))
    for place, (_, xs, ys) in enumerate(groups):
        inside = [
            (a, b)
            for a, b in zip(xs, ys, strict=True)
            if across.low <= a <= across.high and up.low <= b <= up.high
        ]
        dots = "".join(f"M{across(a):.1f} {up(b):.1f}h0" for a, b in inside)
        parts.append(Markup('<path class="dots firm c{}" d="{}"/>').format(place, dots))
    names = [Line(name, (), (), colour=place) for place, (name, _, _) in enumerate(groups)]
    return figure(parts, described(y_label, x_label)) + legend(names)


def contours(
    x: Values,
    y: Values,
    height_YX: np.ndarray,
    paths: Sequence[Line],
    *,
    levels: Values,
    x_label: str,
    y_label: str,
    goal: tuple[float, float] | None = None,
) -> Markup:
    """Lines of equal height over x and y, with paths upon them; a ring marks the goal."""
    across, up = Scale(x[0], x[-1], LEFT, WIDTH - RIGHT), Scale(y[0], y[-1], HEIGHT - BOTTOM, TOP)
    parts = [frame(across, up, x_label, y_label)]
    for level in levels:
        steps = "".join(
            f"M{across(a):.1f} {up(b):.1f}L{across(c):.1f} {up(d):.1f}"
            for a, b, c, d in _crossings(np.asarray(x), np.asarray(y), height_YX, float(level))
        )
        parts.append(Markup('<path class="level" d="{}"/>').format(steps))
    for line in paths:
        steps = [f"{across(a):.1f} {up(b):.1f}" for a, b in _within(line, across, up)]
        style = f"c{line.colour % COLOURS}"
        parts.append(Markup('<path class="line {}" d="M{}"/>').format(style, "L".join(steps)))
        if line.marked:
            dots = "".join(f"M{step}h0" for step in steps)
            parts.append(Markup('<path class="dots firm {}" d="{}"/>').format(style, dots))
    if goal is not None:
        parts.append(
            Markup('<circle class="best" fill="none" cx="{:.1f}" cy="{:.1f}" r="6"/>').format(
                across(goal[0]), up(goal[1])
            )
        )
    return figure(parts, described(y_label, x_label)) + legend(paths)


def tiles(
    pictures: Sequence[np.ndarray], names: Sequence[str] = (), *, across: int = 8, side_px: int = 44
) -> Markup:
    """Small pictures side by side, each scaled from its smallest value (black) to its largest (white)."""
    room, below = 6, 14 if names else 0
    across = min(across, len(pictures))
    parts = []
    for place, picture in enumerate(pictures):
        x = (place % across) * (side_px + room)
        y = (place // across) * (side_px + room + below)
        parts.append(
            Markup(
                '<image x="{}" y="{}" width="{}" height="{}" preserveAspectRatio="none"'
                ' style="image-rendering: pixelated" href="{}"/>'
            ).format(x, y, side_px, side_px, _png(picture))
        )
        if names:
            parts.append(_text(x + side_px / 2, y + side_px + 11, names[place], kind="tick small"))
    rows = ceil(len(pictures) / across)
    size = across * (side_px + room) - room, rows * (side_px + room + below)
    return figure(parts, "pictures", *size)


def _png(picture: np.ndarray) -> str:
    from PIL import Image

    low, high = float(picture.min()), float(picture.max())
    grey = ((picture - low) / ((high - low) or 1.0) * 255).round().astype(np.uint8)
    data = io.BytesIO()
    Image.fromarray(grey).save(data, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"


def _within(line: Line, across: Scale, up: Scale) -> list[tuple[float, float]]:
    """The points of a path up to where it leaves the chart, cut at the edge."""
    inside: list[tuple[float, float]] = []
    for a, b in zip(map(float, line.x), map(float, line.y), strict=True):
        if across.low <= a <= across.high and up.low <= b <= up.high:
            inside.append((a, b))
            continue
        if inside:
            (x, y), share = inside[-1], 1.0
            for start, end, low, high in ((x, a, across.low, across.high), (y, b, up.low, up.high)):
                if end > high:
                    share = min(share, (high - start) / (end - start))
                if end < low:
                    share = min(share, (low - start) / (end - start))
            inside.append((x + share * (a - x), y + share * (b - y)))
        break
    return inside


def _crossings(x: np.ndarray, y: np.ndarray, height_YX: np.ndarray, level: float):
    """(x, y, x, y) of the pieces of the line at a level, one or two a cell of the grid (marching squares)."""
    above = height_YX > level
    cells = above[:-1, :-1].astype(int) + above[:-1, 1:] + above[1:, 1:] + above[1:, :-1]
    for r, c in np.argwhere((cells > 0) & (cells < 4)):
        corners = [(r, c), (r, c + 1), (r + 1, c + 1), (r + 1, c)]
        cut = []
        for (r1, c1), (r2, c2) in zip(corners, [*corners[1:], corners[0]], strict=True):
            a, b = height_YX[r1, c1], height_YX[r2, c2]
            if (a > level) != (b > level):
                share = (level - a) / (b - a)
                cut.append((x[c1] + share * (x[c2] - x[c1]), y[r1] + share * (y[r2] - y[r1])))
        for start, end in zip(cut[::2], cut[1::2], strict=True):
            yield (*start, *end)


def _text(x: float, y: float, words: str, *, anchor: str = "middle", kind: str = "tick") -> Markup:
    return Markup('<text class="{}" text-anchor="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(
        kind, anchor, x, y, words
    )
