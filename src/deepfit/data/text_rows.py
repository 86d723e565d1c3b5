"""Rows of texts: a table that is never copied, the rows of it that are meant, and what to predict of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from deepfit.contract import Concern
from deepfit.data.tables import Table
from deepfit.data.text_files import FILE
from deepfit.errors import DataError, suggest

EXAMPLE_LETTERS = 60
RARE_CLASS = 0.05


class TextRows:
    """The rows `index` (all where None) of a table with texts; implements `deepfit.contract.Rows`.

    texts: the names of its columns of texts. target: of the column to predict, whose values are in `labels`,
    one for each row of the table: classes as str, int64 or bool, or tuples of str where a row has several
    labels. parts: "train", "valid" or "test" of each row of the table. compared: the target is only compared
    with what is found without it.
    """

    def __init__(
        self,
        table: Table,
        texts: Sequence[str],
        *,
        target: str | None = None,
        labels: np.ndarray | None = None,
        parts: np.ndarray | None = None,
        index: np.ndarray | None = None,
        notes: Sequence[Concern] = (),
        compared: bool = False,
    ) -> None:
        self.table = table
        self.name = table.name
        self.text_names = tuple(texts)
        self.target_name = target
        self.index = index
        self.compared = compared
        self.notes = {note.kind + note.where + note.message: note for note in notes}
        self._labels = labels
        self._parts = parts

    def __len__(self) -> int:
        return self.table.frame.height if self.index is None else len(self.index)

    def take(self, index: np.ndarray) -> TextRows:
        """The rows at these positions (or where a mask is True); the texts are shared."""
        index = np.flatnonzero(index) if np.asarray(index).dtype == bool else np.asarray(index)
        return self._with(
            self.table, np.asarray(index if self.index is None else self.index[index], np.int64)
        )

    def compact(self) -> TextRows:
        """The same rows in a frame of their own; positions in messages then count from the first of them."""
        if self.index is None:
            return self
        table = Table(self.table.frame[self.index], self.name, unit=self.table.unit)
        return TextRows(
            table,
            self.text_names,
            target=self.target_name,
            labels=self.target(),
            parts=self.parts(),
            notes=list(self.notes.values()),
            compared=self.compared,
        )

    def texts(self, name: str | None = None) -> list[str]:
        """The texts of one column, the first by default; a missing one is empty."""
        return self.series(name or self.text_names[0]).fill_null("").to_list()

    def series(self, name: str) -> pl.Series:
        """One column of these rows."""
        if name not in self.table.frame.columns:
            raise DataError(
                f"{self.name}: there is no column '{name}'. {suggest(name, self.table.frame.columns)}"
            )
        column = self.table.frame[name]
        return column if self.index is None else column.gather(self.index)

    def column(self, name: str) -> np.ndarray:
        """One column's values, words as objects with None where one is missing."""
        if name == self.target_name and (found := self.target()) is not None:
            return found
        return self.series(name).to_numpy()

    def target(self) -> np.ndarray | None:
        """The class of each row, or its tuple of labels; None where the rows have none, or not all."""
        if self._labels is None or self.target_name is None:
            return None
        if self.table.frame[self.target_name].null_count() and self.series(self.target_name).null_count():
            return None
        return self._labels if self.index is None else self._labels[self.index]

    def keys(self) -> dict[str, np.ndarray]:
        """{"file": the file's name} for texts of a folder, else nothing."""
        return {FILE: self.column(FILE)} if self._from_files() else {}

    def labelled(self) -> TextRows:
        """The rows whose target is there; DataError where there is no column of it."""
        if self.compared and self.target_name is None:
            raise DataError(
                f"{self.name}: the model was trained without --target, so no column says what is right, and "
                "nothing can be compared with it. Train with --target COLUMN."
            )
        if self._labels is None or self.target_name is None:
            raise DataError(
                f"{self.name}: there is no target column '{self.target_name}', so nothing can be scored. Add"
                " it, or name another with --target."
            )
        present = self.series(self.target_name).is_not_null()
        return self if present.all() else self.take(present.to_numpy())

    def parts(self) -> np.ndarray | None:
        """The part of each row where folders name parts, else None."""
        return self._parts if self._parts is None or self.index is None else self._parts[self.index]

    def where(self, position: int) -> str:
        """The row as its source calls it: "row 812" of a file, "pos/17.txt" of a folder."""
        place = int(position) if self.index is None else int(self.index[position])
        return str(self.table.frame[FILE][place]) if self._from_files() else self.table.where(place)

    def fingerprints(self) -> np.ndarray:
        """uint64 [rows]: equal for texts that are the same but for case and white space."""
        prints = np.zeros(len(self), np.uint64)
        for number, name in enumerate(self.text_names):
            plain = self.series(name).fill_null("").str.to_lowercase().str.replace_all(r"\s+", " ")
            prints = prints * np.uint64(3) + plain.str.strip_chars().hash(seed=number).to_numpy()
        return prints

    def describe(self) -> list[tuple[str, str, str, str]]:
        """(name, kind, reason, example) of every column."""
        return [self._described(column) for column in self.table.frame]

    def note(self, concern: Concern) -> None:
        """Add what a task has found out about these rows, to be said with the concerns."""
        self.notes[concern.kind + concern.where + concern.message] = concern

    def concerns(self) -> list[Concern]:
        """What was left out, texts that repeat, classes that are rare."""
        return [*self.notes.values(), *self._repeats(), *self._imbalance()]

    def _with(self, table: Table, index: np.ndarray) -> TextRows:
        return TextRows(
            table,
            self.text_names,
            target=self.target_name,
            labels=self._labels,
            parts=self._parts,
            index=index,
            notes=list(self.notes.values()),
            compared=self.compared,
        )

    def _from_files(self) -> bool:
        return self.table.unit == FILE

    def _described(self, column: pl.Series) -> tuple[str, str, str, str]:
        place = 0 if not len(column) or column[0] is not None else column.is_not_null().arg_max() or 0
        value = "" if not len(column) or column[place] is None else str(column[place])
        example = value if len(value) <= EXAMPLE_LETTERS else value[: EXAMPLE_LETTERS - 1] + "…"
        if column.name in self.text_names:
            letters = column.str.len_chars().fill_null(0)
            middle, most = int(letters.median() or 0), int(letters.max() or 0)  # pyright: ignore[reportArgumentType]
            return column.name, "text", f"{middle:,} characters in the middle, {most:,} at most", example
        if column.name == self.target_name:
            told = "to be compared with" if self.compared else "to be predicted"
            return column.name, "target", told, example
        return column.name, "unused", "only the text is read", example

    def _repeats(self) -> list[Concern]:
        prints = self.fingerprints()
        order = np.argsort(prints, kind="stable")
        same = prints[order][1:] == prints[order][:-1]
        if not same.any():
            return []
        place = int(np.flatnonzero(same)[0])
        first, second = sorted((int(order[place]), int(order[place + 1])))
        said = (
            f"{int(same.sum()):,} of {len(self):,} texts repeat another one (such as {self.where(second)}"
            f" that of {self.where(first)})"
        )
        if (labels := self.target()) is not None:
            differing = sum(
                labels[one] != labels[other]
                for one, other in zip(order[1:][same], order[:-1][same], strict=True)
            )
            said += f"; {differing:,} of them with another '{self.target_name}'" if differing else ""
        return [Concern("duplicates", self.name, said + ".")]

    def _imbalance(self) -> list[Concern]:
        labels = self.target()
        if labels is None or self.compared or labels.dtype == object or not len(labels):
            return []
        classes, counts = np.unique(labels, return_counts=True)
        shares = counts / len(labels)
        if len(classes) < 2 or (shares.max() <= 1 - RARE_CLASS and shares.min() >= RARE_CLASS / len(classes)):
            return []
        rare, common = int(counts.argmin()), int(counts.argmax())
        said = (
            f"the class '{classes[rare]}' has {counts[rare]:,} rows ({shares[rare]:.2%}), '{classes[common]}'"
            f" has {shares[common]:.1%}. Accuracy says little then; look at balanced accuracy and ROC AUC."
        )
        return [Concern("imbalance", str(self.target_name), said)]
