"""Rows of a table: a frame that is never copied, the rows of it that are meant, and what each column is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from deepfit.contract import Concern, Facts
from deepfit.data.columns import INPUTS, Kind, as_kind, infer_kinds, parse_kinds
from deepfit.data.frames import PAIR_TARGET, is_pair
from deepfit.data.tables import Table, read_table
from deepfit.data.targets import Goal, check_infinite, target_as_read, typed_target
from deepfit.errors import DataError, suggest

HASHED = (*INPUTS, "text")
HASH_ROWS = 1 << 18
REMEMBERED_ROWS = 1_000_000
"""Up to so many rows the target is kept as an array once it was asked for."""


class TableRows:
    """The rows `index` (all where None) of a table; implements `deepfit.contract.Rows`.

    table: as read. frame: the same with each column in the type that its kind is encoded from. kinds: of
    every column but the target. goal: what the target is for; None where there is no target to speak of.
    """

    def __init__(
        self,
        table: Table,
        frame: pl.DataFrame,
        kinds: Mapping[str, Kind],
        *,
        target: str | None = None,
        goal: Goal | None = None,
        index: np.ndarray | None = None,
        notes: Sequence[Concern] = (),
        kept: dict[str, Any] | None = None,
    ) -> None:
        self.table = table
        self.frame = frame
        self.kinds = dict(kinds)
        self.target_name = target
        self.goal: Goal | None = goal
        self.index = index
        self.notes = notes
        self.name = table.name
        self._kept: dict[str, Any] = {} if kept is None else kept

    def __len__(self) -> int:
        return self.frame.height if self.index is None else len(self.index)

    def take(self, index: np.ndarray) -> TableRows:
        """The rows at these positions (or where a mask is True); the frame is shared."""
        index = np.flatnonzero(index) if np.asarray(index).dtype == bool else np.asarray(index)
        chosen = index if self.index is None else self.index[index]
        return TableRows(
            self.table,
            self.frame,
            self.kinds,
            target=self.target_name,
            goal=self.goal,
            index=np.ascontiguousarray(chosen, np.uint32),
            notes=self.notes,
            kept=self._kept,
        )

    def compact(self) -> TableRows:
        """The same rows in frames of their own; positions in messages then count from the first of them."""
        if self.index is None:
            return self
        table = replace(self.table, frame=self.table.frame[self.index])
        frame = self.frame[self.index]
        return TableRows(table, frame, self.kinds, target=self.target_name, goal=self.goal, notes=self.notes)

    def series(self, name: str) -> pl.Series:
        """One column of these rows as it is encoded."""
        if name not in self.frame.columns:
            raise DataError(f"{self.name}: there is no column '{name}'. {suggest(name, self.frame.columns)}")
        column = self.frame[name]
        return column if self.index is None else column.gather(self.index)

    def slice(self, names: Sequence[str], start: int, stop: int) -> pl.DataFrame:
        """Rows start to stop (exclusive) of some columns."""
        frame = self.frame.select(names)
        return frame.slice(start, stop - start) if self.index is None else frame[self.index[start:stop]]

    def column(self, name: str) -> np.ndarray:
        """One column's values; numbers with NaN where one is missing, words as objects with None there."""
        if name == self.target_name:
            found = self.target()
            if found is not None:
                return found
        return self.series(name).to_numpy()

    def target(self) -> np.ndarray | None:
        """float64 values (regression), or labels as int64, bool or str (classification).

        None where a row has none.
        """
        if self.target_name is None or self.target_name not in self.frame.columns:
            return None
        if self.frame.height > REMEMBERED_ROWS:
            values = self.series(self.target_name)
            return None if values.null_count() else _as_array(values, self.goal)
        if "target" not in self._kept:  # a bootstrap asks for the target of thousands of selections
            values = self.frame[self.target_name]
            absent = values.is_null().to_numpy() if values.null_count() else None
            self._kept["target"] = _as_array(values, self.goal), absent
        found, absent = self._kept["target"]
        rows = slice(None) if self.index is None else self.index
        return None if absent is not None and absent[rows].any() else found[rows]

    def keys(self) -> dict[str, np.ndarray]:
        """The identifier columns."""
        return {
            name: self.series(name).to_numpy()
            for name, kind in self.kinds.items()
            if kind.kind == "identifier"
        }

    def labelled(self) -> TableRows:
        """The rows whose target is there."""
        if self.target_name is None:
            raise DataError(
                f"{self.name}: the model was trained without --target, so no column says what is right, and "
                "nothing can be compared with it. Train with --target COLUMN."
            )
        if self.target_name not in self.frame.columns:
            raise DataError(
                f"{self.name}: there is no target column '{self.target_name}', so nothing can be scored."
            )
        present = self.series(self.target_name).is_not_null()
        return self if present.all() else self.take(present.to_numpy())

    def parts(self) -> np.ndarray | None:
        """None: a table names its parts only where a column is asked for (`--split column:COLUMN`)."""
        return None

    def where(self, position: int) -> str:
        """The row at a position as the user knows it: "row 812" of the file."""
        return self.table.where(int(position) if self.index is None else int(self.index[position]))

    def inputs(self) -> list[str]:
        """The columns that a network sees, in the order of the table."""
        return [name for name, kind in self.kinds.items() if kind.kind in INPUTS]

    def check_inputs(self) -> None:
        """DataError where no column is an input, saying why for each."""
        if not self.inputs():
            reasons = [
                f"'{name}' is {kind.kind} ({kind.reason})" for name, kind in list(self.kinds.items())[:8]
            ]
            raise DataError(
                f"{self.name}: no column is left to learn from: "
                f"{'; '.join(reasons) or 'there is none but the target'}. "
                "Add columns, or say --kinds COLUMN=number or COLUMN=category."
            )

    def describe(self) -> list[tuple[str, str, str, str]]:
        """(name, kind, reason, example) of every column, for `deepfit check`.

        The target's kind is "target".
        """
        shown = []
        told = "to be compared with" if self.goal == "grouping" else "to be predicted"
        for column in self.table.frame:
            place = 0 if column[0] is not None else column.is_not_null().arg_max() or 0
            kind = self.kinds.get(column.name, Kind("target", f"{told} ({self.goal or 'given'})"))
            shown.append(
                (column.name, kind.kind, kind.reason, "" if column[place] is None else str(column[place]))
            )
        return shown

    def fingerprints(self) -> np.ndarray:
        """uint64 [rows] from every column but the target, identifiers and constants.

        Columns may stand in any order.

        A number counts as float32 unless it is whole, so that a value is the same however a file was stored.
        """
        hashes = np.zeros(len(self), np.uint64)
        names = [name for name, kind in self.kinds.items() if kind.kind in HASHED]
        for start in range(0, len(self) if names else 0, HASH_ROWS):
            stop = min(start + HASH_ROWS, len(self))
            for column in self.slice(names, start, stop):
                hashes[start:stop] += _hashed(column)
        return hashes

    def concerns(self) -> list[Concern]:
        """What a careful reader would say of these rows before training."""
        from deepfit.data.table_concerns import find_concerns

        return [*self.notes, *find_concerns(self)]


def _as_array(values: pl.Series, goal: Goal | None) -> np.ndarray:
    """A target as `TableRows.target` gives it; any value where one is missing."""
    if goal == "regression":
        return values.cast(pl.Float64).to_numpy()
    if values.dtype == pl.String or isinstance(values.dtype, pl.Enum):
        words = values.drop_nulls().unique().cast(pl.String).sort()
        codes = values.cast(pl.Enum(words)).to_physical().fill_null(0).to_numpy()
        return np.array([*words.to_list(), *([] if len(words) else [""])], dtype=np.str_)[codes]
    return (values.fill_null(values.drop_nulls().first()) if values.null_count() else values).to_numpy()


def read_rows(
    source: Any,
    *,
    target: str | None = None,
    goal: Goal | None = None,
    missing: str | Sequence[str] = (),
    kinds: str | Mapping[str, str] | None = None,
    split: str = "auto",
    columns: Facts | None = None,
) -> TableRows:
    """The rows of a source for one goal, checked; DataError before any training.

    missing, kinds: as the options write them (`n/a,unknown`, `zip=category`) or as collections. split: a
    column that only says how to split (group:COL, column:COL) is no input unless kinds says so. columns: what
    `learn_columns` returned, at predict: the columns are read as they were then, and the target may be
    missing.
    """
    words = (
        [word.strip() for word in missing.split(",") if word.strip()]
        if isinstance(missing, str)
        else list(missing)
    )
    if target is None and is_pair(source):
        target = PAIR_TARGET
    if columns is not None:
        return _as_learned(source, columns, target, goal, words)
    given = parse_kinds(kinds)
    table = read_table(source, missing=words, kinds=given)
    how, _, name = split.partition(":")
    if how in ("group", "column") and name in table.frame.columns:
        given.setdefault(name, "ignore")
    notes = list(table.notes)
    index = None
    if target is not None:
        values = target_as_read(table, target, goal)
        if values.null_count():
            index = np.flatnonzero(values.is_not_null().to_numpy()).astype(np.uint32)
            notes.append(
                Concern(
                    "missing",
                    target,
                    f"{values.null_count():,} of {len(values):,} rows have no '{target}' and are left out.",
                )
            )
    found = infer_kinds(table, given, but=target)
    return TableRows(
        table,
        typed_frame(table, found, target, goal),
        found,
        target=target,
        goal=goal,
        index=index,
        notes=notes,
    )


def typed_frame(
    table: Table, kinds: Mapping[str, Kind], target: str | None, goal: Goal | None
) -> pl.DataFrame:
    """Every column in the type that its kind is encoded from.

    DataError naming the row of what does not fit, or is infinite.
    """
    typed = []
    for column in table.frame:
        if column.name == target and goal is not None:
            column = typed_target(column, goal)
        elif column.name in kinds:
            column = as_kind(table, column, kinds[column.name])
            if kinds[column.name].kind == "number":
                check_infinite(table, column)
        typed.append(column)
    return pl.DataFrame(typed)


def _as_learned(
    source: Any, columns: Facts, target: str | None, goal: Goal | None, missing: Sequence[str]
) -> TableRows:
    learned = {
        each["name"]: Kind(each["kind"], "as in training", each.get("form", ""))
        for each in columns["columns"]
    }
    given = {
        each["name"]: each["kind"]
        for each in columns["columns"]
        if not each.get("boolean") and each["kind"] != "datetime"
    }
    table = read_table(source, missing=missing, kinds=given, lenient=True)
    check_columns(table, learned)
    for name, why in columns["unused"].items():
        if why.startswith("identifier") and name in table.frame.columns:
            learned[name] = Kind("identifier", "as in training")
    frame = typed_frame(table, learned, target, goal)
    notes = list(table.notes)
    if target in frame.columns and 0 < frame[target].null_count() < len(frame):
        count = frame[target].null_count()
        notes.append(
            Concern(
                "missing", target, f"{count:,} of {len(frame):,} rows have no '{target}' to be scored on."
            )
        )
    return TableRows(table, frame, learned, target=target, goal=goal, notes=notes)


def check_columns(table: Table, names: Mapping[str, Any]) -> None:
    """DataError naming the columns of the training rows that a table lacks."""
    absent = [name for name in names if name not in table.frame.columns]
    if absent:
        others = f" and {len(absent) - 1} more ({', '.join(absent[1:6])})" if len(absent) > 1 else ""
        extra = [name for name in table.frame.columns if name not in names]
        hint = suggest(absent[0], extra) if extra else f"It has: {', '.join(table.frame.columns[:10])}."
        raise DataError(
            f"{table.name}: there is no column '{absent[0]}'{others}, which the model was trained with. "
            f"{hint}\n"
            "  Add the column (cells may be empty where the value is not known)."
        )


def _hashed(column: pl.Series) -> np.ndarray:
    """uint64 of each value and the column's name; missing values are equal to one another."""
    if column.dtype.is_numeric():
        values = column.cast(pl.Float64).to_numpy()
        with np.errstate(over="ignore"):
            values = np.where(values == np.rint(values), values, values.astype(np.float32)) + 0.0
        bits = values.view(np.uint64)
    elif isinstance(column.dtype, pl.Enum):
        words = column.dtype.categories.hash(seed=1).to_numpy()
        bits = np.append(words, np.uint64(0))[column.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()]
    elif column.dtype.is_temporal():
        bits = column.cast(pl.Int64).fill_null(-(2**62)).to_numpy().view(np.uint64)
    else:
        bits = (
            pl.select(pl.when(column.is_not_null()).then(column.cast(pl.String).hash(seed=1)).otherwise(0))
            .to_series()
            .to_numpy()
        )
    salt = pl.Series([column.name]).hash(seed=2).to_numpy()[0]
    return mixed(bits ^ salt)


def mixed(bits: np.ndarray) -> np.ndarray:
    """Well spread bits: the finaliser of SplitMix64 (Steele et al. 2014)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
