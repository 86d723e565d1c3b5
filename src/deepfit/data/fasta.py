"""FASTA and FASTQ: named sequences of letters, as biology writes them.

A FASTA record is a header that begins with `>` and lines of letters below it; a FASTQ record is a header that
begins with `@`, letters, a line `+` and a quality for each letter. Which of the two a file holds, its first
sign says. Spaces and blank lines are left out, and so are lines of comment that begin with `;`.

Source: Pearson and Lipman 1988, PNAS 85; Cock et al. 2010, Nucleic Acids Research 38(6), for FASTQ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from deepfit.data.csv_blocks import check_utf8
from deepfit.data.files import COMPRESSIONS, check_exists, open_text
from deepfit.errors import DataError

SUFFIXES = (".fasta", ".fa", ".fas", ".fna", ".ffn", ".frn", ".faa", ".fastq", ".fq")
SHOWN = 40


class Record(NamedTuple):
    """A sequence, the first word of its header, the rest of the header, and the line that the header is."""

    id: str
    description: str
    letters: str
    line: int


def is_fasta(path: Path) -> bool:
    """Whether a file's name ends like FASTA or FASTQ, compressed or not."""
    return bool(stem_of(path)) and path.name != stem_of(path)


def stem_of(path: Path) -> str:
    """The name without the endings of FASTA and of compression: "ei" of `ei.fasta.gz`."""
    name = path.name
    for known in (tuple(COMPRESSIONS), SUFFIXES):
        if name.lower().endswith(known):
            name = name[: name.rindex(".")]
        elif known is SUFFIXES:
            return path.name
    return name


def class_folder(path: Path) -> str | None:
    """Why a folder holds sequences, or None where it has no FASTA files of two classes."""
    if sum(is_fasta(each) for each in path.iterdir() if each.is_file()) > 1:
        return "FASTA files, one a class"
    for pattern in ("*/*", "*/*/*"):
        if (
            len({each.parent if pattern == "*/*" else each for each in path.glob(pattern) if is_fasta(each)})
            > 1
        ):
            return "folders of FASTA files"
    return None


def read_fasta(path: Path, name: str | None = None) -> list[Record]:
    """Every record of a file; DataError naming the line or the record where the file breaks the format.

    name: of the file in messages. Quality values are checked for their number and not used.
    """
    check_exists(path)
    name = name or path.name
    with open_text(path, COMPRESSIONS.get(path.suffix.lower(), "")) as file:
        content = file.read()
    content = content.removeprefix(b"\xef\xbb\xbf")
    check_utf8(content, name, 1)
    lines = content.decode("utf-8").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    first = next((line for line in lines if line.strip() and not line.startswith(";")), "")
    if not first:
        raise DataError(f"{name}: the file holds no sequence. Write a header '>NAME' and letters below it.")
    return list(_fastq(lines, name) if first.startswith("@") else _fasta(lines, name))


def _fasta(lines: Sequence[str], name: str) -> Iterator[Record]:
    header, at, pieces = None, 0, []
    for number, line in enumerate(lines, start=1):
        if line.startswith(">"):
            if header is not None:
                yield _record(header, pieces, at, name)
            header, at, pieces = line[1:], number, []
        elif line.startswith(";") or not line.strip():
            continue
        elif header is None:
            raise DataError(
                f"{name}, line {number}: expected a header that begins with '>', received "
                f"'{line[:SHOWN]}'. Write '>NAME' on a line of its own above each sequence."
            )
        else:
            pieces.append(line)
    if header is not None:
        yield _record(header, pieces, at, name)


def _fastq(lines: Sequence[str], name: str) -> Iterator[Record]:
    place = 0
    while place < len(lines):
        if not lines[place].strip():
            place += 1
            continue
        header, at = lines[place], place + 1
        if not header.startswith("@"):
            raise DataError(
                f"{name}, line {at}: expected a header that begins with '@', received '{header[:SHOWN]}'. "
                "A FASTQ record is a header, letters, a line '+' and as many signs of quality."
            )
        place += 1
        pieces = []
        while place < len(lines) and not lines[place].startswith("+"):
            pieces.append(lines[place])
            place += 1
        record = _record(header[1:], pieces, at, name)
        if place == len(lines):
            raise DataError(
                f"{name}, record '{record.id}' (line {at}): the file ends before its line '+' and its "
                "qualities. It is cut off; copy or download it again."
            )
        place += 1
        quality = 0
        while place < len(lines) and quality < len(record.letters):
            quality += len(lines[place].strip())
            place += 1
        if quality != len(record.letters):
            raise DataError(
                f"{name}, record '{record.id}' (line {at}): it has {len(record.letters):,} letters and "
                f"{quality:,} signs of quality, and each letter needs one. Correct the record, or save the "
                "sequences as FASTA, which has no qualities."
            )
        yield record


def _record(header: str, pieces: Sequence[str], at: int, name: str) -> Record:
    word, _, rest = header.strip().partition(" ")
    word, tab, more = word.partition("\t")
    letters = "".join("".join(pieces).split())
    if not letters:
        called = f"record '{word}' (line {at})" if word else f"line {at}"
        raise DataError(
            f"{name}, {called}: the sequence is empty: no letters follow the header. Add them, or leave the "
            "record out."
        )
    return Record(word or f"line {at}", f"{more} {rest}".strip() if tab else rest.strip(), letters, at)
