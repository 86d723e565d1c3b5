"""A scorecard as a small HTML table for notebooks, without script, style sheet or anything from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from deepfit.judge.verdict import DASH, number, readable, span
from deepfit.metrics import title as metric_title

CELL = 'style="text-align:right;padding:2px 12px"'
WORD = 'style="text-align:left;padding:2px 12px"'


def html(scorecard: Mapping[str, Any] | None, *, title: str = "deepfit") -> str:
    """The verdict, and a row for the network and each baseline: a column a metric, its interval below it."""
    head = f"<b>{escape(title)}</b>"
    if not scorecard or not scorecard["metrics"]:
        said = escape(scorecard["verdict"]) if scorecard else "Not scored on held-out rows."
        return f"<div>{head}<div>{said}</div></div>"
    everyone = {"network": scorecard["metrics"], **scorecard["baselines"]}
    names = list(dict.fromkeys(name for scores in everyone.values() for name in scores))
    header = "".join(f"<th {CELL}>{escape(metric_title(name))}</th>" for name in names)
    rows = "".join(
        "<tr><th "
        f"{WORD}>{escape(readable(who))}</th>{''.join(_cell(scores.get(name)) for name in names)}</tr>"
        for who, scores in everyone.items()
    )
    table = f"<table><thead><tr><th></th>{header}</tr></thead><tbody>{rows}</tbody></table>"
    note = f"{scorecard['rows']['test']:,} test rows; small: 95 % intervals."
    return f"<div>{head}<div>{escape(scorecard['verdict'])}</div>{table}<small>{note}</small></div>"


def _cell(score: Mapping[str, float | None] | None) -> str:
    if not score or score["value"] is None:
        return f"<td {CELL}>{DASH}</td>"
    return f"<td {CELL}>{number(score['value'])}<br><small>{span(score['low'], score['high'])}</small></td>"
