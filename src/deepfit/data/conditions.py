"""Conditions, a choice of one column each: drawn for training, by their shares, or asked for in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfit.contract import Facts
from deepfit.errors import OptionError, suggest

SHOWN = 10


class Conditions:
    """The choices that a condition may name, and the training rows that meet each.

    choices: int [rows, columns] of the training rows; columns: those that a condition may name.
    """

    def __init__(self, choices: NDArray[Any], sizes: Sequence[int], columns: Sequence[int]) -> None:
        self.columns = np.array(columns, np.intp)
        self.first = np.concatenate([[0], np.cumsum(sizes)[:-1]])[self.columns].astype(np.intp)
        most = max((sizes[column] for column in columns), default=1)
        self.counts = np.zeros((len(columns), most), np.intp)
        self.order = np.zeros((len(columns), len(choices)), np.int32)
        for place, column in enumerate(columns):
            self.counts[place] = np.bincount(choices[:, column], minlength=most)
            self.order[place] = np.argsort(choices[:, column], kind="stable")
        self.starts = np.cumsum(self.counts, 1) - self.counts
        weights = np.log1p(self.counts)
        self.reached = np.cumsum(weights / np.maximum(weights.sum(1, keepdims=True), 1e-9), 1)

    def draw(self, chance: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Conditions and rows that meet them, from chances [count, 3] in [0, 1).

        Every column is as likely as another, a choice of it in proportion to the logarithm of its rows, and
        among these each row alike: training by sampling (arXiv 1907.00503, section 4.3). A condition is a
        place among all columns' choices, -1 where no column has conditions.
        """
        if not len(self.columns):
            rows = self.order.shape[1]
            return np.full(len(chance), -1, np.intp), (chance[:, 2] * rows).astype(np.intp)
        column = (chance[:, 0] * len(self.columns)).astype(np.intp)
        reached = self.reached[column]
        choice = (reached <= chance[:, 1:2] * reached[:, -1:]).sum(1)
        place = self.starts[column, choice] + (chance[:, 2] * self.counts[column, choice]).astype(np.intp)
        return self.first[column] + choice, self.order[column, place].astype(np.intp)


def conditioned(facts: Facts) -> list[int]:
    """The columns that a condition may name: categories with more than one choice."""
    return [
        place
        for place, record in enumerate(facts["columns"])
        if record["kind"] == "category" and record["size"] > 1
    ]


def by_share(chance: NDArray[np.float64], facts: Facts) -> NDArray[np.intp]:
    """Conditions for new rows, from chances [count, 2]: a column, and a choice as often as in training."""
    columns = conditioned(facts)
    if not columns:
        return np.full(len(chance), -1, np.intp)
    first = np.concatenate([[0], np.cumsum(facts["sizes"])])
    column = (chance[:, 0] * len(columns)).astype(np.intp)
    found = np.empty(len(chance), np.intp)
    for number, place in enumerate(columns):
        asked = column == number
        reached = np.cumsum(facts["columns"][place]["shares"])
        choice = np.searchsorted(reached, chance[asked, 1] * reached[-1], side="right")
        found[asked] = first[place] + np.minimum(choice, len(reached) - 1)
    return found


def parse_prompt(prompt: str, facts: Facts) -> tuple[int, int]:
    """(column, choice) of a condition COLUMN=VALUE; OptionError for one that the network does not know."""
    columns = conditioned(facts)
    names = [facts["columns"][place]["name"] for place in columns]
    if not names:
        raise OptionError(
            f"sample: received the condition '{prompt}', and no column of the training rows is a category, "
            "of which conditions are. Leave it away."
        )
    name, sign, value = prompt.partition("=")
    name, value = name.strip(), value.strip()
    if not sign:
        raise OptionError(
            f"sample: expected a condition COLUMN=VALUE, received '{prompt}'. Columns: {_listed(names)}."
        )
    if name not in names:
        known = [record["name"] for record in facts["columns"]]
        if name in known:
            raise OptionError(
                f"sample: '{name}' is a number or a date; conditions are of categories: {_listed(names)}. "
                "Make more rows and keep those that you want."
            )
        raise OptionError(f"sample: there is no column '{name}'. {suggest(name, names)}")
    place = columns[names.index(name)]
    record = facts["columns"][place]
    words = ["" if word is None else word for word in record["values"]]
    wanted = value.lower() if record.get("boolean") else value
    if wanted not in words:
        raise OptionError(
            f"sample: no training row has {name}={value}. {suggest(value, words)} Values: {_listed(words)}."
        )
    code = words.index(wanted)
    if code >= record["shown"]:
        raise OptionError(
            f"sample: {name}={value} is too rare among the training rows for a condition of its own. "
            f"Frequent values: {_listed(words)}."
        )
    return place, code


def _listed(names: Sequence[str]) -> str:
    return ", ".join(name or "(missing)" for name in names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
