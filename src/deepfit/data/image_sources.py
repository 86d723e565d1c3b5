"""Where pictures come from: a folder, a .zip, a list of files, arrays.

What is found is a list of names and how to open each. Nothing is decoded here. Hidden files and `__MACOSX`
are passed over; names are in natural order (2 before 10), so the order of rows does not depend on the file
system.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image

from deepfit.data.image_archive import Archive
from deepfit.data.image_decode import Broken, open_picture
from deepfit.errors import DataError

_NUMBERS = re.compile(r"(\d+)")


class Pictures(Protocol):
    """Pictures that can be opened by position, by several threads at once."""

    @property
    def name(self) -> str:
        """The source, for messages."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """One a picture, for messages and the column "file"."""
        ...

    def open(self, position: int) -> Image.Image:
        """A picture of which at least the header is read; Broken where that fails."""
        ...

    def identity(self) -> list[str] | None:
        """What changes when any content changes, or None where nothing outlives the process."""
        ...


class Tree(Protocol):
    """Files below one place: a folder or an archive."""

    name: str
    files: list[str]
    """Relative paths with forward slashes, in natural order."""
    links: frozenset[str]
    """Those reached through a symbolic link."""

    def read(self, file: str) -> bytes:
        """A file's content; DataError where it cannot be read."""
        ...

    def pictures(self, files: Sequence[str]) -> Pictures:
        """These files as pictures."""
        ...

    def leaves(self, file: str) -> bool:
        """Whether a path, links followed, ends outside."""
        ...


class FolderTree:
    """The files below a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.name = str(root)
        links: set[str] = set()
        try:
            self.files = sorted(_walk(root, "", False, links, (os.path.realpath(root),)), key=natural)
        except OSError as error:
            raise DataError(f"{error.filename or root} cannot be read: {error.strerror}.") from error
        self.links = frozenset(links)

    def read(self, file: str) -> bytes:
        """A file's content."""
        try:
            return (self.root / file).read_bytes()
        except OSError as error:
            raise DataError(f"{self.root / file} cannot be read: {error.strerror}.") from error

    def pictures(self, files: Sequence[str]) -> Pictures:
        """These files as pictures."""
        return FilePictures(self.name, files, [os.path.join(self.name, file) for file in files])

    def leaves(self, file: str) -> bool:
        """See `Tree`."""
        return not (self.root / file).resolve().is_relative_to(self.root.resolve())


class ArchiveTree:
    """The files in a .zip."""

    def __init__(self, path: Path) -> None:
        self.archive = Archive(path)
        self.name = str(path)
        self.files = sorted((name for name in self.archive.names if not _is_hidden(name)), key=natural)
        self.links: frozenset[str] = frozenset()

    def read(self, file: str) -> bytes:
        """A file's content."""
        try:
            return self.archive.read(file)
        except Broken as error:
            raise DataError(f"{self.name}: {file} {error}.") from error

    def pictures(self, files: Sequence[str]) -> Pictures:
        """These files as pictures."""
        return ArchivePictures(self.archive, files)

    def leaves(self, file: str) -> bool:
        """See `Tree`."""
        return False


class FilePictures:
    """Pictures in files of their own."""

    def __init__(self, name: str, names: Sequence[str], paths: Sequence[str]) -> None:
        self.name = name
        self.names = names
        self._paths = paths

    def open(self, position: int) -> Image.Image:
        """See `Pictures`."""
        return open_picture(self._paths[position])

    def identity(self) -> list[str]:
        """See `Pictures`."""
        # Length and time of change stand for the content: reading it all would cost as much as decoding it.
        states = (os.stat(path) for path in self._paths)
        return [
            f"{path}:{state.st_size}:{state.st_mtime_ns}"
            for path, state in zip(self._paths, states, strict=True)
        ]


class ArchivePictures:
    """Pictures in a .zip."""

    def __init__(self, archive: Archive, names: Sequence[str]) -> None:
        self.name = str(archive.path)
        self.names = names
        self._archive = archive

    def open(self, position: int) -> Image.Image:
        """See `Pictures`."""
        return open_picture(io.BytesIO(self._archive.read(self.names[position])))

    def identity(self) -> list[str]:
        """See `Pictures`."""
        return [f"{name}:{self._archive.checksum(name)}" for name in self.names]


class MemoryPictures:
    """Pictures that are in memory already: rows of one array, or a list of arrays or Pillow pictures."""

    name = "the given pictures"

    def __init__(self, items: Sequence[Any] | np.ndarray) -> None:
        self._items = items
        self.names = [f"picture {number}" for number in range(len(items))]

    def open(self, position: int) -> Image.Image:
        """See `Pictures`."""
        item = self._items[position]
        if isinstance(item, Image.Image):
            return item.copy()
        pixels = item[..., 0] if item.ndim == 3 and item.shape[2] == 1 else item
        return Image.fromarray(np.ascontiguousarray(pixels))

    def identity(self) -> None:
        """Nothing: these do not outlive the process."""


def open_tree(path: Path) -> Tree:
    """The files of a folder or .zip."""
    return FolderTree(path) if path.is_dir() else ArchiveTree(path)


def is_archive(path: Path) -> bool:
    """Whether a file's name says .zip; by content, office documents would be archives too."""
    return path.suffix.lower() == ".zip"


def pictures_from_memory(source: Any) -> Pictures | None:
    """Pictures from arrays, Pillow pictures or a list of paths; None where the source is something else.

    An array is uint8 [rows, height, width] or [rows, height, width, channels]; a list holds paths, arrays or
    pictures. DataError where the source is one of these but does not fit.
    """
    if isinstance(source, np.ndarray):
        _check_array(source)
        return MemoryPictures(source)
    if isinstance(source, Image.Image):
        return MemoryPictures([source])
    if not isinstance(source, list | tuple):
        return None
    if not source:
        raise DataError("The list of pictures is empty.")
    if all(isinstance(item, str | os.PathLike) for item in source):
        paths = [os.fspath(item) for item in source]
        for path in paths:
            if not os.path.isfile(path):
                raise DataError(f"There is no file {path}, named in the list of pictures.")
        return FilePictures("the given files", paths, paths)
    for number, item in enumerate(source):
        if isinstance(item, np.ndarray):
            if item.ndim not in (2, 3):
                raise DataError(
                    f"Picture {number} of the list: expected [height, width(, channels)], received "
                    f"{list(item.shape)}."
                )
            _check_array(item[None])
        elif not isinstance(item, Image.Image):
            raise DataError(
                f"Picture {number} of the list: expected a path, a uint8 array or a Pillow picture (all "
                "paths or none), "
                f"received {type(item).__name__}."
            )
    return MemoryPictures(source)


def natural(name: str) -> tuple[list[list[Any]], str]:
    """The key that sorts "b2" before "b10", A beside a, and a folder's files together."""
    steps = [_NUMBERS.split(step) for step in name.casefold().split("/")]
    return [[int(part) if place % 2 else part for place, part in enumerate(step)] for step in steps], name


def _check_array(array: np.ndarray) -> None:
    shape = list(array.shape)
    if array.ndim not in (3, 4):
        raise DataError(
            f"Pictures as an array: expected [rows, height, width] or [rows, height, width, "
            f"channels], received {shape}."
        )
    if array.dtype != np.uint8:
        raise DataError(
            f"Pictures as an array: expected uint8 from 0 to 255, received {array.dtype}. "
            "Floats from 0 to 1: (255 * pictures).round().astype('uint8')."
        )
    if array.ndim == 4 and array.shape[3] not in (1, 2, 3, 4):
        raise DataError(
            f"Pictures as an array: expected 1 to 4 channels on the last axis, received {shape}. "
            "Channels come last."
        )
    if array.ndim == 3 and array.shape[2] in (3, 4) and array.shape[0] > 4:
        raise DataError(f"The array {shape} looks like one picture: pass array[None] for a single row.")
    if 0 in array.shape:
        raise DataError(f"Pictures as an array: there is nothing in it, received {shape}.")


def _walk(
    folder: Path | str, prefix: str, linked: bool, links: set[str], above: tuple[str, ...]
) -> list[str]:
    """Relative paths of files, links followed; a link back to a folder above is not entered again."""
    found: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if _is_hidden(entry.name):
                continue
            name = prefix + entry.name
            through = linked or entry.is_symlink()
            if entry.is_dir():
                real = os.path.realpath(entry.path)
                if real not in above:
                    found += _walk(entry.path, f"{name}/", through, links, (*above, real))
            elif entry.is_file():
                found.append(name)
                if through:
                    links.add(name)
    return found


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in path.split("/"))
