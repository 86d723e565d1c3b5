"""A result as the sections of a report look at it, and what a section is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from markupsafe import Markup

    from deepfit.job.result import Result
    from deepfit.judge.intervals import Interval

PROBABILITY = "probability_"


@dataclass(frozen=True)
class Figure:
    """A chart (SVG) with a caption."""

    chart: Markup
    caption: str
    wide: bool = False


@dataclass(frozen=True)
class Table:
    """Text cells; the first `words` columns are words, the rest numbers.

    shade: strength [0, 1] of a cell's colour.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1
    caption: str = ""
    shade: Sequence[Sequence[float | None]] | None = None


@dataclass(frozen=True)
class Thumbnail:
    """A picture as a data URI, with a title, a line below it, and where it comes from."""

    source: str
    title: str
    note: str
    origin: str


@dataclass(frozen=True)
class Section:
    """A part of the page: sentences, then figures, tables, pictures and passages, as far as there are any.

    passages: pieces of HTML, made with everything from data escaped.
    """

    title: str
    sentences: Sequence[str] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    thumbnails: Sequence[Thumbnail] = ()
    passages: Sequence[Markup] = ()


@dataclass(frozen=True)
class View:
    """What every section may ask of a result; made once."""

    result: Result
    importance: Mapping[str, Interval] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)
    """What one section has worked out and others may use."""

    @property
    def main_metric(self) -> str:
        """The main metric without its sign."""
        return self.result.task.main_metric.removeprefix("-")

    @cached_property
    def answers(self) -> Mapping[str, np.ndarray]:
        """The network's columns of answers to the test rows; none where nothing was held out."""
        return {} if self.result.answers is None else self.result.answers.columns

    @cached_property
    def target(self) -> np.ndarray | None:
        """The true values of the test rows; None where there are no test rows or they have none."""
        return None if self.result.test is None or not self.answers else self.result.test.target()

    @cached_property
    def classes(self) -> list[str]:
        """The classes as written, in the order of `probabilities`; empty where the answers have none."""
        return [name.removeprefix(PROBABILITY) for name in self.answers if name.startswith(PROBABILITY)]

    @cached_property
    def probabilities(self) -> np.ndarray:
        """[test rows, classes] float64."""
        columns = [np.asarray(self.answers[PROBABILITY + name], dtype=np.float64) for name in self.classes]
        return np.stack(columns, axis=1)

    @cached_property
    def true_classes(self) -> np.ndarray:
        """Class numbers [test rows]; -1 for a class that the network does not know."""
        number = {name: place for place, name in enumerate(self.classes)}
        return np.array([number.get(str(value), -1) for value in _items(self.target)], dtype=np.intp)

    @cached_property
    def predicted_classes(self) -> np.ndarray:
        """Class numbers [test rows] that got the most probability."""
        return self.probabilities.argmax(axis=1)

    def column_names(self) -> list[str]:
        """The columns of the test rows that a reader may want to see, the most important first."""
        described = getattr(self.result.test, "describe", None)
        known = [name for name, kind, *_ in described() if kind != "target"] if described else []
        return [*self.importance, *(name for name in known if name not in self.importance)]


def _items(values: Any) -> list[Any]:
    return values.tolist() if hasattr(values, "tolist") else list(values)
