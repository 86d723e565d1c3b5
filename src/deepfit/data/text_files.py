"""Folders of .txt files as a table: a folder a class, also below train/, valid/ and test/."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from deepfit.contract import Concern
from deepfit.data.files import TO_UTF8, check_exists
from deepfit.data.image_layout import PARTS
from deepfit.errors import DataError

SUFFIX = ".txt"
FILE = "file"
"""The column of the files' names, relative to the folder."""

MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""What a file begins with that says how it is encoded; UTF-32's, which begins with UTF-16's, first."""


class TextFiles(NamedTuple):
    """Texts of a folder in the order of their names, and the part of each where the folders name parts."""

    frame: pl.DataFrame
    parts: np.ndarray | None
    notes: Sequence[Concern]


def is_text_file(source: object) -> bool:
    """Whether a source is one .txt file that exists."""
    return (
        isinstance(source, str | os.PathLike)
        and Path(source).suffix.lower() == SUFFIX
        and Path(source).is_file()
    )


def read_text(path: Path, shown: str | None = None) -> str:
    """The text of a file: UTF-8, or what its byte order mark says; DataError naming file and byte otherwise.

    shown: the file's name in messages.
    """
    return decoded(path.read_bytes(), shown or path.name)


def decoded(content: bytes, shown: str) -> str:
    """The text of a file's content, as `read_text` says; shown: the file's name in messages."""
    encoding = next((name for mark, name in MARKS if content.startswith(mark)), "utf-8")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        byte = f"0x{content[error.start]:02x}" if error.start < len(content) else "the end of the file"
        raise DataError(
            f"{shown}, byte {error.start + 1:,}: received {byte}, which is not"
            f" {encoding.removesuffix('-sig').upper()}. {TO_UTF8}"
        ) from None


def read_folder(folder: Path, text: str, target: str, *, require_labels: bool) -> TextFiles:
    """The texts of a folder with the columns `file`, `text` and, where folders name classes, `target`.

    require_labels: for training; texts that lie in no class are then passed over, and said. Without, they are
    read too, and there is a target only where every text has one. DataError where there is no text.
    """
    check_exists(folder)
    files = sorted(_texts(folder))
    others = sum(1 for _ in _files(folder)) - len(files)
    if not files:
        raise DataError(
            f"{folder}: there is no {SUFFIX} file in this folder or below. Put each class's texts into a"
            " folder of its own, named for the class; or name a table with a column of texts."
        )
    named = {file: _part_and_class(file) for file in files}
    nested = any(part for part, _ in named.values())
    if nested and (stray := [file for file, (part, _) in named.items() if part is None]):
        if require_labels and any("/" in file for file in stray):
            raise DataError(
                f"{folder}: beside the folders of parts (train, valid, test) there is '{stray[0]}'"
                f"{_more(stray)}. Move it into a part, or out of the folder."
            )
        files = [file for file in files if file not in set(stray)]
    bare = [file for file in files if named[file][1] is None]
    notes = []
    if bare and require_labels:
        if len(bare) == len(files):
            raise DataError(
                f"{folder}: its {len(files):,} texts have no labels. Put each class's texts into a folder of"
                " its own, named for the class."
            )
        left = (
            f"{len(bare):,} texts lie in no folder of a class and were passed over: {bare[0]}{_more(bare)}."
        )
        notes.append(Concern("ignored", str(folder), left))
        files = [file for file in files if named[file][1] is not None]
    if others:
        left = f"{others:,} files are no {SUFFIX} files and were passed over."
        notes.append(Concern("ignored", str(folder), left))
    columns = {FILE: files, text: [read_text(folder / file, f"{folder.name}/{file}") for file in files]}
    labels = [named[file][1] for file in files]
    if None not in labels:
        columns[target] = labels  # pyright: ignore[reportArgumentType]  (none is None)
    parts = np.array([named[file][0] for file in files]) if nested else None
    return TextFiles(pl.DataFrame(columns, schema={name: pl.String for name in columns}), parts, notes)


def _part_and_class(file: str) -> tuple[str | None, str | None]:
    folders = file.split("/")[:-1]
    part = PARTS.get(folders[0].lower()) if folders else None
    inner = folders[1:] if part else folders
    return part, inner[0] if inner else None


def _texts(folder: Path) -> Iterator[str]:
    return (file for file in _files(folder) if file.lower().endswith(SUFFIX))


def _files(folder: Path) -> Iterator[str]:
    """Paths below a folder, relative, with "/" between; hidden files and folders are left out."""
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if not name.startswith("."):
                yield (Path(place) / name).relative_to(folder).as_posix()


def _more(names: Sequence[str]) -> str:
    return f" (and {len(names) - 1:,} more)" if len(names) > 1 else ""
