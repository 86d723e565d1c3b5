"""The curve of a learning-rate range test, as a section of the report and as a picture of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from deepfit.judge.verdict import number
from deepfit.report import charts
from deepfit.report.charts import Line
from deepfit.report.view import Figure, Section, View

SHOWN = 2.5
"""Losses up to so many times the least one are drawn; higher ones would hide what is below."""


def chart(curve: Mapping[str, Any]) -> Markup:
    """Loss over learning rate, as it was and smoothed, the chosen rate marked; curve: of `rate_test.json`."""
    known = [loss for loss in curve["smoothed"] if loss is not None]
    most = max(SHOWN * min(known), known[0] * 1.2) if known else 1.0
    shown = [
        Line(
            name,
            curve["rates"],
            [_within(loss, most) for loss in curve[key]],
            colour=colour,
            dashed=colour > 0,
        )
        for name, key, colour in (("batch", "losses", 7), ("smoothed", "smoothed", 0))
    ]
    return charts.lines(
        shown, x_label="learning rate", y_label="loss", best=curve["learning_rate"], powers=True
    )


def section(view: View) -> Section | None:
    """The test that chose this run's learning rate; None where the rate was given."""
    from deepfit.job.folder import read_rate_test

    curve = read_rate_test(Path(view.result.run))
    if curve is None:
        return None
    rates = curve["rates"]
    said = (
        f"The learning rate {number(curve['learning_rate'], 3)} was chosen by a range test: {len(rates)} "
        f"steps at rates from {number(rates[0], 3)} up to {number(rates[-1], 3)}. "
        "Training then began from the weights of before."
    )
    figure = Figure(chart(curve), "Training loss over the rate; the dashed line marks the chosen one.")
    return Section("Learning rate", [said], [figure])


def picture(curve: Mapping[str, Any], path: Path) -> Path:
    """Write the curve as an SVG file."""
    path.write_text(charts.standalone(chart(curve)), encoding="utf-8")
    return path


def _within(loss: float | None, most: float) -> float:
    return float("nan") if loss is None or loss > most else loss
