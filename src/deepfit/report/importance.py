"""What a report shows of how much the network leans on each input: see `deepfit.explain`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from deepfit import metrics
from deepfit.data.series_encoding import CALENDAR, OWN_PAST
from deepfit.judge.verdict import number, span
from deepfit.report import charts
from deepfit.report.view import Figure, Section, View

if TYPE_CHECKING:
    from deepfit.judge.intervals import Interval

SHOWN = 20


def columns(view: View) -> Section | None:
    """How much the score suffers when one column is shuffled."""
    said = (
        f"How much worse {metrics.title(view.main_metric)} gets when the values of one column are shuffled "
        "among the test rows. Columns that tell the same share their importance, so each may look small; "
        "importance is no cause."
    )
    return _bars(view, "Which columns matter", [said], view.importance)


def covariates(view: View) -> Section | None:
    """How much the forecasts suffer when each gets the course of a covariate that belongs to another."""
    said = [
        f"How much worse {metrics.title(view.main_metric)} gets when each test forecast is given another "
        "one's values of a covariate: those of the whole window before it and, where the covariate is known "
        "in advance, of the horizon. Covariates that tell the same share their importance, so each may look "
        "small; importance is no cause."
    ]
    drawn = {name: each for name, each in view.importance.items() if name != OWN_PAST}
    if CALENDAR in drawn:
        said.append(f"{CALENDAR} is what the dates tell: time of the day, day of the week, time of the year.")
    own = view.importance.get(OWN_PAST)
    if own is not None:
        said.append(
            "Not drawn, since it mostly dwarfs the others, is the series' own past: exchanged likewise, but "
            "brought to the level and spread of the one it stands for, it makes the score worse by "
            f"{number(own.value, 3)} ({span(own.low, own.high)})."
        )
    return _bars(view, "Which covariates matter", said, drawn)


def _bars(view: View, title: str, sentences: Sequence[str], inputs: Mapping[str, Interval]) -> Section | None:
    """A bar an input with the interval over the shuffles; None where nothing was measured."""
    shown = dict(list(inputs.items())[:SHOWN])
    if not shown:
        return None
    chart = charts.intervals(
        list(shown),
        [each.value for each in shown.values()],
        [each.low for each in shown.values()],
        [each.high for each in shown.values()],
        label=f"{metrics.title(view.main_metric)} worse by",
        from_zero=True,
    )
    rest = [f"The first {len(shown)} of {len(inputs)} are shown."] if len(inputs) > len(shown) else []
    return Section(title, [*sentences, *rest], [Figure(chart, "", wide=True)])
