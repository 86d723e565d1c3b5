"""CSV and JSON files as frames: typed columns, and errors that name the row, the column and the value."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

import polars as pl

from deepfit.data import csv_blocks
from deepfit.data.cells import MARKERS, Column, TextAfterAll
from deepfit.data.csv_blocks import Header
from deepfit.data.files import open_text
from deepfit.data.frames import from_records
from deepfit.errors import DataError

LARGE_BYTES = 256 << 20
"""Beyond this many bytes of text, columns are kept in their smallest types."""

HEAD_BYTES = 1 << 20
"""The first block: enough to guess a column's type, which the parser then tries on the blocks that follow."""

AS_TEXT = ("category", "text")


@dataclass(frozen=True)
class Reading:
    """How a table is read.

    missing: words that mean a missing value in every column. kinds: what the user or a trained model says of
    columns; number makes every word a mistake, category and text keep numbers as they are written. head: the
    first rows are enough. lenient: a word among numbers is a mistake only where kinds says number, for tables
    whose other columns do not matter.
    """

    missing: Sequence[str] = ()
    kinds: Mapping[str, str] = field(default_factory=dict)
    head: bool = False
    lenient: bool = False


class CsvTable(NamedTuple):
    """A CSV file as read; blank: the file's rows that were skipped, commas.

    The columns that had decimal commas.
    """

    frame: pl.DataFrame
    header: Header
    blank: Sequence[int]
    commas: Sequence[str]


def read_csv(path: Path, compression: str, reading: Reading, *, delimiter: str | None = None) -> CsvTable:
    """A CSV file with typed columns; DataError for everything that cannot be read, naming the row."""
    texts: set[str] = set()
    while True:
        try:
            with open_text(path, compression) as file:
                return _read_once(file, path.name, reading, delimiter, texts)
        except TextAfterAll as late:
            texts.add(late.name)


def _read_once(
    file: BinaryIO, source: str, reading: Reading, delimiter: str | None, texts: set[str]
) -> CsvTable:
    first = file.read(HEAD_BYTES)
    while b"\n" not in first and (more := file.read(HEAD_BYTES)):
        first += more
    header, start = csv_blocks.header_and_rest(first, source, delimiter)
    columns = [
        Column(
            name,
            reading.missing,
            as_text=reading.kinds.get(name) in AS_TEXT or name in texts,
            as_number=reading.kinds.get(name) == "number",
            lenient=reading.lenient,
            decimal_comma=header.delimiter != ",",
        )
        for name in header.names
    ]
    blank = _fill(columns, csv_blocks.blocks(file, start, once=reading.head), header, source)
    if not columns[0].rows:
        raise DataError(
            f"{source}: there is a header ({_shown(header.names)}) and no row of values below it. Add rows."
        )
    for column in columns:
        if column.first_stray is not None:
            place, value = column.first_stray
            raise stray_word(source, f"row {file_row(place, header.rows + 1, blank)}", column, value)
    commas = [column.name for column in columns if column.commas]
    return CsvTable(pl.DataFrame([column.finish() for column in columns]), header, blank, commas)


def _fill(columns: list[Column], pieces: Iterator[bytes], header: Header, source: str) -> tuple[int, ...]:
    """The cells of all blocks into their columns; the rows of the file that were blank."""
    row, size, blank, shrinks = header.rows + 1, 0, [], False
    for block in pieces:
        frame, skipped = _parse(block, header, columns, row, source)
        row += frame.height + len(skipped)
        size += len(block)
        blank.extend(skipped)
        for column in columns:
            column.add(frame.drop_in_place(column.name))
            if size > LARGE_BYTES:
                column.shrink(every=not shrinks)
        shrinks = size > LARGE_BYTES
    return tuple(blank)


def _parse(
    block: bytes, header: Header, columns: list[Column], row: int, name: str
) -> tuple[pl.DataFrame, Sequence[int]]:
    types = {column.name: column.storage() for column in columns}
    words = any(dtype == pl.String for dtype in types.values())
    if any(dtype != pl.String for dtype in types.values()):
        frame = csv_blocks.parse_typed(
            block, header, types, () if words else [each for each in MARKERS if each]
        )
        if frame is not None:
            return frame, ()
    return csv_blocks.parse_texts(block, header, row, name)


def file_row(position: int, first: int, blank: Sequence[int]) -> int:
    """The file's number of the row at a position of the frame.

    `first` for position 0, blank lines counted.
    """
    row = first + position
    for each in blank:
        if each <= row:
            row += 1
    return row


def stray_word(name: str, where: str, column: Column, value: str) -> DataError:
    """The error for a word in a column of numbers."""
    others = (
        "" if column.strays <= 1 else f" {column.strays:,} of its {column.filled:,} values are no numbers."
    )
    return not_a_number(name, where, column.name, value, others)


def not_a_number(name: str, where: str, column: str, value: str, others: str = "") -> DataError:
    """The error for a value that is no number where one is expected.

    In every reader's and encoder's words.
    """
    return DataError(
        f"{name}, {where}, column '{column}': expected a number, received '{value}'.{others}\n"
        f'  Write it as an empty cell to mean "missing", or pass --missing "{value}", or --kinds '
        f"{column}=category if these are names."
    )


def read_json_lines(path: Path, compression: str) -> pl.DataFrame:
    """JSON Lines: an object a line, keys are columns; DataError naming the line that is none."""
    with open_text(path, compression) as file:
        content = file.read()
    csv_blocks.check_utf8(content, path.name, 1)
    content = content.removeprefix(b"\xef\xbb\xbf")
    if not content.strip():
        raise DataError(f"{path.name}: the file holds no JSON object. A table needs one object a line.")
    try:
        return pl.read_ndjson(content, infer_schema_length=None)
    except pl.exceptions.PolarsError:
        return from_records(
            [
                _object(line, path.name, number)
                for number, line in enumerate(content.splitlines(), start=1)
                if line.strip()
            ]
        )


def read_json(path: Path, compression: str) -> pl.DataFrame:
    """A JSON array of objects, an object of arrays, or JSON Lines in a .json file.

    DataError naming the line where it breaks.
    """
    with open_text(path, compression) as file:
        content = file.read()
    csv_blocks.check_utf8(content, path.name, 1)
    try:
        value = json.loads(content.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return read_json_lines(path, compression)
        raise DataError(
            f"{path.name}, line {error.lineno}: this is not JSON: {error.msg} (column {error.colno}). "
            "Correct the file."
        ) from None
    if isinstance(value, dict) and value and all(isinstance(each, list) for each in value.values()):
        lengths = {key: len(each) for key, each in value.items()}
        if len(set(lengths.values())) > 1:
            raise DataError(
                f"{path.name}: the columns differ in length, received {lengths}. Each needs one value a row."
            )
        return pl.DataFrame(value, strict=False)
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list) or not value or not all(isinstance(each, dict) for each in value):
        raise DataError(
            f'{path.name}: expected an array of objects, such as [{{"rooms": 3, "price": 120}}], received '
            f"{str(value)[:40]!r}."
        )
    return from_records(value)


def _object(line: bytes, name: str, number: int) -> dict:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{name}, line {number}: this is not JSON: {error.msg}, received '{line.decode()[:40]}'. Correct "
            "the line."
        ) from None
    if not isinstance(value, dict):
        raise DataError(
            f'{name}, line {number}: expected an object such as {{"rooms": 3}}, received '
            f"'{line.decode()[:40]}'."
        )
    return value


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
