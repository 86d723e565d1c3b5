"""What a path holds, by its suffix, and whether there is anything in it.

The checks before any reader opens a file.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from deepfit.errors import DataError, suggest

FORMATS = {
    ".csv": "csv", ".txt": "csv", ".tsv": "tsv", ".tab": "tsv", ".parquet": "parquet", ".pq": "parquet",
    ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json",
}  # fmt: skip
TEXT = ("csv", "tsv", "jsonl", "json")
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
INSTEAD = {
    ".xlsx": "Save the sheet as CSV.",
    ".xls": "Save the sheet as CSV.",
    ".ods": "Save the sheet as CSV.",
    ".zip": "Unpack it, or compress the table with gzip (.csv.gz).",
    ".bz2": "Compress it with gzip (.csv.gz) or zstd (.csv.zst).",
    ".xz": "Compress it with gzip (.csv.gz) or zstd (.csv.zst).",
    ".pkl": "A pickle can run a stranger's code and is never opened; save the table as Parquet or CSV.",
    ".pickle": "A pickle can run a stranger's code and is never opened; save the table as Parquet or CSV.",
}


def table_format(path: str | os.PathLike) -> tuple[str, str] | None:
    """(format, compression) of a table by its name, compression "" where there is none.

    None where no table has such a name.

    Formats: csv, tsv, parquet, arrow, jsonl, json. Compression ("gzip", "zstd") belongs to the text formats
    only.
    """
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    compression = COMPRESSIONS.get(suffixes[-1], "") if suffixes else ""
    if compression:
        suffixes.pop()
    kind = FORMATS.get(suffixes[-1]) if suffixes else None
    if kind is None or (compression and kind not in TEXT):
        return None
    return kind, compression


def check_table_file(path: str | os.PathLike) -> tuple[Path, str, str]:
    """(path, format, compression) of a table that exists and is not empty; DataError otherwise."""
    path = Path(path)
    check_exists(path)
    if path.is_dir():
        raise DataError(
            f"'{path}' is a folder, and a table is one file. Name a file in it, such as "
            f"'{path / 'train.csv'}'."
        )
    found = table_format(path)
    if found is None:
        instead = INSTEAD.get(path.suffix.lower(), "Rename it if it is one of these, or save it as one.")
        known = ", ".join(sorted(FORMATS))
        raise DataError(
            f"'{path}' does not end like a table: received '{path.suffix}', known are {known} (text also "
            f".gz, .zst). {instead}"
        )
    if path.stat().st_size == 0:
        raise DataError(
            f"{path.name}: the file is empty (0 bytes). A table needs a row of column names and rows of "
            "values below it."
        )
    return path, *found


def check_exists(path: Path) -> None:
    """DataError, naming neighbours with a similar name, where there is no such file or folder.

    Or it may not be read.
    """
    if not path.exists():
        folder = path.parent
        if not folder.is_dir():
            raise DataError(
                f"There is no file '{path}': the folder '{folder}' does not exist either. Check the path; "
                f"this folder is '{Path.cwd()}'."
            )
        neighbours = sorted(each.name for each in folder.iterdir() if not each.name.startswith("."))
        hint = suggest(path.name, neighbours) if neighbours else "The folder is empty."
        raise DataError(f"There is no file '{path}'. {hint}")
    if not os.access(path, os.R_OK):
        raise DataError(
            f"'{path}' may not be read: its permissions forbid it. Change them with: chmod u+r '{path}'"
        )


@contextmanager
def open_text(path: Path, compression: str) -> Iterator[BinaryIO]:
    """The bytes of a text file, decompressed; DataError where what is compressed is damaged or cut off."""
    try:
        if compression == "gzip":
            with gzip.open(path, "rb") as file:
                yield file  # type: ignore[misc]
        elif compression == "zstd":
            if not zstd_is_whole(path.read_bytes()):
                raise EOFError("the last frame has no end")
            yield BytesIO(_unzstd(path))
        else:
            with open(path, "rb") as file:
                yield file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path.name}: the compressed file is damaged or cut off ({error}). Copy or download it again."
        ) from None


def zstd_is_whole(data: bytes) -> bool:
    """Whether every Zstandard frame is there to its end.

    Polars reads what there is of a file that was cut off.

    Walks over frame and block headers. Source: RFC 8878, sections 3.1.1 and 3.1.2.
    """
    at = 0
    while at < len(data):
        magic = int.from_bytes(data[at : at + 4], "little")
        if magic & 0xFFFFFFF0 == 0x184D2A50:
            at += 8 + int.from_bytes(data[at + 4 : at + 8], "little")
            continue
        if magic != 0xFD2FB528 or at + 5 > len(data):
            return False
        described = data[at + 4]
        single = described >> 5 & 1
        content_size = (single, 2, 4, 8)[described >> 6]
        at += 5 + (not single) + (0, 1, 2, 4)[described & 3] + content_size
        last = False
        while not last:
            if at + 3 > len(data):
                return False
            block = int.from_bytes(data[at : at + 3], "little")
            last = bool(block & 1)
            at += 3 + (1 if block >> 1 & 3 == 1 else block >> 3)
        at += 4 * (described >> 2 & 1)
    return at == len(data)


def _unzstd(path: Path) -> bytes:
    """A .zst file's bytes, by Polars, since Python 3.11 cannot.

    As one column of whole lines, quotes untouched.
    """
    import polars as pl

    for encoding in ("utf8", "utf8-lossy"):
        try:
            lines = pl.read_csv(
                path,
                has_header=False,
                separator="\x01",
                quote_char=None,
                schema={"line": pl.String},
                encoding=encoding,
                truncate_ragged_lines=True,
            ).fill_null("")
        except pl.exceptions.NoDataError:
            return b""
        except (pl.exceptions.PolarsError, OSError) as error:
            if "utf-8" in str(error) and encoding == "utf8":
                continue
            raise DataError(
                f"{path.name}: the compressed file is damaged or cut off ({error}). Copy or download it "
                "again."
            ) from None
        if encoding == "utf8-lossy":
            row = lines["line"].str.contains("\N{REPLACEMENT CHARACTER}", literal=True).arg_max()
            raise DataError(f"{path.name}, line {(row or 0) + 1}: a byte is not UTF-8. {TO_UTF8}")
        return "\n".join(lines["line"].to_list()).encode() + b"\n"
    return b""


TO_UTF8 = "Save the file as UTF-8; in a shell, if it is Latin-1: iconv -f LATIN1 -t UTF-8 OLD > NEW"
