"""A CSV file in blocks of whole rows.

The delimiter, the header, where a block may be cut, and which row is at fault.

A file is never in memory as a whole: blocks of some megabytes are cut at the end of a row (a line break
outside quotes), and each becomes a frame of texts or numbers. Rows are counted as a spreadsheet does: the
header is row 1, and blank lines count.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from io import StringIO
from typing import BinaryIO, NamedTuple

import numpy as np
import polars as pl

from deepfit.data.files import TO_UTF8
from deepfit.errors import DataError

BLOCK_BYTES = 32 << 20
LONGEST_QUOTE = 4 * BLOCK_BYTES
DELIMITERS = (",", ";", "\t", "|")
NEWLINE, QUOTE = 10, 34
Types = Mapping[str, pl.DataType | type[pl.DataType]]


class Header(NamedTuple):
    """names: as written, stripped. rows: rows of the file up to and with the header.

    Stripped: names that had spaces around.
    """

    names: list[str]
    delimiter: str
    rows: int
    stripped: list[str]


def header_and_rest(start: bytes, name: str, delimiter: str | None) -> tuple[Header, bytes]:
    """The header of a file from its first block, and the bytes of the block below it.

    DataError where it cannot be a header.
    """
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise DataError(
            f"{name}: the file is UTF-16, and tables are read as UTF-8. In a shell: iconv -f UTF-16 -t UTF-8 "
            "OLD > NEW"
        )
    start = start.removeprefix(b"\xef\xbb\xbf")
    if b"\0" in start[:4096]:
        raise DataError(
            f"{name}: the file holds zero bytes, so it is not text. Is it a {name.rpartition('.')[2]} file "
            "at all?"
        )
    if b"\n" not in start and b"\r" in start:
        raise DataError(
            f"{name}: the lines end in a bare carriage return (old Mac style). Save the file with ordinary "
            "line ends."
        )
    blank = len(start) - len(start.lstrip(b"\r\n"))
    rows, body = start[:blank].count(b"\n"), start[blank:]
    if not body.strip():
        raise DataError(
            f"{name}: the file holds nothing but blank lines. A table needs a row of column names and rows "
            "of values below it."
        )
    end = _end_of_first_row(body)
    check_utf8(body[:end], name, rows + 1)
    delimiter = delimiter or sniff(body[: 1 << 16].decode("utf-8", errors="replace"))
    written = next(csv.reader(StringIO(body[:end].decode("utf-8"), newline=""), delimiter=delimiter))
    names = [each.strip() for each in written]
    check_names(names, name)
    stripped = [new for old, new in zip(written, names, strict=True) if old != new]
    return Header(names, delimiter, rows + 1, stripped), body[end:]


def check_names(names: Sequence[str], name: str) -> None:
    """DataError where two columns share a name."""
    repeated = [each for each, count in Counter(names).items() if count > 1]
    if repeated:
        places = [str(place + 1) for place, each in enumerate(names) if each == repeated[0]]
        shown = f"'{repeated[0]}'" if repeated[0] else "the empty name"
        raise DataError(
            f"{name}, row 1: columns {' and '.join(places)} share a name, received {shown}. Rename one of "
            "them."
        )


def sniff(sample: str) -> str:
    """The delimiter (, ; tab |) that cuts the first rows of a sample into the same number of fields.

    More than one, most often.

    The last row of the sample may be cut off and does not count, unless it is the only one.
    """
    best, chosen = (0.0, 0), ","
    for delimiter in DELIMITERS:
        rows = [
            row
            for _, row in zip(
                range(50), csv.reader(StringIO(sample, newline=""), delimiter=delimiter), strict=False
            )
            if row
        ]
        rows = rows[:-1] if len(rows) > 2 else rows
        fields = len(rows[0]) if rows else 0
        if fields > 1:
            score = (sum(len(row) == fields for row in rows) / len(rows), fields)
            best, chosen = max((best, chosen), (score, delimiter), key=lambda pair: pair[0])
    return chosen


def blocks(file: BinaryIO, start: bytes, *, once: bool = False) -> Iterator[bytes]:
    """Pieces that end at the end of a row: first what was read already, `start`, then of about BLOCK_BYTES.

    once: the first piece is enough.
    """
    cut = _last_row_end(start)
    if cut:
        yield start[:cut]
        if once:
            return
    rest = start[cut:]
    while True:
        more = file.read(max(BLOCK_BYTES - len(rest), BLOCK_BYTES // 4))
        rest += more
        if not more:
            break
        cut = _last_row_end(rest)
        if cut == 0 and len(rest) > LONGEST_QUOTE:
            cut = rest.rfind(b"\n") + 1  # a stray quote: the careful parser below the fast one copes with it
        if cut:
            yield rest[:cut]
            rest = rest[cut:]
    if rest:
        yield rest if rest.endswith(b"\n") else rest + b"\n"


def parse_typed(block: bytes, header: Header, types: Types, markers: Sequence[str]) -> pl.DataFrame | None:
    """A block as a frame with these column types, or None where a cell does not fit; markers mean missing."""
    if not _regular(block, header):
        return None
    try:
        return pl.read_csv(
            block,
            has_header=False,
            schema=dict(types),
            separator=header.delimiter,
            null_values=list(markers) or None,
        )
    except pl.exceptions.PolarsError:
        return None


def parse_texts(block: bytes, header: Header, first: int, name: str) -> tuple[pl.DataFrame, Sequence[int]]:
    """(frame, blank): a block as a frame of texts, null where a cell is empty.

    And the blank rows of the file.

    first: the file's row number of the block's first row. DataError naming the row that has too few or too
    many fields, or a byte that is not UTF-8.
    """
    check_utf8(block, name, first)
    frame = parse_typed(block, header, dict.fromkeys(header.names, pl.String), ())
    return (frame, ()) if frame is not None else _parse_carefully(block, header, first, name)


def check_utf8(block: bytes, name: str, first: int) -> None:
    """DataError naming the row of the first byte that is not UTF-8.

    `first` is the number of the block's first row.
    """
    if block.isascii():
        return
    try:
        block.decode("utf-8")
    except UnicodeDecodeError as error:
        row = first + block[: error.start].count(b"\n")
        line = block[block.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8", errors="replace")
        raise DataError(
            f"{name}, row {row}: a byte is not UTF-8, received 0x{block[error.start]:02x} after "
            f"'{line[-30:]}'. {TO_UTF8}"
        ) from None


def _end_of_first_row(text: bytes) -> int:
    end = text.find(b"\n") + 1
    while end and text.count(b'"', 0, end) % 2:
        end = text.find(b"\n", end) + 1
    return end or len(text)


def _last_row_end(text: bytes) -> int:
    """The position after the last line break that stands outside quotes; 0 where there is none."""
    quotes = text.count(b'"')
    end, after = len(text), 0
    while end > 0:
        end = text.rfind(b"\n", 0, end) + 1
        if end == 0:
            return 0
        after = text.count(b'"', end) if quotes else 0
        if (quotes - after) % 2 == 0:
            return end
        end -= 1
    return 0


def _regular(block: bytes, header: Header) -> bool:
    """True where every row has the header's number of fields and no line is blank."""
    fields = len(header.names)
    # With several fields, a blank line shows as too few delimiters.
    if fields == 1 and (block.startswith((b"\n", b"\r\n")) or b"\n\n" in block or b"\n\r\n" in block):
        return False
    codes = np.frombuffer(block, np.uint8)
    if b'"' not in block:
        delimiters = np.count_nonzero(codes == ord(header.delimiter))
        return delimiters == (fields - 1) * np.count_nonzero(codes == NEWLINE)
    outside = ~np.bitwise_xor.accumulate(codes == QUOTE)
    ends = np.flatnonzero((codes == NEWLINE) & outside)
    if len(ends) == 0 or ends[-1] != len(codes) - 1:
        return False
    places = np.flatnonzero((codes == ord(header.delimiter)) & outside)
    return len(places) == (fields - 1) * len(ends) and bool(
        (np.diff(np.searchsorted(places, ends), prepend=0) == fields - 1).all()
    )


def _parse_carefully(
    block: bytes, header: Header, first: int, name: str
) -> tuple[pl.DataFrame, Sequence[int]]:
    """The same by Python's csv module, row by row.

    It accepts stray quotes and blank lines, and knows which row is at fault.
    """
    fields = len(header.names)
    rows: list[list[str]] = []
    blank: list[int] = []
    for number, row in enumerate(
        csv.reader(StringIO(block.decode("utf-8"), newline=""), delimiter=header.delimiter), start=first
    ):
        if not row or (fields > 1 and len(row) == 1 and not row[0].strip()):
            blank.append(number)
        elif len(row) != fields:
            raise DataError(
                f"{name}, row {number}: expected {fields} fields as in the header, received {len(row)} "
                f"('{header.delimiter.join(row)[:60]}').\n"
                "  Give the row its missing fields, put quotes around a value that holds a "
                f"'{header.delimiter}', or delete the row."
            )
        else:
            rows.append(row)
    columns = zip(*rows, strict=True) if rows else ([] for _ in header.names)
    texts = {
        each: pl.Series(each, list(values), dtype=pl.String)
        for each, values in zip(header.names, columns, strict=True)
    }
    return pl.DataFrame(texts).with_columns(pl.all().replace("", None)), tuple(blank)
