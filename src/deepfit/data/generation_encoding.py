"""Rows as cells, as the offsets and choices that a network makes, and made ones back as named columns.

Cells are one float64 matrix [rows, columns]: a number or date (microseconds) as it is, NaN where missing; a
category as the place of its word in `values` (a missing word has one of its own), -1 for a word that training
never had. Every column has one choice: which category, or which spike or mode of a number; numbers with modes
have an offset besides (`deepfit.data.modes`). The rarest words of a column share a choice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from deepfit.contract import Facts
from deepfit.data import modes
from deepfit.data.columns import as_words
from deepfit.data.generation_rows import GenerationRows, goal_of
from deepfit.data.generation_views import correlations, features
from deepfit.data.row_chance import uniform
from deepfit.data.table_rows import TableRows, check_columns
from deepfit.data.targets import FEW
from deepfit.errors import DataError

MOST_SHOWN = 64
"""Words of a column that have a choice of their own; the others share one."""
MOST_VALUES = 4096
EDGES = np.linspace(0, 1, 41)
MOST_CLASSES = 50
MOST_JUDGED = 3
JUDGED_ROWS = 20_000
ENCODING_SALT = 0xC0DE

UNITS_US = (86_400_000_000, 3_600_000_000, 60_000_000, 1_000_000, 1_000, 1)
"""A date is rounded to days, hours, minutes, ... as those of training are."""


def learn_generation(rows: GenerationRows, seed: int) -> dict[str, Any]:
    """What making rows needs to know, from training rows only; plain JSON.

    As `learn_cells`, and in each record: "size" (its choices), "shares" (of the rows that make each choice),
    "offset" (its place among the offsets, None without one), for numbers what `learn_modes` says, for
    categories "shown": how many words have a choice of their own, for numbers "levels" and "reach" (see
    `deepfit.data.modes.levels`). "sizes", "num_offsets": of all columns.
    """
    facts = learn_cells(rows)
    cells = cells_of(rows, facts)
    offsets = 0
    for place, record in enumerate(facts["columns"]):
        record["offset"] = None
        if record["kind"] == "category":
            words = len(record["values"])
            record["shown"] = words if words <= MOST_SHOWN + 1 else MOST_SHOWN
            record["size"] = record["shown"] + (words > record["shown"])
            continue
        record |= modes.learn_modes(cells[:, place], seed)
        record["size"] = modes.num_choices(record)
        if record["kind"] == "datetime":
            record["decimals"] = None
        if record["means"]:
            record["offset"], offsets = offsets, offsets + 1
    facts["num_offsets"] = offsets
    facts["sizes"] = [record["size"] for record in facts["columns"]]
    choices = encode_cells(cells, facts, np.full(cells.shape, 0.5))["choices"]
    for place, record in enumerate(facts["columns"]):
        counts = np.bincount(choices[:, place], minlength=record["size"])
        record["shares"] = (counts / counts.sum()).tolist()
        if record["kind"] != "category":
            record["levels"], record["reach"] = modes.levels(record, record["shares"])
    return facts


def learn_cells(rows: GenerationRows) -> dict[str, Any]:
    """What reading and comparing cells needs to know, from training rows only; plain JSON.

    "columns": one record a made column: name, kind, for numbers "edges" (quantiles), "missing_share" and
    "integer", for dates "unit_us", for categories "values" and "rows" by falling frequency. "unused": column
    -> why it is left out; "constants": column -> its one value; "order": the made columns and the constants.
    "judged": the columns that made rows shall help to predict, each with its place, goal and classes.
    "num_rows": of training.
    """
    table = rows.table
    records: list[dict[str, Any]] = []
    for name in table.inputs():
        values, kind = table.series(name), table.kinds[name]
        record: dict[str, Any] = {"name": name, "kind": kind.kind}
        if kind.form:
            record["form"] = kind.form
        dtype = table.table.frame[name].dtype
        if kind.kind == "category":
            record |= _learn_words(values, boolean=dtype == pl.Boolean)
        else:
            record |= _learn_numbers(values, kind.kind)
            record["integer"] = dtype.is_integer()
        records.append(record)
    constants = [name for name, kind in table.kinds.items() if kind.kind == "constant"]
    facts: dict[str, Any] = {
        "columns": records,
        "unused": {
            name: f"{kind.kind}: {kind.reason}"
            for name, kind in table.kinds.items()
            if name not in table.inputs() and name not in constants
        },
        "constants": {name: _constant(table, name) for name in constants},
        "order": [name for name in table.kinds if name in table.inputs() or name in constants],
        "goal": rows.goal,
        "num_rows": len(rows),
    }
    facts["judged"] = judged_columns(rows, facts)
    return facts


def judged_columns(rows: GenerationRows, facts: Facts) -> list[dict[str, Any]]:
    """The target; without one the MOST_JUDGED columns that hang together most with the others.

    DataError where the target has more classes than a model is asked to tell apart here.
    """
    names = [record["name"] for record in facts["columns"]]
    if rows.target_name is not None:
        found = _judged(rows, facts, names.index(rows.target_name), rows.goal)
        if len(found.get("classes", ())) > MOST_CLASSES:
            raise DataError(
                f"{rows.name}: the target '{rows.target_name}' has {len(found['classes']):,} classes, and "
                f"the models that judge made rows tell at most {MOST_CLASSES} apart. Name another --target, "
                "or leave it away."
            )
        return [found]
    sample = rows.take(np.arange(min(len(rows), JUDGED_ROWS)))
    shown, places = features(cells_of(sample, facts), facts)
    tied = np.abs(correlations(shown))
    tied[places[:, None] == places] = 0
    strength = [float(tied[places == place].max(initial=0)) for place in range(len(names))]
    order = np.argsort([-value for value in strength], kind="stable").tolist()
    goals = [goal_of(rows.series(name), rows.table.kinds[name].kind) for name in names]
    candidates = [_judged(rows, facts, place, goals[place]) for place in order]
    return [each for each in candidates if 2 <= len(each.get("classes", (0, 1))) <= FEW][:MOST_JUDGED]


def _judged(rows: GenerationRows, facts: Facts, place: int, goal: Any) -> dict[str, Any]:
    record = facts["columns"][place]
    if goal == "regression":
        return {"column": place, "goal": goal}
    if record["kind"] == "category":
        return {"column": place, "goal": goal, "classes": list(range(len(record["values"])))}
    values = rows.series(record["name"]).drop_nulls().cast(pl.Float64).unique().sort()
    return {"column": place, "goal": goal, "classes": values.to_list()}


def cells_of(rows: GenerationRows, facts: Facts) -> NDArray[np.float64]:
    """The cells of rows; DataError where a column is missing."""
    table = rows.table
    check_columns(table.table, {record["name"]: record for record in facts["columns"]})
    cells = np.empty((len(rows), len(facts["columns"])))
    for place, record in enumerate(facts["columns"]):
        values = table.series(record["name"])
        if record["kind"] == "category":
            cells[:, place] = _codes(values, record)
        else:
            cells[:, place] = _numbers(values, record["kind"])
    return cells


def encode_cells(
    cells: NDArray[np.float64], facts: Facts, chance: NDArray[np.float64]
) -> dict[str, NDArray[Any]]:
    """{"offsets": float32 [rows, offsets], "choices": int32 [rows, columns]} of cells.

    chance: [rows, columns], by which a number between two modes is given to one.
    """
    offsets = np.zeros((len(cells), facts["num_offsets"]), np.float32)
    choices = np.zeros(cells.shape, np.int32)
    for place, record in enumerate(facts["columns"]):
        if record["kind"] == "category":
            code = cells[:, place].astype(np.int32)
            rare = record["size"] - 1 if record["size"] > record["shown"] else 0
            choices[:, place] = np.where((code < 0) | (code >= record["shown"]), rare, code)
            continue
        found, choices[:, place] = modes.to_modes(cells[:, place], record, chance[:, place])
        if record["offset"] is not None:
            offsets[:, record["offset"]] = found
    return {"offsets": offsets, "choices": choices}


def decode_cells(batch: Mapping[str, Any], facts: Facts) -> NDArray[np.float64]:
    """Offsets, choices and a `chance` [rows] in (0, 1) for rare words -> cells."""
    choices, chance = np.asarray(batch["choices"]), np.asarray(batch["chance"], np.float64)
    cells = np.empty(choices.shape)
    for place, record in enumerate(facts["columns"]):
        choice = choices[:, place]
        if record["kind"] == "category":
            cells[:, place] = choice
            if record["size"] > record["shown"]:
                rare = choice == record["size"] - 1
                reached = np.cumsum(record["rows"][record["shown"] :])
                word = np.searchsorted(reached, chance[rare] * reached[-1], side="right")
                cells[rare, place] = record["shown"] + np.minimum(word, len(reached) - 1)
            continue
        offset = 0.0 if record["offset"] is None else batch["offsets"][:, record["offset"]]
        values = modes.from_modes(np.broadcast_to(offset, choice.shape), choice, record)
        if record["kind"] == "datetime":
            values = np.round(values / record["unit_us"]) * record["unit_us"]
        cells[:, place] = values
    return cells


def encode_rows(rows: GenerationRows, facts: Facts) -> dict[str, NDArray[Any]]:
    """What a network learns from and is scored by.

    Offsets and choices, the `cells` themselves, and `row` int64 [rows], a number of each row's own.
    """
    prints = rows.fingerprints()
    cells = cells_of(rows, facts)
    chance = uniform(prints, cells.shape[1], ENCODING_SALT)
    return {**encode_cells(cells, facts, chance), "cells": cells, "row": prints.view(np.int64)}


def named_columns(cells: NDArray[np.float64], facts: Facts) -> dict[str, NDArray[Any]]:
    """Cells as columns in the types of the data, constants among them, in the order of the data.

    int64 or float64 (NaN = missing; whole numbers with missing cells are objects, None there), datetime64[us]
    (NaT), bool, or words as objects (None).
    """
    made: dict[str, NDArray[Any]] = {}
    for place, record in enumerate(facts["columns"]):
        values = cells[:, place]
        if record["kind"] == "category":
            made[record["name"]] = _words(values, record)
        elif record["kind"] == "datetime":
            stamps = np.full(len(values), np.datetime64("NaT"), "datetime64[us]")
            there = ~np.isnan(values)
            stamps[there] = values[there].astype(np.int64).astype("datetime64[us]")
            made[record["name"]] = stamps
        elif not record["integer"]:
            made[record["name"]] = values.copy()
        elif np.isnan(values).any():
            whole: list[Any] = [None if value != value else int(value) for value in values.tolist()]
            made[record["name"]] = np.array(whole, object)
        else:
            made[record["name"]] = values.astype(np.int64)
    for name, value in facts["constants"].items():
        made[name] = np.array([value] * len(cells), object if value is None else None)
    return {name: made[name] for name in facts["order"]}


def json_rows(cells: NDArray[np.float64], facts: Facts) -> list[str]:
    """Each row as a JSON object: null where a cell is missing, dates as ISO texts."""
    columns = {}
    for name, values in named_columns(cells, facts).items():
        if values.dtype.kind == "M":
            texts = np.datetime_as_string(values, unit="s").tolist()
            columns[name] = [None if text == "NaT" else text for text in texts]
        else:
            columns[name] = [None if value != value else value for value in values.tolist()]
    rows = zip(*columns.values(), strict=True)
    return [json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) for row in rows]


def _learn_words(values: pl.Series, *, boolean: bool) -> dict[str, Any]:
    counted = as_words(values).alias("value").value_counts(name="rows")
    pairs = zip(counted["value"].cast(pl.String).to_list(), counted["rows"].to_list(), strict=True)
    kept = sorted((-rows, value is None, value or "") for value, rows in pairs)[:MOST_VALUES]
    return {
        "values": [None if absent else value for _, absent, value in kept],
        "rows": [-rows for rows, _, _ in kept],
        **({"boolean": True} if boolean else {}),
    }


def _learn_numbers(values: pl.Series, kind: str) -> dict[str, Any]:
    numbers = _numbers(values, kind)
    present = numbers[~np.isnan(numbers)]
    edges = np.quantile(present, EDGES) if len(present) else np.zeros(1)
    found = {"edges": np.unique(edges).tolist(), "missing_share": float(np.isnan(numbers).mean())}
    if kind == "datetime":
        found["unit_us"] = next(unit for unit in UNITS_US if unit == 1 or not np.any(present % unit))
    return found


def _numbers(values: pl.Series, kind: str) -> NDArray[np.float64]:
    if kind == "datetime":
        values = values.cast(pl.Int64)
    return values.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _codes(values: pl.Series, record: Mapping[str, Any]) -> NDArray[np.float64]:
    texts = as_words(values).cast(pl.String)
    if record.get("boolean"):
        texts = texts.str.to_lowercase()
    code = {value: place for place, value in enumerate(record["values"])}
    missing = code.pop(None, -1)
    found = texts.replace_strict(list(code), list(code.values()), default=-1, return_dtype=pl.Float64)
    return pl.select(pl.when(texts.is_null()).then(missing).otherwise(found)).to_series().to_numpy()


def _words(codes: NDArray[np.float64], record: Mapping[str, Any]) -> NDArray[Any]:
    values: list[Any] = list(record["values"])
    if record.get("boolean"):
        values = [None if value is None else value == "true" for value in values]
        kind = object if None in values else bool
        return np.array(values, kind)[codes.astype(np.int64)]
    return np.array(values, object)[codes.astype(np.int64)]


def _constant(table: TableRows, name: str) -> Any:
    value = table.table.frame[name][0]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
