"""Rows for training, validation and test: read, split and checked, with the facts of the training rows.

Loads no PyTorch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from deepfit.contract import Concern, Facts, Rows, Splits, Task
from deepfit.data.split import split
from deepfit.errors import OptionError
from deepfit.judge import leaks


@dataclass(frozen=True)
class Prepared:
    """All that is known before training.

    The source's rows, their parts, the facts learned from the training part, the concerns.
    """

    rows: Rows
    splits: Splits[Rows]
    facts: Facts
    concerns: list[Concern]


def prepare_rows(task: Task, places: Mapping[str, Any]) -> Prepared:
    """Read "source", and "test" and "valid" where they are named; DataError before any training.

    Rows from elsewhere are read as the training rows were, so they may lack classes or have further columns.
    """
    options = task.options
    rows = task.read(places["source"])
    nothing = rows.take(np.empty(0, np.int64))
    if is_transductive(task):
        return _all_seen(task, rows, nothing, places)
    splits = split(
        rows,
        options.split,
        test_fraction=options.test_fraction,
        valid_fraction=options.valid_fraction,
        seed=options.seed,
        test=None if places.get("test") is None else nothing,
        valid=None if places.get("valid") is None else nothing,
        classes=task.classes,
        supervised=getattr(task, "supervised", True),
    )
    facts = task.learn(splits.train)
    given = {
        part: scorable(task, task.read(places[part], facts))
        for part in ("valid", "test")
        if places.get(part) is not None
    }
    train, valid, test = splits.train, given.get("valid", splits.valid), given.get("test", splits.test)
    return Prepared(rows, Splits(train, valid, test), facts, leaks.find(train, test, valid))


def is_transductive(task: Task) -> bool:
    """Whether a task learns from the very rows that it answers: those of one graph, without their target."""
    return getattr(task, "transductive", False)


def _all_seen(task: Task, rows: Rows, nothing: Rows, places: Mapping[str, Any]) -> Prepared:
    """All rows to learn from, and the same ones to be scored unless others are named."""
    if places.get("valid") is not None:
        raise OptionError("--valid has no effect here: no rows choose an epoch. Leave it away.")
    facts = task.learn(rows)
    if places.get("test") is not None:
        test = scorable(task, task.read(places["test"], facts))
        return Prepared(rows, Splits(rows, nothing, test), facts, list(rows.concerns()))
    said = "all of them are learned from and scored, so the scores are not of new ones"
    said += ". Known groups are seen by the scores alone." if task.options.target is not None else "."
    seen = Concern("seen", rows.name, f"{len(rows):,} nodes: {said}")
    return Prepared(rows, Splits(rows, nothing, rows), facts, [seen, *rows.concerns()])


def scorable(task: Task, rows: Rows) -> Rows:
    """The rows that can be scored; all of them for a task that needs no target and was given none."""
    if getattr(task, "supervised", True) or task.options.target is not None:
        return rows.labelled()
    return rows
