"""A network as a picture: boxes from what it reads to what it says, as SVG that stands alone or in a page.

A box is a layer, or a block of layers with the layers inside it; equal neighbours are one box with how often.
An arc beside a block says that what goes in is added to what comes out. Colours follow the reader's light or
dark setting. Every text is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from deepfit.nn.summary import Block, Shape, Summary

WIDTH, LEFT, BOX, GAP = 760, 74, 430, 22
THIN, TALL, STEP = 26, 46, 24

STYLE = """
.net { --ink: #1c1e21; --soft: #5d6470; --page: #ffffff; --line: #9aa1ad;
  --conv: #dbe7fb; --dense: #fde4d3; --look: #e5daf5; --rest: #eef0ee; --block: #f7f8f7;
  background: var(--page); }
@media (prefers-color-scheme: dark) { .net {
  --ink: #e8e9eb; --soft: #9aa1ad; --page: #14161a; --line: #6b7280;
  --conv: #1d3461; --dense: #5a3218; --look: #3d2a5c; --rest: #2a2e36; --block: #1c1f25; } }
.net text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: var(--ink); }
.net .soft { fill: var(--soft); } .net .title { font-size: 16px; font-weight: 600; }
.net .times { font-weight: 600; }
.net rect { stroke: var(--line); stroke-width: 1; }
.net .conv { fill: var(--conv); } .net .dense { fill: var(--dense); } .net .look { fill: var(--look); }
.net .rest { fill: var(--rest); } .net .block { fill: var(--block); }
.net .way { fill: none; stroke: var(--line); stroke-width: 1.5; } .net .head { fill: var(--line); }
.net .plus { fill: var(--page); stroke: var(--line); stroke-width: 1.5; }
"""


def picture(title: str, facts: Sequence[str], reads: str, summary: Summary) -> Markup:
    """The drawing as the text of an SVG file."""
    parts = [_text(20, 30, title, "title")]
    y = 50.0
    for fact in (line for each in facts for line in _wrapped(each, 112)):
        parts.append(_text(20, y, fact, "soft"))
        y += 18
    y += 16
    parts.append(_text(LEFT, y, reads))
    y += 8
    begun = False
    for block in summary.blocks:
        side_by_side = begun and block.first
        if side_by_side:
            y += 6
        else:
            parts.append(_arrow(y, y + GAP))
            y += GAP
        begun = begun or block.first
        drawn, height = _box(block, y)
        parts.append(drawn)
        y += height
    parts.append(_arrow(y, y + GAP))
    parts.append(_text(LEFT, y + GAP + 16, _by(summary.output)))
    height = y + GAP + 34
    opening = Markup(
        '<svg class="net" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {:.0f}" role="img" '
        'aria-label="{}">'
    ).format(WIDTH, height, title)
    style = Markup("<style>{}</style>").format(Markup(STYLE))
    ground = Markup('<rect width="{}" height="{:.0f}" style="fill:var(--page);stroke:none"/>').format(
        WIDTH, height
    )
    return opening + style + ground + Markup("").join(parts) + Markup("</svg>\n")


def page(title: str, facts: Sequence[str], reads: str, summary: Summary) -> Markup:
    """The drawing and the table of layers as one HTML page that needs nothing else."""
    rows = [
        Markup("<tr><td>{}</td><td>{}</td><td>{}</td><td>{:,}</td><td>{:,}</td></tr>").format(
            each.name, each.kind, _by(each.output), each.parameters, each.multiply_adds
        )
        for each in summary.layers
    ]
    head = "".join(f"<th>{each}</th>" for each in ("layer", "kind", "output", "parameters", "multiply-adds"))
    return Markup(
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{} · deepfit</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">\n<style>body {{ font: 14px system-ui, sans-serif; '
        "max-width: 860px; margin: 24px auto; padding: 0 16px; }} table {{ border-collapse: collapse; }} "
        "td, th {{ padding: 3px 12px 3px 0; text-align: left; white-space: nowrap; }} td:nth-child(n+4), "
        "th:nth-child(n+4) {{ text-align: right; }} div {{ overflow-x: auto; }}</style></head>\n<body>\n{}"
        "<div><table><thead><tr>{}</tr></thead><tbody>\n{}\n</tbody></table></div></body></html>\n"
    ).format(title, picture(title, facts, reads, summary), Markup(head), Markup("\n").join(rows))


def _box(block: Block, y: float) -> tuple[Markup, float]:
    """A block from y on, and how high it is."""
    height = TALL + STEP * len(block.inside) + 4 if block.inside else TALL if block.parameters else THIN
    kind = "block" if block.inside else _kind(block.kind)
    parts = [
        Markup('<rect class="{}" x="{}" y="{:.0f}" width="{}" height="{}" rx="6"/>').format(
            kind, LEFT + shift, y + shift, BOX, height
        )
        for shift in ((8, 4, 0) if block.repeats > 1 else (0,))
    ]
    parts.append(_text(LEFT + 12, y + 17, f"{block.name}: {block.kind}"))
    if block.parameters:
        parts.append(_text(LEFT + 12, y + 35, _size(block), "soft"))
    if block.repeats > 1:
        parts.append(_text(LEFT + BOX - 12, y + 17, f"x {block.repeats}", "times", end=True))
    for place, each in enumerate(block.inside):
        top = y + TALL + STEP * place - 2
        parts.append(
            Markup('<rect class="{}" x="{}" y="{:.0f}" width="{}" height="{}" rx="4"/>').format(
                "block" if each.inside else _kind(each.kind), LEFT + 12, top, BOX - 24, STEP - 4
            )
        )
        times = f" x {each.repeats}" if each.repeats > 1 else ""
        parts.append(_text(LEFT + 22, top + 14, f"{each.kind}{times}"))
        parts.append(_text(LEFT + BOX - 20, top + 14, _by(each.output), "soft", end=True))
    if block.residual:
        low = y + height
        parts.append(
            Markup('<path class="way" d="M{0} {1:.0f}H{2}V{3:.0f}H{0}"/>').format(
                LEFT, y + 10, LEFT - 26, low - 10
            )
        )
        parts.append(Markup('<circle class="plus" cx="{}" cy="{:.0f}" r="9"/>').format(LEFT, low - 10))
        parts.append(_text(LEFT - 4, low - 6, "+"))
    parts.append(_text(LEFT + BOX + 24, y + 17, _by(block.output)))
    drop = 8 if block.repeats > 1 else 0
    return Markup("").join(parts), height + drop


def _size(block: Block) -> str:
    work = f", {block.multiply_adds:,} multiply-adds" if block.multiply_adds else ""
    return f"{block.parameters:,} parameters{work}"


def _kind(kind: str) -> str:
    """The colour of a layer: convolutions, dense and recurrent layers, tables and attention, the rest."""
    word = kind.partition(" ")[0].lower()
    for colour, parts in (
        ("look", ("embedding", "attention")),
        ("conv", ("conv",)),
        ("dense", ("linear", "lstm", "gru", "rnn", "feedforward")),
    ):
        if any(part in word for part in parts):
            return colour
    return "rest"


def _arrow(start: float, end: float) -> Markup:
    x = LEFT + BOX / 2
    return Markup(
        '<path class="way" d="M{0:.0f} {1:.0f}V{2:.0f}"/><path class="head" d="M{3:.0f} {2:.0f}h10l-5 6z"/>'
    ).format(x, start, end - 6, x - 5)


def _text(x: float, y: float, words: str, style: str = "", *, end: bool = False) -> Markup:
    anchor = Markup(' text-anchor="end"') if end else Markup("")
    named = Markup(' class="{}"').format(style) if style else Markup("")
    return Markup('<text{}{} x="{:.0f}" y="{:.0f}">{}</text>').format(named, anchor, x, y, words)


def _wrapped(words: str, letters: int) -> list[str]:
    import textwrap

    return textwrap.wrap(words, letters)


def _by(shape: Shape | None) -> str:
    return "" if shape is None else " x ".join(map(str, shape))
