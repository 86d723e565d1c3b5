"""The end of a run in a few lines: the verdict, one table with intervals and baselines, where things are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deepfit.report.display import number


def run_summary(scorecard: Mapping[str, Any]) -> str:
    """The text that ends `deepfit train`, from the content of metrics.json."""
    paths = scorecard["paths"]
    rows = scorecard["rows"]
    lines = ["", scorecard["verdict"], ""]
    if scorecard["metrics"]:
        lines += [metrics_table(scorecard["metrics"], scorecard["baselines"]), ""]
    lines += [f"note: {warning}" for warning in scorecard["warnings"]]
    lines.append(f"rows: {', '.join(f'{count:,} {part}' for part, count in rows.items())}")
    lines.append(f"run: {paths['run']}")
    lines.append(f"report: {paths['report']}")
    return "\n".join(lines)


def metrics_table(metrics: Mapping[str, Any], baselines: Mapping[str, Mapping[str, Any]]) -> str:
    """One row a metric, one column for the network (with its interval) and one a baseline."""
    titles = ["", "network", "95 % interval", *(name.replace("_", " ") for name in baselines)]
    rows = [titles]
    for name, score in metrics.items():
        others = [_value(scores.get(name)) for scores in baselines.values()]
        rows.append([name, _value(score), _interval(score), *others])
    return aligned(rows)


def aligned(rows: Sequence[Sequence[str]], *, numbers_from: int = 1) -> str:
    """Columns of text side by side; columns from `numbers_from` on are set flush right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if column >= numbers_from else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _value(score: Any) -> str:
    value = score.get("value") if isinstance(score, Mapping) else score
    return "-" if value is None else number(value)


def _interval(score: Any) -> str:
    if not isinstance(score, Mapping) or score.get("low") is None:
        return "-"
    return f"{_value(score['low'])} to {_value(score['high'])}"
