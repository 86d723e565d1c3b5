"""Files of tagged words: a word a line, its tags in further columns, an empty line between sentences.

Columns stand between tabs, or, in a file without tabs, between spaces. A line whose first word begins with
-DOCSTART- begins a document. Comments are lines that begin with "# " and hold no columns; in CoNLL-U files
(`.conllu`) words are in the column 1 and ranges of words ("3-4") and empty nodes ("8.1") are left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deepfit.data.csv_blocks import check_utf8
from deepfit.data.files import check_exists, open_text
from deepfit.errors import DataError

SUFFIXES = (".conll", ".conllu", ".bio", ".iob", ".txt", ".tsv", ".tab")
UNIVERSAL_TAGS = 3
"""The column of universal parts of speech in CoNLL-U."""

SPACES = " \t\r"
GAP = re.compile(r"[ \t]+")


@dataclass
class Sentences:
    """What a file holds: words, and tags if they were looked for, of each sentence.

    lines: where each sentence begins, from 1; documents: the number of its document, from 1.
    """

    words: list[list[str]] = field(default_factory=list)
    tags: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    documents: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Lines:
    """The lines of a file that count, cut into columns; [] between sentences, None where a document begins.

    columns: how many the lines have.
    """

    rows: Sequence[tuple[int, list[str] | None]]
    columns: int
    name: str
    universal: bool


def split_suffix(path: Path) -> tuple[str, str]:
    """(suffix, compression) of a file's name: (".conll", "gzip") of train.conll.gz."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compression = {".gz": "gzip", ".zst": "zstd"}.get(suffixes[-1], "") if suffixes else ""
    if compression:
        suffixes.pop()
    return (suffixes[-1] if suffixes else ""), compression


def read_lines(path: Path) -> Lines:
    """The columns of every line; DataError where there is none, or one has fewer or more than most."""
    text = read_text(path)
    universal = split_suffix(path)[0] == ".conllu"
    lines = text.split("\n")
    filled = [line for line in lines if line.strip(SPACES)]
    if not filled:
        raise DataError(
            f"{path.name}: the file holds no word. A word a line is expected, its tag in the last column, "
            "and an empty line between sentences."
        )
    plain = [line for line in filled if not line.startswith("# ")] or filled
    tabbed = 2 * sum("\t" in line for line in plain) > len(plain)
    cut = _by_tabs if tabbed else _by_spaces
    columns = Counter(len(cut(line)) for line in plain).most_common(1)[0][0]
    rows = list(_rows(lines, cut, columns, path.name, tabbed=tabbed, universal=universal))
    return Lines(rows, columns, path.name, universal)


def read_text(path: Path) -> str:
    """The text of a file; DataError where it is not there, empty or not UTF-8, naming the line."""
    check_exists(path)
    if path.is_dir():
        raise DataError(f"'{path}' is a folder, and a file is expected.")
    with open_text(path, split_suffix(path)[1]) as file:
        content = file.read()
    content = content.removeprefix(b"\xef\xbb\xbf")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(
            f"{path.name}: the file is UTF-16. Save it as UTF-8; in a shell: iconv -f UTF-16 -t UTF-8 OLD > "
            "NEW"
        )
    check_utf8(content, path.name, 1)
    return content.decode("utf-8")


def sentences_of(lines: Lines, tag_column: int | None) -> Sentences:
    """Words and tags, by sentence.

    tag_column: from 0; None where words alone are wanted. DataError for a missing word or tag.
    """
    word_column = 1 if lines.universal and lines.columns > 1 else 0
    if tag_column is not None and not 0 <= tag_column < lines.columns:
        raise DataError(
            f"{lines.name}: there is no column {tag_column} to take tags from; the lines have "
            f"{lines.columns}, counted from 0 to {lines.columns - 1}. Name another --target."
        )
    if tag_column == word_column:
        raise DataError(
            f"{lines.name}: column {tag_column} holds the words, so it cannot be what is predicted. Name "
            "another --target; columns are counted from 0."
        )
    found, document, begun = Sentences(), 1, False
    for number, cells in lines.rows:
        if cells is None:
            document += bool(found.words)
        if not cells:
            begun = False
            continue
        if not begun:
            found.words.append([])
            found.tags.append([])
            found.lines.append(number)
            found.documents.append(document)
            begun = True
        found.words[-1].append(_cell(cells, word_column, lines.name, number, "a word"))
        if tag_column is not None:
            found.tags[-1].append(_cell(cells, tag_column, lines.name, number, "a tag"))
    if not found.words:
        raise DataError(f"{lines.name}: the file holds no word, only comments and marks of documents.")
    return found


def usual_tag_column(lines: Lines) -> int | None:
    """The column of tags where none is named: the last, in CoNLL-U that of the parts of speech."""
    if lines.universal:
        return UNIVERSAL_TAGS if lines.columns > UNIVERSAL_TAGS else None
    return lines.columns - 1 if lines.columns > 1 else None


def _rows(
    lines: Sequence[str],
    cut: Callable[[str], list[str]],
    columns: int,
    name: str,
    *,
    tabbed: bool,
    universal: bool,
) -> Iterator[tuple[int, list[str] | None]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip(SPACES):
            yield number, []
            continue
        cells = cut(line)
        if cells[0].startswith("-DOCSTART-"):
            yield number, None
        elif _is_comment(line, cells, columns, tabbed=tabbed):
            if universal and line.startswith("# newdoc"):
                yield number, None
        elif len(cells) != columns:
            raise DataError(
                f"{name}, line {number}: expected {columns} column{'s' if columns != 1 else ''} as in most "
                f"lines, received {len(cells)}: '{line.strip(SPACES)[:60]}'. "
                + ("Write tabs between columns and an empty line between sentences." if tabbed else
                   "Write a word and its tags with spaces between, and an empty line between sentences.")
            )  # fmt: skip
        elif not (universal and not cells[0].isdigit()):
            yield number, cells


def _by_tabs(line: str) -> list[str]:
    return [cell.strip(SPACES) for cell in line.strip("\r").split("\t")]


def _by_spaces(line: str) -> list[str]:
    return GAP.split(line.strip(SPACES))


def _is_comment(line: str, cells: Sequence[str], columns: int, *, tabbed: bool) -> bool:
    """Whether a line is one; "#" is also a word, and "#topic" too."""
    if tabbed:
        return line.startswith("#") and "\t" not in line and columns > 1
    return line.startswith("# ") and len(cells) != columns


def _cell(cells: Sequence[str], column: int, name: str, number: int, what: str) -> str:
    if not cells[column]:
        raise DataError(
            f"{name}, line {number}, column {column}: expected {what}, received nothing. Correct the line, "
            "or leave it out."
        )
    return cells[column]
