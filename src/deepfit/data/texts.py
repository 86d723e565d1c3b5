"""Rows of texts: a table with a column of texts, folders of .txt files by class, or texts in memory.

Tasks on texts share these rows, whatever they predict of them: one class a text, several labels a text, or
nothing (embeddings). `TextRows` may hold several columns of texts (the two of a pair).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl

from deepfit.contract import Concern
from deepfit.data.frames import PAIR_TARGET, frame_of, is_pair
from deepfit.data.tables import Table, is_table, read_table
from deepfit.data.targets import target_as_read
from deepfit.data.text_files import FILE, is_text_file, read_folder, read_text
from deepfit.data.text_rows import EXAMPLE_LETTERS, TextRows
from deepfit.errors import DataError, suggest

Goal = Literal["class", "labels", "grouping"]
"""What the target column holds: one class a row, several labels a row, or groups only to be compared with."""


def read_texts(
    source: Any,
    *,
    text: str | Sequence[str] = "text",
    target: str | None = "label",
    goal: Goal = "class",
    separator: str = ";",
    training: bool = True,
) -> TextRows:
    """The texts of a source, checked; DataError before any training.

    source: a table of any kind that `read_table` takes, a folder of .txt files, a pair (texts, labels); to
    predict also one .txt file or a list of texts. text: the column, or columns, of texts. target: the column
    to predict, None where nothing is; goal: what it holds; separator: between several labels in one cell.
    training: rows without a text or without a target are left out, and that is said; otherwise all are kept,
    since each is to be answered, and the target may be missing.
    """
    names = [text] if isinstance(text, str) else list(text)
    table, parts, notes, found = _table(source, names, target, training=training and target is not None)
    target = found
    for name in names:
        table = _with_texts(table, name)
    keep = np.ones(table.frame.height, bool)
    labels = None
    if target is not None and (training or target in table.frame.columns):
        table, labels = _with_labels(table, target, goal, separator)
        present = table.frame[target].is_not_null().to_numpy()
        if training:
            keep &= present
        if not present.all():
            absent = f"{int((~present).sum()):,} of {len(keep):,} rows have no '{target}'"
            said = f"{absent} and are left out." if training else f"{absent} to be scored on."
            notes.append(Concern("missing", target, said))
    for name in names:
        empty = table.frame[name].is_null().to_numpy()
        if empty.all():
            raise DataError(
                f"{table.name}, column '{name}': every one of its {len(keep):,} texts is empty. Name another"
                " column with --text, or fill it in."
            )
        if empty.any():
            first = _called(table, int(np.flatnonzero(empty)[0]))
            what = "left out" if training else "answered as what they are, texts that say nothing"
            said = f"{int(empty.sum()):,} of {len(keep):,} texts are empty (such as {first}) and are {what}."
            notes.append(Concern("missing", name, said))
        if training:
            keep &= ~empty
    rows = TextRows(
        table, names, target=target, labels=labels, parts=parts, notes=notes, compared=goal == "grouping"
    )
    if keep.all():
        return rows
    if not keep.any():
        raise DataError(
            f"{table.name}: no row has both a text and a '{target}', so there is nothing to learn."
        )
    return rows.take(np.flatnonzero(keep))


def recognise(source: Any, target: str | None = None) -> str | None:
    """Why a source looks like labelled texts, or None."""
    from deepfit.data.conventions import convention

    if _is_pair_of_texts(source):
        return "it is a pair of texts and labels"
    found = convention(source, target)
    return found[1] if found and found[0] == "texts" else None


def in_memory(source: Any) -> list[str | None] | None:
    """Texts from a list, an array or a column of them; None where a source holds something else."""
    if isinstance(source, str | bytes | os.PathLike | dict) or hasattr(source, "columns"):
        return None
    values = source.tolist() if hasattr(source, "tolist") else source
    values = source.to_list() if hasattr(source, "to_list") else values
    if not isinstance(values, list | tuple) or not values:
        return None
    if not all(value is None or isinstance(value, str) for value in values):
        return None
    return list(values)


def _is_pair_of_texts(source: Any) -> bool:
    return (
        isinstance(source, tuple)
        and len(source) == 2
        and not isinstance(source[0], str)
        and in_memory(source[0]) is not None
        and np.ndim(source[1]) >= 1
    )


def _table(
    source: Any, names: list[str], target: str | None, *, training: bool
) -> tuple[Table, np.ndarray | None, list[Concern], str | None]:
    """The table of any source, the parts that its folders name, notes, and the name of the target."""
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if path.is_dir():
            found = read_folder(path, names[0], target or "label", require_labels=training)
            return (
                Table(found.frame, path.name or str(path), unit=FILE),
                found.parts,
                list(found.notes),
                target,
            )
        if is_text_file(source):
            if training:
                raise DataError(
                    f"{path.name} is one text, and training needs many with a label each: a table with a"
                    " column of texts, or a folder with a folder of .txt files a class."
                )
            frame = pl.DataFrame({FILE: [path.name], names[0]: [read_text(path)]})
            return Table(frame, path.name, unit=FILE), None, [], target
        if not is_table(source) and not path.exists() and _reads_like_a_text(str(source)):
            raise DataError(
                f"There is no file '{str(source)[:EXAMPLE_LETTERS]}'. If it is meant as a text, pass it in a"
                " list: [text]."
            )
    if _is_pair_of_texts(source):
        texts, labels = source  # pyright: ignore[reportGeneralTypeIssues]  (a pair)
        frame, _, _ = frame_of({names[0]: in_memory(texts), PAIR_TARGET: _listed(labels)})
        return Table(frame, "the pair (texts, labels)"), None, [], PAIR_TARGET
    if (texts := in_memory(source)) is not None:
        if training:
            raise DataError(
                f"a list of {len(texts):,} texts has no labels. Pass a pair (texts, labels), or a frame with"
                f" the columns '{names[0]}' and '{target}'."
            )
        return (
            Table(pl.DataFrame({names[0]: texts}, schema={names[0]: pl.String}), "the list"),
            None,
            [],
            target,
        )
    table = read_table(source, kinds=dict.fromkeys(names, "text"), lenient=True)
    if is_pair(source):
        target = PAIR_TARGET
    return table, None, list(table.notes), target


def _listed(labels: Any) -> list[Any]:
    return labels.tolist() if hasattr(labels, "tolist") else list(labels)


def _reads_like_a_text(source: str) -> bool:
    return " " in source.strip() or "\n" in source or not Path(source[:200]).suffix


def _with_texts(table: Table, name: str) -> Table:
    """The table with this column as texts, null where there is nothing but white space."""
    if name not in table.frame.columns:
        raise DataError(
            f"{table.name}: there is no column '{name}' of texts. {suggest(name, table.frame.columns)} Name"
            " it with --text COLUMN."
        )
    column = table.frame[name]
    if column.dtype.is_nested() or (column.dtype.is_numeric() or column.dtype.is_temporal()):
        place = column.is_not_null().arg_max() or 0
        raise DataError(
            f"{table.name}, {_called(table, place)}, column '{name}': expected a text, received"
            f" {column[place]!r} ({column.dtype}). Name the column of texts with --text COLUMN."
        )
    words = column.cast(pl.String)
    blank = words.str.strip_chars() == ""
    words = pl.select(pl.when(~blank).then(words)).to_series().alias(name)
    return _replaced(table, words)


def _with_labels(table: Table, target: str, goal: Goal, separator: str) -> tuple[Table, np.ndarray]:
    """The table with its target typed, and the target of every row; rows without one hold anything."""
    if goal != "labels":
        given = table.frame.get_column(target, default=None)
        if goal == "class" and given is not None and given.dtype.is_nested():
            raise DataError(
                f"{table.name}: the target '{target}' holds lists, several labels a row. Say"
                " --several-labels, or name a column with one class a row."
            )
        values = target_as_read(table, target, "classification" if goal == "class" else "grouping")
        if values.dtype == pl.String or isinstance(values.dtype, pl.Enum):
            return _replaced(table, values), np.array(values.cast(pl.String).fill_null("").to_list(), np.str_)
        return _replaced(table, values), values.fill_null(values.drop_nulls()[0]).to_numpy()
    if target not in table.frame.columns:
        raise DataError(
            f"{table.name}: there is no column '{target}' to predict. {suggest(target, table.frame.columns)}"
        )
    values = table.frame[target]
    labels = np.empty(len(values), object)
    lists = isinstance(values.dtype, pl.List | pl.Array)
    if values.dtype.is_nested() and not lists:
        raise DataError(
            f"{table.name}: the target '{target}' holds {values.dtype} values. Write lists of labels."
        )
    for place, value in enumerate(values.to_list()):
        given = [] if value is None else value if lists else str(value).split(separator)
        labels[place] = tuple(sorted({str(each).strip() for each in given if str(each or "").strip()}))
    if not lists:  # an empty cell of text says that none of the labels holds
        table = _replaced(table, values.cast(pl.String).fill_null(""))
    return table, labels


def _replaced(table: Table, column: pl.Series) -> Table:
    from dataclasses import replace

    return replace(table, frame=table.frame.with_columns(column))


def _called(table: Table, position: int) -> str:
    return str(table.frame[FILE][position]) if table.unit == FILE else table.where(position)
