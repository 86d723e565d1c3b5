"""The column to predict: whether it can be learned as the goal wants it, and which goal fits it."""

from __future__ import annotations

from typing import Any, Literal

import polars as pl

from deepfit.data.cells import MARKERS
from deepfit.data.conventions import convention
from deepfit.data.frames import PAIR_TARGET, is_pair
from deepfit.data.tables import Table, is_table, read_table
from deepfit.errors import DataError, suggest

Goal = Literal["classification", "regression", "grouping"]
"""What a target is for: grouping only compares it with groups that are found without it."""

MOST_CLASSES = 200
FEW = 20
"""Whole numbers with more different values than this are amounts, with fewer they may be classes."""


def target_as_read(table: Table, target: str, goal: Goal | None) -> pl.Series:
    """The target typed for its goal, null where it is missing.

    DataError where it cannot be learned at all.
    """
    if target not in table.frame.columns:
        raise DataError(
            f"{table.name}: there is no column '{target}' to predict. {suggest(target, table.frame.columns)}"
        )
    column = table.frame[target]
    if column.null_count() == len(column):
        raise DataError(
            f"{table.name}: the target '{target}' is missing in every row (all {len(column):,}). Fill it in, "
            "or name another --target."
        )
    if column.dtype.is_nested():
        raise DataError(
            f"{table.name}: the target '{target}' holds {column.dtype} values. Name a column of numbers or "
            "words."
        )
    if goal == "regression":
        _check_numbers(table, column)
    check_infinite(table, column)
    values = typed_target(column, goal) if goal is not None else column
    if goal == "classification" and values.dtype.is_numeric():
        distinct = values.n_unique()
        if distinct > MOST_CLASSES or values.dtype.is_float():
            raise DataError(
                f"{table.name}: the target '{target}' is a number with {distinct:,} different values, "
                "received as classes "
                f"(whole, at most {MOST_CLASSES}). Use --task tabular-regression to predict an amount, or "
                "write the classes as words."
            )
    return values


def typed_target(column: pl.Series, goal: Goal | None) -> pl.Series:
    """Numbers (regression; null for a word), or whole numbers, yes and no, or words (classification)."""
    if goal == "regression":
        if column.dtype.is_numeric():
            return column
        return _as_numbers(column)
    if (
        column.dtype.is_float()
        and column.drop_nulls().is_finite().all()
        and (column.drop_nulls() == column.drop_nulls().round()).all()
    ):
        return column.cast(pl.Int64)
    if column.dtype.is_integer():
        return column.cast(pl.Int64)
    if column.dtype.is_temporal():
        return column.cast(pl.String)
    return column


def check_infinite(table: Table, column: pl.Series) -> None:
    """DataError naming the first row whose number is infinite."""
    if column.dtype.is_float() and column.is_infinite().any():
        place = column.is_infinite().arg_max() or 0
        raise DataError(
            f"{table.name}, {table.where(place)}, column '{column.name}': received an infinite number "
            f"({column[place]}), and "
            "nothing can be learned from it. Write the largest sensible number, or leave the cell empty."
        )


def _check_numbers(table: Table, column: pl.Series) -> None:
    """DataError where a target of words is asked for as an amount."""
    if column.dtype.is_numeric():
        return
    numbers = _as_numbers(column)
    words = numbers.is_null() & column.is_not_null()
    if column.dtype == pl.Boolean or words.any():
        place = words.arg_max() or 0
        raise DataError(
            f"{table.name}, {table.where(place)}, column '{column.name}': expected a number to predict, "
            f"received '{column[place]}'. "
            f"{int(words.sum()):,} of {len(column):,} rows hold words. Use --task tabular-classification to "
            "predict which of these it is, "
            "or correct the cells."
        )


def _as_numbers(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Boolean or column.dtype.is_temporal():
        return pl.Series(column.name, [None] * len(column), dtype=pl.Float64)
    texts = column.cast(pl.String)
    texts = pl.select(pl.when(~texts.is_in(list(MARKERS))).then(texts)).to_series()
    return texts.cast(pl.Float64, strict=False).fill_nan(None).alias(column.name)


def guess_goal(source: Any, target: str | None) -> tuple[Goal, str] | None:
    """The goal that suits a source's target, and why, from the source's first rows.

    The reason is such as "'price' is a number with 987 different values". None where the source is no table,
    or no target is named. DataError for a table that cannot be read or lacks the target.
    """
    if target is None and is_pair(source):
        target = PAIR_TARGET
    if target is None or not is_table(source):
        return None
    table = read_table(source, head=True, lenient=True)
    if target not in table.frame.columns:
        raise DataError(
            f"{table.name}: there is no column '{target}' to predict. {suggest(target, table.frame.columns)}"
        )
    values = table.frame[target].drop_nulls()
    distinct = values.n_unique()
    if not values.dtype.is_numeric():
        what = "yes or no" if values.dtype == pl.Boolean else f"words, {distinct:,} different"
        return "classification", f"'{target}' holds {what}"
    numbers = values.cast(pl.Float64)
    whole = bool((numbers == numbers.round()).all())
    if whole and distinct <= FEW and distinct < max(3, len(values) / 5):
        return "classification", f"'{target}' is a whole number with only {distinct:,} different values"
    return "regression", f"'{target}' is a number with {distinct:,} different values"


def reason(source: Any, target: str | None, goal: Goal) -> str | None:
    """Why a goal suits a source's target, or None where another goal or no goal does.

    A source that follows the conventions of texts, series and the like is no ordinary table.
    """
    if convention(source, target):
        return None
    guessed = guess_goal(source, target)
    return guessed[1] if guessed and guessed[0] == goal else None
