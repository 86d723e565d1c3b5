"""Charts as inline SVG: they follow the page's light and dark colours and stay sharp on a phone.

Every text that comes from data is escaped. Coordinates have one decimal, since nobody sees more and a page of
points stays small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10
from typing import Any

from markupsafe import Markup, escape
from numpy.typing import NDArray

from deepfit.judge.verdict import number

WIDTH, HEIGHT = 380, 262
LEFT, RIGHT, TOP, BOTTOM = 66, 10, 10, 42
Values = Sequence[float] | NDArray[Any]
COLOURS = 10
"""Series colours that the page's style knows, `.c0` to `.c9`."""


STYLE = (
    ".chart{background:#fff;color-scheme:light dark}"
    "text{font:12px system-ui,sans-serif;fill:#5d6470}.grid{stroke:#e3e4e1}.axis{stroke:#5d6470}"
    ".line{fill:none;stroke-width:2;stroke-linejoin:round}.dashed{stroke-dasharray:6 4;opacity:.6}"
    ".best{stroke:#11734f;stroke-width:1.5;stroke-dasharray:5 4}.c0{stroke:#2563c9}.c7{stroke:#6b7280}"
    "@media(prefers-color-scheme:dark){.chart{background:#1c1f25}text{fill:#9aa1ad}.grid{stroke:#30343c}"
    ".axis{stroke:#9aa1ad}.best{stroke:#6fd3a4}.c0{stroke:#6ea3ff}.c7{stroke:#a3aab6}}"
)
"""Of a chart that stands alone; the page's own style is in page.html."""


@dataclass(frozen=True)
class Line:
    """A line through points in order; a value that is not finite breaks it. marked: a dot at each point."""

    name: str
    x: Values
    y: Values
    colour: int = 0
    dashed: bool = False
    marked: bool = False


@dataclass(frozen=True)
class Scale:
    """Values to pixels along one axis."""

    low: float
    high: float
    start_px: float
    end_px: float

    def __call__(self, value: float) -> float:
        """The pixel of a value."""
        return self.start_px + (value - self.low) / (self.high - self.low) * (self.end_px - self.start_px)

    def ticks(self, about: int = 5, *, whole: bool = False) -> list[float]:
        """Round values within the scale: multiples of 1, 2 or 5 times a power of ten."""
        rough = max((self.high - self.low) / about, 1.0 if whole else 0.0)
        power = 10.0 ** floor(log10(rough))
        step = power * next(each for each in (1, 2, 5, 10) if each * power >= rough * 0.999)
        return [
            index * step for index in range(ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9) + 1)
        ]


@dataclass(frozen=True)
class PowerScale(Scale):
    """Values above 0 to pixels, each power of ten as long as the other. low and high are exponents."""

    def __call__(self, value: float) -> float:
        """The pixel of a value; NaN for one that is not above 0, which has no place."""
        return super().__call__(log10(value)) if value > 0 else float("nan")

    def ticks(self, about: int = 5, *, whole: bool = False) -> list[float]:
        """Powers of ten within the scale, every second one where there are many; 2 and 5 too where few."""
        powers = range(ceil(self.low - 1e-9), floor(self.high + 1e-9) + 1)
        if len(powers) > 1:
            return [10.0**power for power in powers[:: max(1, round(len(powers) / (about + 2)))]]
        fine = [
            part * 10.0**power for power in range(floor(self.low), ceil(self.high) + 1) for part in (1, 2, 5)
        ]
        return [value for value in fine if self.low <= log10(value) <= self.high]


def power_scale(values: Values, start_px: float, end_px: float, *, room: float = 0.04) -> PowerScale:
    """A scale by powers of ten that holds all finite values above 0."""
    plain = scale([log10(v) for v in values if isfinite(v) and v > 0], start_px, end_px, room=room)
    return PowerScale(plain.low, plain.high, start_px, end_px)


def scale(values: Values, start_px: float, end_px: float, *, room: float = 0.04) -> Scale:
    """A scale that holds all finite values with a little room; a single value gets a span around it."""
    finite = [float(value) for value in values if isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    span = (high - low) or abs(high) or 1.0
    return Scale(low - room * span, high + room * span, start_px, end_px)


def lines(
    series: Sequence[Line],
    *,
    x_label: str,
    y_label: str,
    best: float | None = None,
    whole: bool = False,
    diagonal: bool = False,
    square: bool = False,
    powers: bool = False,
    log_y: bool = False,
    y_span: tuple[float, float] | None = None,
) -> Markup:
    """Lines over a common x.

    best: where a vertical line marks the best epoch. whole: x counts something, so ticks are whole numbers.
    square: both axes run from 0 to 1. powers: x, above 0, is shown by powers of ten; log_y: y is, and a value
    that is not above 0 breaks its line. y_span: the part of y to show; without it, all of it.
    """
    if square:
        across, up = Scale(-0.02, 1.02, LEFT, WIDTH - RIGHT), Scale(-0.02, 1.02, HEIGHT - BOTTOM, TOP)
    else:
        places = [value for line in series for value in line.x]
        across = (power_scale if powers else scale)(places, LEFT, WIDTH - RIGHT, room=0.02)
        heights = y_span or [value for line in series for value in line.y]
        up = (power_scale if log_y else scale)(heights, HEIGHT - BOTTOM, TOP)
    parts = [frame(across, up, x_label, y_label, whole=whole)]
    if diagonal:
        parts.append(_diagonal(across, up))
    if best is not None:
        at = f"{across(best):.1f}"
        parts.append(
            Markup('<line class="best" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>').format(
                at, TOP, HEIGHT - BOTTOM
            )
        )
    for line in series:
        path, pen_down = [], False
        for x, y in zip(line.x, line.y, strict=True):
            at = up(y) if isfinite(y) else y
            if not (isfinite(x) and isfinite(at) and (y_span is None or y_span[0] <= y <= y_span[1])):
                pen_down = False
                continue
            path.append(f"{'L' if pen_down else 'M'}{across(x):.1f} {at:.1f}")
            pen_down = True
        style = f"line c{line.colour % COLOURS}{' dashed' if line.dashed else ''}"
        parts.append(
            Markup('<path class="{}" d="{}"><title>{}</title></path>').format(style, "".join(path), line.name)
        )
        if line.marked or len(line.x) == 1:
            dots = "".join(step.replace("L", "M") + "h0" for step in path)
            parts.append(Markup('<path class="dots big c{}" d="{}"/>').format(line.colour % COLOURS, dots))
    return figure(parts, described(y_label, x_label)) + legend(series)


def points(
    x: Values,
    y: Values,
    *,
    x_label: str,
    y_label: str,
    diagonal: bool = False,
    level: float | None = None,
) -> Markup:
    """A cloud of points.

    diagonal: both axes get the same span and a line of equal values. level: a horizontal line there.
    """
    both = [*x, *y] if diagonal else None
    across = scale(both or x, LEFT, WIDTH - RIGHT)
    up = scale(both or [*y, *([] if level is None else [level])], HEIGHT - BOTTOM, TOP)
    parts = [frame(across, up, x_label, y_label)]
    if diagonal:
        parts.append(_diagonal(across, up))
    if level is not None:
        parts.append(
            Markup('<line class="even" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(
                LEFT, WIDTH - RIGHT, up(level), up(level)
            )
        )
    path = "".join(
        f"M{across(a):.1f} {up(b):.1f}h0" for a, b in zip(x, y, strict=True) if isfinite(a) and isfinite(b)
    )
    parts.append(Markup('<path class="dots c0" d="{}"/>').format(path))
    return figure(parts, described(y_label, x_label))


def intervals(
    names: Sequence[str],
    values: Sequence[float],
    lows: Sequence[float | None],
    highs: Sequence[float | None],
    *,
    label: str,
    first_stands_out: bool = False,
    from_zero: bool = False,
) -> Markup:
    """A row a name: its value as a dot (or a bar from zero) with its interval as a whisker."""
    row_px, left_px, width_px = 28, 138, 480
    height = TOP + row_px * len(names) + BOTTOM
    bounds = [value for value in [*values, *lows, *highs] if value is not None]
    across = scale([*bounds, *([0.0] if from_zero else [])], left_px, width_px - 66, room=0.06)
    parts = []
    for tick in across.ticks(4):
        at = f"{across(tick):.1f}"
        parts.append(
            Markup('<line class="grid" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>').format(
                at, TOP, height - BOTTOM
            )
        )
        parts.append(
            Markup('<text class="tick" text-anchor="middle" x="{}" y="{}">{}</text>').format(
                at, height - 26, tick_text(tick)
            )
        )
    for place, (name, value, low, high) in enumerate(zip(names, values, lows, highs, strict=True)):
        y = TOP + row_px * (place + 0.5)
        colour = "c0" if place == 0 or not first_stands_out else "plain"
        short = name if len(name) <= 21 else name[:20] + "…"
        parts.append(
            Markup(
                '<text class="name" text-anchor="end" x="{}" y="{:.1f}">{}<title>{}</title></text>'
            ).format(left_px - 10, y + 4, short, name)
        )
        if from_zero:
            start, end = sorted((across(0.0), across(value)))
            parts.append(
                Markup(
                    '<rect class="bar {}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="14" rx="2"/>'
                ).format(colour, start, y - 7, max(end - start, 0.5))
            )
        if low is not None and high is not None:
            parts.append(
                Markup('<path class="whisker {}" d="M{:.1f} {:.1f}H{:.1f}"/>').format(
                    colour, across(low), y, across(high)
                )
            )
        if not from_zero:
            parts.append(
                Markup('<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="4.5"/>').format(
                    colour, across(value), y
                )
            )
        parts.append(
            Markup('<text class="value" x="{}" y="{:.1f}">{}</text>').format(
                width_px - 58, y + 4, number(value, 3)
            )
        )
    parts.append(
        Markup('<text class="label" text-anchor="middle" x="{}" y="{}">{}</text>').format(
            (left_px + width_px - 66) / 2, height - 8, label
        )
    )
    return figure(parts, label, width_px, height)


def columns(edges: Values, heights: Values, *, x_label: str, y_label: str) -> Markup:
    """A histogram: heights [n] over the n spans between edges [n + 1]."""
    across = Scale(edges[0], edges[-1], LEFT, WIDTH - RIGHT)
    up = Scale(0.0, max(*heights, 1e-9) * 1.05, HEIGHT - BOTTOM, TOP)
    parts = [frame(across, up, x_label, y_label)]
    for start, end, high in zip(edges[:-1], edges[1:], heights, strict=True):
        parts.append(
            Markup('<rect class="bar c0" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
                across(start) + 0.5,
                up(high),
                max(across(end) - across(start) - 1, 0.5),
                HEIGHT - BOTTOM - up(high),
            )
        )
    return figure(parts, described(y_label, x_label))


def standalone(chart: Markup) -> str:
    """A chart as a file of its own: its SVG without the legend, with the page's colours in light and dark."""
    svg, end, _ = str(chart).partition("</svg>")
    named = '<svg xmlns="http://www.w3.org/2000/svg" width="760" height="524"'
    opening, _, inside = svg.replace("<svg", named, 1).partition(">")
    return f"{opening}><style>{STYLE}</style>{inside}{end}\n"


def frame(across: Scale, up: Scale, x_label: str, y_label: str, *, whole: bool = False) -> Markup:
    """Grid lines, ticks, the axis below and the labels of a chart of the usual size."""
    parts = []
    for tick in up.ticks():
        at = f"{up(tick):.1f}"
        parts.append(
            Markup('<line class="grid" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(LEFT, WIDTH - RIGHT, at, at)
        )
        parts.append(
            Markup('<text class="tick" text-anchor="end" x="{}" y="{:.1f}">{}</text>').format(
                LEFT - 7, up(tick) + 4, tick_text(tick)
            )
        )
    for tick in across.ticks(whole=whole):
        at = f"{across(tick):.1f}"
        parts.append(
            Markup('<text class="tick" text-anchor="middle" x="{}" y="{}">{}</text>').format(
                at, HEIGHT - BOTTOM + 17, tick_text(tick)
            )
        )
    parts.append(
        Markup('<line class="axis" x1="{}" x2="{}" y1="{}" y2="{}"/>').format(
            LEFT, WIDTH - RIGHT, HEIGHT - BOTTOM, HEIGHT - BOTTOM
        )
    )
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(
        Markup('<text class="label" text-anchor="middle" x="{}" y="{}">{}</text>').format(
            middle, HEIGHT - 6, x_label
        )
    )
    height = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        Markup(
            '<text class="label" text-anchor="middle" transform="translate(11 {}) rotate(-90)">{}</text>'
        ).format(height, y_label)
    )
    return Markup("").join(parts)


def _diagonal(across: Scale, up: Scale) -> Markup:
    low, high = max(across.low, up.low), min(across.high, up.high)
    return Markup('<path class="even" d="M{:.1f} {:.1f}L{:.1f} {:.1f}"/>').format(
        across(low), up(low), across(high), up(high)
    )


def figure(parts: Sequence[Markup], words: str, width: float = WIDTH, height: float = HEIGHT) -> Markup:
    """The parts as one SVG; words: what it shows, for readers who do not see it."""
    opening = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
        width, height, words
    )
    return opening + Markup("").join(parts) + Markup("</svg>")


def legend(series: Sequence[Line]) -> Markup:
    """The names of the lines beside their colours; nothing for a single one."""
    if len(series) < 2:
        return Markup("")
    keys = [
        Markup('<span class="key"><i class="c{}{}"></i>{}</span>').format(
            line.colour % COLOURS, " dashed" if line.dashed else "", escape(line.name)
        )
        for line in series
    ]
    return Markup('<div class="legend">{}</div>').format(Markup("").join(keys))


def described(y_label: str, x_label: str) -> str:
    """What a chart shows, in words."""
    return f"{y_label} over {x_label}"


def tick_text(value: float) -> str:
    """A number at an axis, short."""
    size = abs(value)
    if size >= 1e9 or 0 < size < 1e-3:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    for limit, divisor, letter in ((1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if size >= limit:
            return f"{value / divisor:.4g}{letter}"
    return f"{value:.4g}"
