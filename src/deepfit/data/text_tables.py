"""CSV and JSON files as frames: typed columns, and errors that name the row, the column and the value."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from deepfit.data import csv_blocks
from deepfit.data.cells import MARKERS, Column, TextAfterAll, smallest
from deepfit.data.csv_blocks import Header
from deepfit.data.files import open_text
from deepfit.errors import DataError

LARGE_BYTES = 256 << 20
"""Beyond this many bytes of text, columns are kept in their smallest types."""

AS_TEXT = ("category", "text")


def read_csv(
    path: Path,
    compression: str,
    *,
    delimiter: str | None,
    missing: Sequence[str],
    kinds: Mapping[str, str],
    head: int | None = None,
) -> tuple[pl.DataFrame, Header, tuple[int, ...], list[str]]:
    """(frame, header, blank, commas).

    A CSV file, the file's rows that were blank, and the columns read with decimal commas.

    kinds: what the user says of columns; number makes every word a mistake, category and text keep numbers as
    they are written. head: read about so many bytes only. DataError for everything that cannot be read,
    naming the row.
    """
    texts: set[str] = set()
    while True:
        try:
            return _read_once(path, compression, delimiter, missing, kinds, texts, head)
        except TextAfterAll as late:
            texts.add(late.name)


def _read_once(
    path: Path,
    compression: str,
    delimiter: str | None,
    missing: Sequence[str],
    kinds: Mapping[str, str],
    texts: set[str],
    head: int | None,
) -> tuple[pl.DataFrame, Header, tuple[int, ...], list[str]]:
    with open_text(path, compression) as file:
        header, start = csv_blocks.header_and_rest(
            file.read(head or csv_blocks.BLOCK_BYTES), path.name, delimiter
        )
        if head is not None and len(start) > head // 2:
            start = start[: start.rfind(b"\n") + 1]
        columns = [
            Column(
                name,
                missing,
                as_text=kinds.get(name) in AS_TEXT or name in texts,
                as_number=kinds.get(name) == "number",
                decimal_comma=header.delimiter != ",",
            )
            for name in header.names
        ]
        row, size, blank = header.rows + 1, 0, []
        shrunk = False
        for block in csv_blocks.blocks(file, start) if head is None else [start] if start.strip() else []:
            frame, skipped = _parse(block, header, columns, row, path.name)
            row += frame.height + len(skipped)
            size += len(block)
            blank.extend(skipped)
            for column in columns:
                column.add(frame.drop_in_place(column.name))
                if size > LARGE_BYTES:
                    if not shrunk:
                        column.chunks[:-1] = [smallest(chunk) for chunk in column.chunks[:-1]]
                    column.shrink()
            shrunk = size > LARGE_BYTES
    if row - len(blank) == header.rows + 1:
        raise DataError(
            f"{path.name}: there is a header ({_shown(header.names)}) and no row of values below it. Add "
            "rows."
        )
    blank_rows = tuple(blank)
    for column in columns:
        if column.first_stray is not None:
            place, value = column.first_stray
            raise stray_word(path.name, f"row {file_row(place, header.rows + 1, blank_rows)}", column, value)
    commas = [column.name for column in columns if column.commas]
    return pl.DataFrame([column.finish() for column in columns]), header, blank_rows, commas


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
        return _records(
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
    return _records(value)


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


def _records(records: list[dict]) -> pl.DataFrame:
    names = list(dict.fromkeys(name for record in records for name in record))
    return pl.DataFrame(
        [pl.Series(name, [record.get(name) for record in records], strict=False) for name in names]
    )


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
