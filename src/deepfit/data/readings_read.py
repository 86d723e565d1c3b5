"""Reading sensor data: which columns say the series, the time, the label and the values; their order."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from deepfit.contract import Concern, Facts
from deepfit.data.anomalies import anomalous, settle_anomaly
from deepfit.data.columns import Kind, as_kind, infer_kinds
from deepfit.data.readings import UNKNOWN, Readings, ReadingsTable, usual_names
from deepfit.data.table_rows import check_columns
from deepfit.data.tables import Table, read_table
from deepfit.data.targets import check_infinite
from deepfit.errors import DataError, OptionError, suggest

SERIES_NAMES = ("unique_id", "series")
TIME_NAMES = ("ds", "timestamp")
GAP_STEPS = 3.0
"""A longer pause, in usual steps, begins a new stretch."""


def read_readings(
    source: Any,
    *,
    series: str | None,
    time: str | None,
    values: str,
    target: str | None,
    anomaly: str | None,
    missing: str,
    split: str,
    width: int,
    facts: Facts | None = None,
) -> Readings:
    """The readings of a source, checked; DataError before any training. Names are as the options give them.

    facts: of the training readings, at predict: the same columns are read, and the label may be missing.
    """
    words = [word.strip() for word in missing.split(",") if word.strip()]
    given = {name: "number" for name in facts["values"]} if facts else {}
    table = read_table(source, missing=words, kinds=given, lenient=facts is not None)
    columns = table.frame.columns
    if facts is not None:
        series, time = facts["series"], facts["time"]
        check_columns(table, dict.fromkeys([name for name in (series, time, *facts["values"]) if name]))
    else:
        for option, name in (("series", series), ("time", time), ("target", target)):
            if name is not None and name not in columns:
                raise DataError(
                    f"{table.name}: there is no column '{name}' (--{option}). {suggest(name, columns)}"
                )
        series = series or usual_names(columns, [n for n in SERIES_NAMES if n not in (target, time)])
        time = time or usual_names(columns, [n for n in TIME_NAMES if n not in (target, series)])
    kinds = infer_kinds(table, given, but=None)
    codes = _series_codes(table, series)
    order = np.argsort(codes, kind="stable")
    notes = list(table.notes)
    begins = np.concatenate([[True], np.diff(codes[order]) != 0])
    if time is not None:
        order, begins, found = _by_time(table, kinds, time, series, codes)
        notes += found
    roles = {series: "names the series", time: "orders the readings", target: "says which are anomalies"}
    for name in (name for name in roles if name in kinds):
        kinds[str(name)] = Kind("ignore", roles[name])
    how, _, part = split.partition(":")
    if how in ("group", "column") and part in kinds and not facts:
        kinds[part] = Kind("ignore", "says how to split")
    names = list(facts["values"]) if facts else _value_columns(table, kinds, values, order, begins)
    matrix = np.stack([_numbers(table, kinds[name], name)[order] for name in names], axis=1)
    labels, meaning = _labels(table, target, anomaly, facts)
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    firsts = np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0))
    return Readings(
        ReadingsTable(
            table, kinds, names, series, time, target, meaning, order, places, codes[order], firsts, matrix,
            None if labels is None else labels[order], width, notes,
        )
    )  # fmt: skip


def _series_codes(table: Table, series: str | None) -> np.ndarray:
    """int64 [rows]: the series of each row, numbered as they first appear."""
    if series is None:
        return np.zeros(len(table.frame), np.int64)
    names = table.frame[series]
    if names.null_count():
        place = names.is_null().arg_max() or 0
        raise DataError(
            f"{table.name}, {table.where(place)}, column '{series}': the name of the series is missing. Fill "
            "it in, or delete the row."
        )
    _, first, codes = np.unique(names.cast(pl.String).to_numpy(), return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[codes]


def _by_time(
    table: Table, kinds: dict[str, Kind], time: str, series: str | None, codes: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[Concern]]:
    """Rows in the order of series and time, where a stretch begins, and what there is to say of gaps."""
    column = table.frame[time]
    if not column.dtype.is_numeric():
        if kinds[time].kind != "datetime" and column.null_count() < len(column):
            place = column.is_not_null().arg_max() or 0
            raise DataError(
                f"{table.name}, {table.where(place)}, column '{time}': expected dates, or numbers that grow "
                f"with time, received '{column[place]}'. Write dates as YYYY-MM-DD or YYYY-MM-DD HH:MM:SS."
            )
        column = as_kind(table, column, kinds[time])
    if column.null_count():
        place = column.is_null().arg_max() or 0
        raise DataError(
            f"{table.name}, {table.where(place)}, column '{time}': the time is missing, so the reading has "
            "no place in its series. Fill it in, or delete the row."
        )
    stamps = (column.cast(pl.Int64) if column.dtype.is_temporal() else column).to_numpy().astype(np.float64)
    order = np.lexsort((stamps, codes))
    inside = np.diff(codes[order]) == 0
    steps = np.diff(stamps[order])
    twice = np.flatnonzero(inside & (steps == 0))
    if len(twice):
        one, other = sorted(int(order[twice[0] + shift]) for shift in (0, 1))
        of = f" of series '{table.frame[series][other]}'" if series else ""
        raise DataError(
            f"{table.name}, {table.where(other)}, column '{time}': the time {table.frame[time][other]}{of} "
            f"is there twice (also in {table.where(one)}; {len(twice):,} such readings). Delete one of them, "
            "or name the column that tells their series apart with --series."
        )
    begins = np.concatenate([[True], ~inside])
    if not inside.any():
        return order, begins, []
    usual = float(np.median(steps[inside]))
    gaps = inside & (steps > GAP_STEPS * usual)
    if not gaps.any():
        return order, begins, []
    begins[1:] |= gaps
    place = int(order[np.flatnonzero(gaps)[0] + 1])
    longest = steps[gaps].max() / usual
    return order, begins, [
        Concern(
            "gaps",
            time,
            f"{int(gaps.sum()):,} gap{'s' if gaps.sum() > 1 else ''} longer than {GAP_STEPS:g} usual steps "
            f"in column '{time}' (the first "
            f"before {table.where(place)}, the longest {longest:,.0f} steps): windows do not reach over "
            "them.",
        )
    ]  # fmt: skip


def _value_columns(
    table: Table, kinds: dict[str, Kind], named: str, order: np.ndarray, begins: np.ndarray
) -> list[str]:
    """The columns of values: those that are named, or all numbers that neither count nor stand still."""
    if named.strip():
        names = [word.strip() for word in named.split(",") if word.strip()]
        for name in names:
            if name not in table.frame.columns:
                raise OptionError(
                    f"--values: {table.name} has no column '{name}'. {suggest(name, table.frame.columns)}"
                )
            kinds[name] = Kind("number", "named by --values")
        for name in kinds:
            if name not in names and kinds[name].kind == "number":
                kinds[name] = Kind("ignore", "not among --values")
        return names
    inside = ~begins[1:]
    for name, kind in list(kinds.items()):
        if kind.kind not in ("number", "identifier") or not table.frame[name].dtype.is_numeric():
            continue
        steps = np.diff(table.frame[name].cast(pl.Float64).to_numpy()[order])[inside]
        if len(steps) < 3:
            continue
        if len(np.unique(steps[~np.isnan(steps)])) == 1 and steps[0] > 0:
            kinds[name] = Kind("ignore", "counts the readings (--values makes it a value)")
        elif (steps == 0).all():
            kinds[name] = Kind("ignore", "never changes within a series (--values makes it a value)")
    names = [name for name, kind in kinds.items() if kind.kind == "number"]
    if not names:
        reasons = "; ".join(f"'{name}' is {kind.kind} ({kind.reason})" for name, kind in kinds.items())
        raise DataError(
            f"{table.name}: no column of numbers is left to watch: {reasons}. Name columns with --values."
        )
    return names


def _numbers(table: Table, kind: Kind, name: str) -> np.ndarray:
    column = as_kind(table, table.frame[name], Kind("number", kind.reason))
    check_infinite(table, column)
    return column.cast(pl.Float64).to_numpy()


def _labels(
    table: Table, target: str | None, anomaly: str | None, facts: Facts | None
) -> tuple[np.ndarray | None, list[str]]:
    """(int8 [rows], 1 for an anomaly and -1 where it is missing, what means an anomaly)."""
    if target is None or target not in table.frame.columns:
        return None, list(facts["anomaly"]) if facts else []
    column = table.frame[target]
    present = column.is_not_null().to_numpy()
    if not present.any():
        raise DataError(f"{table.name}: no row has a value in column '{target}' (--target).")
    known = column.drop_nulls()
    values = known.to_numpy() if known.dtype != pl.String else known.to_numpy().astype(np.str_)
    meaning = facts["anomaly"] if facts else settle_anomaly(values, anomaly, name=table.name, target=target)
    labels = np.full(len(column), UNKNOWN, np.int8)
    labels[present] = anomalous(values, meaning)
    return labels, list(meaning)
