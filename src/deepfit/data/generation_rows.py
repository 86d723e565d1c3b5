"""Rows of a table all of whose columns are to be made, one of which may be what others are to predict."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from deepfit.contract import Concern, Facts
from deepfit.data.columns import INPUTS, as_words
from deepfit.data.table_rows import TableRows, read_rows
from deepfit.data.targets import FEW, Goal, target_as_read
from deepfit.errors import DataError

FEWEST_ROWS = 50
"""Below this a network learns the rows by heart or nothing at all."""


class GenerationRows:
    """A table's rows with every column an input; implements `deepfit.contract.Rows`.

    target_name: the column that made rows shall help to predict, which is made like any other; None where
    none is named. goal: whether that is a class or an amount.
    """

    def __init__(self, table: TableRows, target_name: str | None, goal: Goal | None) -> None:
        self.table = table
        self.name = table.name
        self.target_name = target_name
        self.goal: Goal | None = goal

    def __len__(self) -> int:
        return len(self.table)

    def take(self, index: np.ndarray) -> GenerationRows:
        """The rows at these positions (or where a mask is True); the frame is shared."""
        return GenerationRows(self.table.take(index), self.target_name, self.goal)

    def compact(self) -> GenerationRows:
        """The same rows in frames of their own."""
        return GenerationRows(self.table.compact(), self.target_name, self.goal)

    def column(self, name: str) -> np.ndarray:
        """One column's values."""
        return self.table.column(name)

    def series(self, name: str) -> pl.Series:
        """One column as it is encoded."""
        return self.table.series(name)

    def target(self) -> np.ndarray | None:
        """float64 amounts or str classes [rows]; None where no column is named or a row has none."""
        if self.target_name is None or self.target_name not in self.table.frame.columns:
            return None
        values = self.series(self.target_name)
        if values.null_count():
            return None
        if self.goal == "regression":
            return values.cast(pl.Float64).to_numpy()
        return np.array(as_words(values).cast(pl.String).to_list(), dtype=np.str_)

    def keys(self) -> dict[str, np.ndarray]:
        """Nothing: a made row belongs to no row of the table."""
        return {}

    def labelled(self) -> GenerationRows:
        """The rows that can be scored: those with a target where one is named, else all."""
        if self.target_name is None:
            return self
        present = self.series(self.target_name).is_not_null()
        return self if present.all() else self.take(present.to_numpy())

    def parts(self) -> None:
        """None: a table names its parts only where a column is asked for."""
        return

    def where(self, position: int) -> str:
        """The row at a position as the user knows it."""
        return self.table.where(position)

    def describe(self) -> list[tuple[str, str, str, str]]:
        """(name, kind, reason, example) of every column."""
        return [
            (name, kind, f"{reason}; what the made rows shall help to predict", example)
            if name == self.target_name
            else (name, kind, reason, example)
            for name, kind, reason, example in self.table.describe()
        ]

    def fingerprints(self) -> np.ndarray:
        """uint64 [rows] from every column that is made."""
        return self.table.fingerprints()

    def concerns(self) -> list[Concern]:
        """What a careful reader would say of these rows before training."""
        found = []
        for name, kind in self.table.kinds.items():
            if kind.kind == "constant":
                found.append(Concern("constant", name, f"column '{name}' is made as it is: {kind.reason}."))
            elif kind.kind not in INPUTS:
                said = f"column '{name}' is left out of the made rows: {kind.kind}, {kind.reason}."
                found.append(Concern(kind.kind, name, said))
        kept = [each for each in self.table.concerns() if each.where not in {one.where for one in found}]
        return [*found, *kept]


def read_generation_rows(
    source: Any, *, target: str | None, facts: Facts | None, missing: str, kinds: str, split: str
) -> GenerationRows:
    """The rows of a table, checked; DataError before any training.

    missing, kinds, split: as the options write them. facts: of the training rows, once there are.
    """
    table = read_rows(source, missing=missing, kinds=kinds, split=split, columns=facts)
    if facts is not None:
        return GenerationRows(table, target, facts["goal"])
    if len(table) < FEWEST_ROWS:
        raise DataError(
            f"{table.name}: received {len(table)} row{'' if len(table) == 1 else 's'}, and how columns hang "
            f"together is learned from at least {FEWEST_ROWS}; thousands are better. Add rows."
        )
    table.check_inputs()
    if target is None:
        return GenerationRows(table, None, None)
    values = target_as_read(table.table, target, None)
    kind = table.kinds[target]
    if kind.kind not in INPUTS:
        raise DataError(
            f"{table.name}: the target '{target}' is {kind.kind} ({kind.reason}), so no model can be trained "
            f"to predict it. Name another --target, or say --kinds {target}=category."
        )
    if values.null_count():
        table = table.take(values.is_not_null().to_numpy())
        said = f"{values.null_count():,} of {len(values):,} rows have no '{target}' and are left out."
        table.notes = [*table.notes, Concern("missing", target, said)]
    return GenerationRows(table, target, goal_of(table.series(target), kind.kind))


def goal_of(values: pl.Series, kind: str) -> Goal:
    """Whether a column is predicted as a class or as an amount: whole numbers of few values are classes."""
    if kind == "category":
        return "classification"
    if kind == "datetime":
        return "regression"
    present = values.drop_nulls().cast(pl.Float64)
    whole, distinct = bool((present == present.round()).all()), present.n_unique()
    few = distinct <= FEW and distinct < max(3, len(present) / 5)
    return "classification" if whole and few else "regression"
