"""A table from whatever holds one: a file, a frame of any library, named arrays, a matrix.

Read with Polars, typed, tidied.

Files: CSV and TSV (delimiter found by itself), Parquet, Arrow IPC (Feather), JSON Lines, a JSON array; the
text ones also as .gz and .zst. In memory: pandas, Polars and whatever narwhals takes, a mapping of arrays, a
list of records, a NumPy matrix (columns x0, x1, ...).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from deepfit.contract import Concern
from deepfit.data import frames, text_tables
from deepfit.data.cells import smallest
from deepfit.data.files import check_table_file, table_format
from deepfit.data.text_tables import Reading
from deepfit.errors import DataError

BATCH_ROWS = 500_000
HEAD_ROWS = 10_000
EXACT = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32)
"""Whole numbers that int64 holds; wider ones become float64."""


@dataclass(frozen=True)
class Table:
    """A frame and what is needed to speak of it.

    name: for messages, `prices.csv`. first_row: the number of the row at position 0; blank: rows of the file
    that were skipped. unit: "row" or "line". matrix: the columns came without names, as numbers. notes: what
    reading has changed.
    """

    frame: pl.DataFrame
    name: str
    first_row: int = 0
    blank: Sequence[int] = ()
    unit: str = "row"
    matrix: bool = False
    notes: Sequence[Concern] = ()

    def where(self, position: int) -> str:
        """The row at a position as the user knows it: "row 812" counts the header of a file as row 1.

        Frames count from 0.
        """
        return f"{self.unit} {text_tables.file_row(int(position), self.first_row, self.blank)}"


def read_table(
    source: Any,
    *,
    missing: Sequence[str] = (),
    kinds: Mapping[str, str] | None = None,
    head: bool = False,
    lenient: bool = False,
) -> Table:
    """The table that a source holds; DataError where it holds none, naming file, row and column.

    missing: words that mean a missing value in every column, beside those that always do in columns of
    numbers (NA, NaN, n/a, null, None, ?, -) and the empty cell. kinds: column -> kind, as the user or a
    trained model says. head: the first rows are enough. lenient: only columns in kinds have to be right.
    """
    if isinstance(source, Table):
        return source
    if isinstance(source, str | os.PathLike):
        return _from_file(Path(source), Reading(missing, kinds or {}, head, lenient))
    frame, name, matrix = frames.frame_of(source)
    return Table(_tidy(frame, name, missing), name, matrix=matrix)


def _from_file(path: Path, reading: Reading) -> Table:
    path, form, compression = check_table_file(path)
    if form in ("csv", "tsv"):
        found = text_tables.read_csv(path, compression, reading, delimiter="\t" if form == "tsv" else None)
        notes = [
            Concern("header", name, f"column '{name}': spaces around its name in the header were left out.")
            for name in found.header.stripped
        ]
        notes += [
            Concern("decimal", name, f"column '{name}' was read with decimal commas.")
            for name in found.commas
        ]
        return Table(found.frame, path.name, found.header.rows + 1, found.blank, notes=notes)
    if form in ("parquet", "arrow"):
        return Table(_tidy(_columnar(path, form, reading.head), path.name, reading.missing), path.name, 1)
    read = text_tables.read_json if form == "json" else text_tables.read_json_lines
    unit = "line" if form == "jsonl" else "row"
    return Table(_tidy(read(path, compression), path.name, reading.missing), path.name, 1, unit=unit)


def _columnar(path: Path, form: str, head: bool) -> pl.DataFrame:
    """A Parquet or Arrow file; a large one in batches of rows, each in its smallest types."""
    try:
        lazy = pl.scan_parquet(path) if form == "parquet" else pl.scan_ipc(path)
        if head:
            return lazy.head(HEAD_ROWS).collect()
        rows = lazy.select(pl.len()).collect().item()
        if rows * len(lazy.collect_schema()) * 8 <= text_tables.LARGE_BYTES:
            return lazy.collect()
        batches = [
            pl.DataFrame([smallest(column) for column in lazy.slice(start, BATCH_ROWS).collect()])
            for start in range(0, rows, BATCH_ROWS)
        ]
        return pl.DataFrame(
            [_stacked([batch.drop_in_place(name) for batch in batches]) for name in batches[0].columns]
        )
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(
            f"{path.name}: the {form} file is damaged or is none ({str(error)[:120]}). Copy or make it again."
        ) from None


def _stacked(chunks: list[pl.Series]) -> pl.Series:
    from deepfit.data.cells import widest

    if chunks[0].dtype.is_numeric():
        dtype = widest([chunk.dtype for chunk in chunks])
        chunks = [chunk.cast(dtype) for chunk in chunks]
    elif len({str(chunk.dtype) for chunk in chunks}) > 1:
        chunks = [chunk.cast(pl.String) for chunk in chunks]
    return pl.concat(chunks, rechunk=True)


def _tidy(frame: pl.DataFrame, name: str, missing: Sequence[str]) -> pl.DataFrame:
    """Types as every reader gives them.

    Missing is null, words are stripped, decimals and times are numbers.
    """
    if frame.width == 0:
        raise DataError(f"{name}: there is no column. A table needs columns with names, and rows.")
    if frame.height == 0:
        raise DataError(f"{name}: there are columns ({', '.join(frame.columns[:6])}) and no row. Add rows.")
    stripped = [column.strip() for column in frame.columns]
    frames.check_names(stripped, name)
    return pl.DataFrame(
        [_tidy_column(column.alias(new), missing) for column, new in zip(frame, stripped, strict=True)]
    )


def _tidy_column(column: pl.Series, missing: Sequence[str]) -> pl.Series:
    dtype, label = column.dtype, column.name
    if dtype.is_float():
        column = column.fill_nan(None)
    elif dtype == pl.String:
        column = column.str.strip_chars()
    elif isinstance(dtype, pl.Decimal) or (dtype.is_integer() and dtype not in EXACT):
        column = column.cast(pl.Float64)
    elif dtype == pl.Duration:
        column = column.dt.total_microseconds() / 1e6
    elif dtype == pl.Time:
        column = column.cast(pl.Int64) / 1e9
    elif dtype == pl.Null:
        column = column.cast(pl.String)
    elif isinstance(dtype, pl.Categorical) and column.len():
        column = column.cast(
            pl.Enum(sorted(word for word in column.unique().cast(pl.String).to_list() if word is not None))
        )
    if column.dtype == pl.String or isinstance(column.dtype, pl.Enum):
        unwanted = ["", *missing]
        texts = column.cast(pl.String)
        if texts.is_in(unwanted).any():
            column = pl.select(pl.when(~texts.is_in(unwanted)).then(texts)).to_series()
    elif missing and column.dtype.is_numeric():
        numbers = [float(word) for word in missing if _is_number(word)]
        if numbers:
            column = pl.select(pl.when(~column.cast(pl.Float64).is_in(numbers)).then(column)).to_series()
    return column.alias(label)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def is_table(source: Any) -> bool:
    """Whether a source is a table's file, or a table in memory."""
    if isinstance(source, str | os.PathLike):
        return os.path.isfile(source) and table_format(source) is not None
    if (
        isinstance(source, Table)
        or frames.is_pair(source)
        or hasattr(source, "columns")
        or hasattr(source, "collect_schema")
    ):
        return True
    return bool(isinstance(source, dict) and source) or (
        isinstance(source, list) and bool(source) and isinstance(source[0], dict)
    )
