from __future__ import annotations

from functools import cache

import pytest

from deepfit.learn.walk import Code, walk
from deepfit.report.view import Figure, Table


class Told:
    """All that a lesson showed, by kind."""

    def __init__(self, items):
        self.items = items
        self.prose = " ".join(" ".join(item for item in items if isinstance(item, str)).split())
        self.figures = [item for item in items if isinstance(item, Figure)]
        self.code = "\n\n".join(item.text for item in items if isinstance(item, Code))
        self.tables = [item for item in items if isinstance(item, Table)]

    def column(self, table, title):
        """{first cell of a row: the cell below this title} of a table."""
        place = list(self.tables[table].header).index(title)
        return {row[0]: row[place] for row in self.tables[table].rows}


@cache
def _told(name, seed):
    return Told(list(walk(name, seed)))


@pytest.fixture(scope="session")
def told():
    """A lesson's name -> what it told; each lesson runs once."""
    return lambda name, seed=0: _told(name, seed)


@pytest.fixture
def toy_lesson(tmp_path, monkeypatch):
    """A lesson of a few lines, `deepfit learn toy`."""
    import sys

    import deepfit.learn

    (tmp_path / "toy.py").write_text(TOY)
    monkeypatch.setattr(deepfit.learn, "__path__", [*deepfit.learn.__path__, str(tmp_path)])
    monkeypatch.setitem(
        deepfit.learn.CONCEPTS, "toy", deepfit.learn.Concept("A <toy>", "two sums and a | bar")
    )
    yield
    sys.modules.pop("deepfit.learn.toy", None)


TOY = '''"""A toy."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from deepfit.report.view import Figure, Table

RATE = 3


def times(x):
    """x by the rate."""
    return RATE * x


def unused():
    """Nobody calls this."""


def lesson(seed: int = 0) -> Iterator:
    """The toy."""
    yield """
    First, **words** about `times`.

    ## See the lesson `depth`
    """
    # a reason
    a = times(2 + seed)

    b = times(a)
    yield f"Six is {a}."
    for each in (a, b):
        yield Figure(Markup("<svg></svg>"), f"A long caption that says what is to be seen here: {each} < 99.")
    yield Table(["Name", "Value"], [["a|b", str(b)]], caption="All.")
'''
