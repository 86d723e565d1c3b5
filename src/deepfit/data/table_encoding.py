"""Columns of a table as two arrays for a network: numbers (float32) and categories (int32).

number: z = (x - median) * scale, then z / sqrt(1 + (z / 3)^2), which bends outliers towards 3; scale = 1 /
IQR, or 2 / range where the IQR is 0, or 0 for a constant. Source: RealMLP, Holzmueller et al. 2024, arXiv
2407.04491, section 3. A missing number is 0, and a column that had missing values in training gets a second
one, 1.0 where the value is missing. datetime: the time in years like a number, then sine and cosine of month,
day of the month, weekday and (where training has times of day) hour; steps that never change in training are
left out. category: 0 = not seen in training, or in too few rows to learn from; 1..K by falling frequency,
missing being a value of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from deepfit.contract import Facts
from deepfit.data.columns import as_words
from deepfit.data.table_rows import TableRows, check_columns

MOST_CATEGORIES = 4096
"""The most frequent values of a column that get a code of their own."""

FEWEST_ROWS = 3
"""A value in fewer rows shares code 0 with the values that training never sees, so that code is learned
too (tables below 100 * FEWEST_ROWS rows ask for proportionally fewer)."""

QUANTILES = np.linspace(0, 1, 51)
"""The ends and 49 inner quantiles, as edges of piecewise linear embeddings (arXiv 2203.05556)."""

LARGEST = 1e100
"""Beyond this a square would overflow."""

CHUNK_VALUES = 1 << 21
"""Values encoded at a time: small enough for the caches, large enough to hide what a call costs."""

YEAR_US = 365.2425 * 86_400e6
PERIODS: Mapping[str, tuple[Callable[[pl.Series], pl.Series], int, int]] = {
    "month": (lambda time: time.dt.month(), 1, 12),
    "day": (lambda time: time.dt.day(), 1, 31),
    "weekday": (lambda time: time.dt.weekday(), 1, 7),
    "hour": (lambda time: time.dt.hour().cast(pl.Float64) + time.dt.minute() / 60.0, 0, 24),
}
"""Calendar feature -> its value, the value at angle 0, and its period."""


def learn_columns(rows: TableRows) -> dict[str, Any]:
    """What encoding needs to know, from training rows only; plain JSON.

    "columns": one record an input: name, kind, what it was fitted to, and "numbers" / "category": its places
    in the arrays. "unused": column -> why it is no input. "num_numbers", "number_names": the float array's
    columns; "edges": for each of them the bin edges of a piecewise linear embedding, ascending, at least two.
    "category_sizes": for each code column, codes there are (K + 1).
    """
    records: list[dict[str, Any]] = []
    names: list[str] = []
    edges: list[list[float]] = []
    sizes: list[int] = []
    for name, kind in rows.kinds.items():
        if name not in rows.inputs():
            continue
        values = rows.series(name)
        if kind.kind == "category":
            record = _learn_category(values, boolean=rows.table.frame[name].dtype == pl.Boolean)
            record["category"] = len(sizes)
            sizes.append(len(record["values"]) + 1)
        else:
            record, new_names, new_edges = (
                _learn_datetime(values) if kind.kind == "datetime" else _learn_number(values)
            )
            record["numbers"] = list(range(len(names), len(names) + len(new_names)))
            names += new_names
            edges += new_edges
        records.append(
            {"name": name, "kind": kind.kind, **({"form": kind.form} if kind.form else {}), **record}
        )
    return {
        "columns": records,
        "unused": {
            name: f"{kind.kind}: {kind.reason}"
            for name, kind in rows.kinds.items()
            if name not in rows.inputs()
        },
        "num_numbers": len(names),
        "number_names": names,
        "edges": edges,
        "category_sizes": sizes,
    }


def encode_columns(rows: TableRows, facts: Facts) -> dict[str, np.ndarray]:
    """{"numbers": float32 [rows, num_numbers], "categories": int32 [rows, columns of category]}.

    Columns that training did not have are ignored; DataError where one is missing. A value's code does not
    depend on the other rows.
    """
    columns = facts["columns"]
    check_columns(rows.table, {column["name"]: column for column in columns})
    numbers = np.zeros((len(rows), facts["num_numbers"]), np.float32)
    categories = np.zeros((len(rows), len(facts["category_sizes"])), np.int32)
    names = [column["name"] for column in columns]
    lookups = [
        _lookup(column, rows.frame[column["name"]].dtype) if column["kind"] == "category" else None
        for column in columns
    ]
    step = max(1024, CHUNK_VALUES // max(1, len(names)))
    for start in range(0, len(rows), step):
        stop = min(start + step, len(rows))
        chunk = rows.slice(names, start, stop)
        for column, values, lookup in zip(columns, chunk, lookups, strict=True):
            if lookup is not None:
                categories[start:stop, column["category"]] = lookup(values)
            elif column["kind"] == "datetime":
                _encode_datetime(values, column, numbers[start:stop])
            else:
                _encode_number(values.cast(pl.Float64).to_numpy(), column, numbers[start:stop])
    return {"numbers": numbers, "categories": categories}


def clip_smoothly(z: np.ndarray) -> np.ndarray:
    """Bend an array towards 3: z / sqrt(1 + (z / 3)^2), nearly z around 0. arXiv 2407.04491, section 3."""
    bend = np.clip(z, -LARGEST, LARGEST)
    top = bend.copy()
    bend *= bend
    bend *= 1 / 9
    bend += 1.0
    np.sqrt(bend, out=bend)
    top /= bend
    return top


def robust_scale(values: np.ndarray) -> tuple[float, float]:
    """(median, factor) of values that are sorted and not missing.

    1 / IQR, or 2 / range, or 0 where all are the same.
    """
    if len(values) == 0:
        return 0.0, 0.0
    low, middle, high = _quantiles(values, np.array([0.25, 0.5, 0.75]))
    spread = float(high - low) or float(np.float64(values[-1]) - values[0]) / 2
    factor = 1.0 / spread if spread > 0 else 0.0
    return float(middle), factor if np.isfinite(factor) else 0.0


def _quantiles(ascending: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Linear interpolation between the two nearest order statistics, as NumPy's default, in float64."""
    place = at * (len(ascending) - 1)
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, len(ascending) - 1)
    low, high = ascending[below].astype(np.float64), ascending[above].astype(np.float64)
    return low + (high - low) * (place - below)


def _learn_number(values: pl.Series) -> tuple[dict[str, Any], list[str], list[list[float]]]:
    present = values.drop_nulls() if values.null_count() else values
    ascending = np.sort(present.to_numpy())
    median, factor = robust_scale(ascending)
    record = {"median": median, "factor": factor, "missing": values.null_count() > 0}
    quantiles = _quantiles(ascending, QUANTILES) if len(ascending) else np.zeros(1)
    edges = [_edges(clip_smoothly((quantiles - median) * factor))]
    names = [values.name]
    if record["missing"]:
        names.append(f"{values.name} is missing")
        edges.append([0.0, 1.0])
    return record, names, edges


def _edges(scaled: np.ndarray) -> list[float]:
    found = np.unique(scaled.astype(np.float32)).tolist()
    return found if len(found) > 1 else [found[0], found[0] + 1.0]


def _encode_number(values: np.ndarray, column: Mapping[str, Any], out: np.ndarray) -> None:
    with np.errstate(over="ignore"):
        scaled = values - column["median"]
        scaled *= column["factor"]
    scaled = clip_smoothly(scaled)
    absent = np.isnan(scaled)
    scaled[absent] = 0.0
    out[:, column["numbers"][0]] = scaled
    if column["missing"]:
        out[:, column["numbers"][-1]] = absent


def _years(times: pl.Series) -> np.ndarray:
    """Years since 1970, NaN where missing."""
    return times.cast(pl.Int64).cast(pl.Float64).to_numpy() / YEAR_US


def _learn_datetime(values: pl.Series) -> tuple[dict[str, Any], list[str], list[list[float]]]:
    record, names, edges = _learn_number(pl.Series(values.name, _years(values.drop_nulls())))
    record["missing"] = values.null_count() > 0
    present = values.drop_nulls()
    record["periods"] = [
        period for period, (value, _, _) in PERIODS.items() if len(present) and value(present).n_unique() > 1
    ]
    for period in record["periods"]:
        names += [f"{values.name} {period} sine", f"{values.name} {period} cosine"]
        edges += [np.linspace(-1, 1, 9).tolist()] * 2
    if record["missing"]:
        names.append(f"{values.name} is missing")
        edges.append([0.0, 1.0])
    return record, names, edges


def _encode_datetime(values: pl.Series, column: Mapping[str, Any], out: np.ndarray) -> None:
    _encode_number(_years(values), column, out)
    for place, period in enumerate(column["periods"]):
        value, origin, length = PERIODS[period]
        angle = (value(values).cast(pl.Float64).to_numpy() - origin) * (2 * np.pi / length)
        slot = column["numbers"][1 + 2 * place]
        out[:, slot] = np.nan_to_num(np.sin(angle))
        out[:, slot + 1] = np.nan_to_num(np.cos(angle))


def _learn_category(values: pl.Series, *, boolean: bool) -> dict[str, Any]:
    fewest = max(1, min(FEWEST_ROWS, len(values) // 100))
    counted = as_words(values).alias("value").value_counts(name="rows")
    pairs = zip(counted["value"].cast(pl.String).to_list(), counted["rows"].to_list(), strict=True)
    kept = sorted((-rows, value is None, value or "") for value, rows in pairs if rows >= fewest)
    found = [None if absent else value for _, absent, value in kept[:MOST_CATEGORIES]]
    return {
        "values": found,
        "rows": [-rows for rows, _, _ in kept[:MOST_CATEGORIES]],
        **({"boolean": True} if boolean else {}),
    }


def _lookup(column: Mapping[str, Any], dtype: pl.DataType) -> Callable[[pl.Series], np.ndarray]:
    """The codes of a chunk's words; a table of codes where words are stored as numbers already."""
    code = {value: place for place, value in enumerate(column["values"], start=1)}
    missing = code.pop(None, 0)
    if isinstance(dtype, pl.Enum):
        table = np.array([*(code.get(word, 0) for word in dtype.categories), missing], np.int32)
        return lambda values: table[values.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()]
    words: Sequence[str] = list(code)
    codes = list(code.values())

    def look_up(values: pl.Series) -> np.ndarray:
        texts = as_words(values)
        if column.get("boolean"):
            texts = texts.str.to_lowercase()
        found = texts.replace_strict(words, codes, default=0, return_dtype=pl.Int32)
        return pl.select(pl.when(texts.is_null()).then(missing).otherwise(found)).to_series().to_numpy()

    return look_up
