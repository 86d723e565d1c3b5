"""Pictures with captions, or captions alone, read and checked.

A picture's caption stands in a metadata table beside it (`file_name` and `text`, as in Hugging Face's
imagefolder), in a .txt file of the picture's name, or is the name of the folder that it lies in.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from deepfit.contract import Concern
from deepfit.data import images, texts
from deepfit.data.caption_words import caption_words
from deepfit.data.image_checks import listed
from deepfit.data.image_decode import is_picture_name
from deepfit.data.image_layout import METADATA, Layout, lay_out
from deepfit.data.image_sources import Tree
from deepfit.data.images import ImageRows
from deepfit.data.text_files import SUFFIX, decoded
from deepfit.data.text_rows import TextRows
from deepfit.errors import DataError, suggest

MOST_KINDS = 100
"""Captions that stand for kinds of picture are at most so many, ..."""
LEAST_OF_A_KIND = 10
"""... with so many pictures each; otherwise each caption is a text of its own."""
TEXT = "text"


def read_captions(
    source: Any,
    *,
    text: str = TEXT,
    skip_broken: bool = False,
    training: bool = True,
    size: tuple[int, int] | None = None,
) -> CaptionRows:
    """Pictures with captions; where not for training, captions alone too.

    source: a folder or .zip of pictures with captions, or a pair (pictures, captions); captions alone: a
    table with a column of them, .txt files, or a list. text: the name of that column, also in metadata.
    skip_broken: leave out pictures that cannot be read. size: (height, width) in pixels to decode to.
    DataError that names file and row, also where a caption is empty or has no word.
    """
    paired = isinstance(source, tuple) and len(source) == 2
    if not paired and not training and images.recognise(source) is None:
        return _checked(_alone(texts.read_texts(source, text=text, target=None, training=False)))
    if not paired:
        _check_is_place(source)
    rows = images.read_images(
        source[0] if paired else source,
        target="",
        skip_broken=skip_broken,
        require_labels=False,
        size=size,
        lays=partial(lay_out_captions, text=text, skip_missing=skip_broken),
    )
    captions = _given(source[1], rows, skip_broken=skip_broken) if paired else rows.column(TEXT)
    return _checked(CaptionRows(rows, captions, kinds=_are_kinds(captions, rows.parts())))


def recognise(source: Any) -> str | None:
    """Why a source holds pictures with captions, or None; nothing is decoded. Class folders are no reason."""
    if not isinstance(source, str | os.PathLike) or not Path(source).is_dir():
        return None
    for place in (Path(source), Path(source) / "train"):
        for name in METADATA:
            if (place / name).is_file() and _has_columns(place / name, {"file_name", TEXT}):
                return f"{name} names pictures and has a column '{TEXT}'"
        pictures = (file for file in _names(place) if is_picture_name(file))
        first = next(pictures, None)
        if first is not None and (place / first).with_suffix(SUFFIX).is_file():
            return "its pictures have .txt files beside them"
    return None


def lay_out_captions(tree: Tree, *, text: str, skip_missing: bool) -> Layout:
    """The pictures of a folder or .zip, their captions as the column "text"; DataError where one has none."""
    layout = lay_out(tree, "", require_labels=False, skip_missing=skip_missing)
    known = set(tree.files)
    beside = [os.path.splitext(file)[0] + SUFFIX for file in layout.files]
    there = [file in known for file in beside]
    if layout.labels is None and _has_metadata(tree):
        return _from_metadata(tree, layout, text)
    if any(there):
        return _from_files(tree, layout, beside, there)
    if layout.labels is None:
        raise DataError(
            f"{tree.name}: its {len(layout.files):,} pictures have no captions, or not all of them. Add "
            f"metadata.csv with the columns file_name and {text}, or a {SUFFIX} file of the same name beside "
            "each picture, or put pictures into folders whose names say what is on them."
        )
    folders = set(layout.labels.tolist())
    names = {name: " ".join(name.replace("_", " ").replace("-", " ").split()) for name in folders}
    return _with_captions(layout, [names[name] for name in layout.labels.tolist()])


def _from_metadata(tree: Tree, layout: Layout, text: str) -> Layout:
    if text not in layout.columns:
        others = [name for name in layout.columns if name != text]
        raise DataError(
            f"{tree.name}: its metadata has no column '{text}' with the captions. {suggest(text, others)} "
            "Name the column with --text."
        )
    whole = not any(concern.kind == "skipped" for concern in layout.concerns)
    captions = ["" if value is None else str(value).strip() for value in layout.columns[text]]
    for place, caption in enumerate(captions):
        if not caption:
            row = f"row {_row_of_part(layout, place)}, " if whole else ""
            raise _empty(f"{tree.name}: metadata, {row}'{layout.files[place]}'")
    return _with_captions(layout, captions)


def _from_files(tree: Tree, layout: Layout, beside: Sequence[str], there: Sequence[bool]) -> Layout:
    bare = [file for file, has in zip(layout.files, there, strict=True) if not has]
    if bare:
        raise DataError(
            f"{tree.name}: {len(bare):,} of {len(there):,} pictures have no {SUFFIX} file beside them: "
            f"{listed(bare)}. Write their captions, or move them away."
        )
    captions = [decoded(tree.read(file), f"{tree.name}/{file}").strip() for file in beside]
    for file, caption in zip(beside, captions, strict=True):
        if not caption:
            raise _empty(f"{tree.name}: {file}, row 1")
    other = sum(not is_picture_name(file) for file in tree.files) - len(beside)
    concerns = [each for each in layout.concerns if each.kind != "ignored" or each.where != tree.name]
    if other:
        said = f"{other:,} files are neither pictures nor captions and were passed over."
        concerns.append(Concern("ignored", tree.name, said))
    return _with_captions(replace(layout, concerns=tuple(concerns)), captions)


def _with_captions(layout: Layout, captions: Sequence[str]) -> Layout:
    return replace(layout, labels=None, columns={**layout.columns, TEXT: _objects(captions)})


class CaptionRows:
    """Captions in order, with their pictures where there are any; `contract.Rows`.

    kinds: the captions are few, so that they stand for kinds of picture and a split keeps the share of each.
    """

    def __init__(
        self,
        rows: ImageRows | TextRows,
        captions: np.ndarray,
        *,
        kinds: bool,
        prints: np.ndarray | None = None,
    ) -> None:
        self.name = rows.name
        self.rows = rows
        self.captions = captions
        self.kinds = kinds
        self._prints = prints

    def __len__(self) -> int:
        return len(self.captions)

    @property
    def pictured(self) -> ImageRows | None:
        """The pictures; None for captions alone."""
        return self.rows if isinstance(self.rows, ImageRows) else None

    def take(self, index: np.ndarray) -> CaptionRows:
        """The rows at these positions."""
        prints = None if self._prints is None else self._prints[index]
        return CaptionRows(self.rows.take(index), self.captions[index], kinds=self.kinds, prints=prints)

    def compact(self) -> CaptionRows:
        """The same rows without what they share."""
        return CaptionRows(self.rows.compact(), self.captions, kinds=self.kinds, prints=self._prints)

    def column(self, name: str) -> np.ndarray:
        """Values of "text" (the caption), "file" (of a picture) or a further column."""
        return self.captions if name == TEXT else self.rows.column(name)

    def target(self) -> np.ndarray | None:
        """The kinds of picture where captions stand for kinds, else None."""
        return self.kinds_of_rows() if self.kinds else None

    def kinds_of_rows(self) -> np.ndarray:
        """The words of each caption, with a space between, as str [rows]."""
        return _plain(self.captions)

    def keys(self) -> dict[str, np.ndarray]:
        """The file where there is one, and the text."""
        return {**self.rows.keys(), TEXT: self.captions}

    def labelled(self) -> CaptionRows:
        """These rows, which have pictures; DataError where they have none."""
        if self.pictured is None:
            raise DataError(
                f"{self.name} holds captions alone. What is made is scored beside real pictures of the same "
                "captions: name a folder of pictures with captions."
            )
        return self

    def parts(self) -> np.ndarray | None:
        """The part "train", "valid" or "test" a row where the source says so, else None."""
        return self.rows.parts()

    def fingerprints(self) -> np.ndarray:
        """uint64 [rows]: equal for near-duplicates; of captions alone, each occurrence for itself."""
        return self.rows.fingerprints() if self._prints is None else self._prints

    def where(self, position: int) -> str:
        """The row as its source calls it: a picture's file, "row 812" of a table."""
        if isinstance(self.rows, TextRows):
            return self.rows.where(position)
        return str(self.rows.take(np.array([position])).column("file")[0])

    def describe(self) -> list[tuple[str, str, str, str]]:
        """(name, kind, reason, example) of pictures, captions and every column that came with them."""
        found = [each for each in self.rows.describe() if each[0] != TEXT]
        words = sorted(len(caption_words(caption)) for caption in self.captions.tolist())
        middle = words[len(words) // 2] if words else 0
        kinds = f"{len(set(self.captions.tolist())):,} different, {middle} words in the middle"
        example = str(self.captions[0]) if len(self) else ""
        return [*found[:1], (TEXT, "caption", kinds, example), *found[1:]]

    def concerns(self) -> list[Concern]:
        """What is to be said of the pictures, or of the table."""
        return list(self.rows.concerns()) if self.pictured is not None else []

    def signatures(self) -> np.ndarray:
        """uint8 [rows, 256] of the pictures: see `image_duplicates`; none for captions alone."""
        return np.zeros((0, 256), np.uint8) if self.pictured is None else self.pictured.signatures()

    def remarked(self, concern: Concern) -> CaptionRows:
        """The same pictures, of which this is to be said too."""
        rows = self.rows.remarked(concern) if isinstance(self.rows, ImageRows) else self.rows
        return CaptionRows(rows, self.captions, kinds=self.kinds, prints=self._prints)

    def shapes(self) -> np.ndarray:
        """int32 [rows, 2]: height and width of each picture as it is in its file."""
        return self._pictures().shapes()

    def coloured(self) -> np.ndarray:
        """Bool [rows]: whether any pixel is not grey."""
        return self._pictures().coloured()

    def pixels(self, size: tuple[int, int], channels: int) -> np.ndarray:
        """uint8 [rows, height, width, channels] at this size."""
        return self._pictures().pixels(size, channels)

    def picture(self, row: int) -> np.ndarray:
        """uint8 [height, width, 1 or 3], as decoded; DataError for captions alone."""
        return self._pictures().picture(row)

    def _pictures(self) -> ImageRows:
        self.labelled()
        return self.rows  # pyright: ignore[reportReturnType]  (pictures, by the line above)


def _given(captions: Any, rows: ImageRows, *, skip_broken: bool) -> np.ndarray:
    """The captions of a pair (pictures, captions); DataError where they are no texts, or not as many."""
    found = texts.in_memory(captions)
    if found is None or None in found:
        raise DataError("(pictures, captions): expected captions as a list of texts, one a picture.")
    if skip_broken:
        raise DataError("(pictures, captions): leave out what is broken yourself, and --skip-broken away.")
    if len(found) != len(rows):
        raise DataError(f"(pictures, captions): {len(rows):,} pictures, but {len(found):,} captions.")
    return _objects([str(caption) for caption in found])


def _checked(rows: CaptionRows) -> CaptionRows:
    """These rows; DataError where a caption has no word."""
    without = {caption for caption in set(rows.captions.tolist()) if not caption_words(caption)}
    for place, caption in enumerate(rows.captions.tolist() if without else ()):
        if caption in without:
            raise _empty(f"{rows.name}: {rows.where(place)}", caption)
    return rows


def _alone(rows: TextRows) -> CaptionRows:
    captions = rows.texts()
    for place, caption in enumerate(captions):
        if not caption.strip():
            raise _empty(f"{rows.name}: {rows.where(place)}")
    seen: dict[str, int] = {}
    prints = np.zeros(len(captions), np.uint64)
    for place, caption in enumerate(captions):
        seen[caption] = seen.get(caption, 0) + 1  # the same caption twice asks for two pictures
        digest = blake2b(f"{seen[caption]}:{caption}".encode(errors="surrogatepass"), digest_size=8).digest()
        prints[place] = int.from_bytes(digest, "little")
    return CaptionRows(rows, _objects(captions), kinds=False, prints=prints)


def _are_kinds(captions: np.ndarray, parts: np.ndarray | None) -> bool:
    """Whether captions are few and each has pictures enough, also to train on where parts are named."""
    kinds = _plain(captions)
    values, counts = np.unique(kinds, return_counts=True)
    if not 1 < len(values) <= MOST_KINDS or counts.min() < LEAST_OF_A_KIND:
        return False
    return parts is None or len(np.unique(kinds[parts == "train"])) == len(values)


def _plain(captions: np.ndarray) -> np.ndarray:
    words = {caption: " ".join(caption_words(caption)) for caption in set(captions.tolist())}
    return np.array([words[caption] for caption in captions.tolist()], str)


def _empty(where: str, caption: str = "") -> DataError:
    what = f"the caption {caption!r} has no word" if caption else "the caption is empty"
    return DataError(f"{where}: {what}. Say what is on the picture, or remove the row.")


def _row_of_part(layout: Layout, place: int) -> int:
    """The number of a row in its part's table of metadata, from 1."""
    if layout.parts is None:
        return place + 1
    return int((layout.parts[: place + 1] == layout.parts[place]).sum())


def _check_is_place(source: Any) -> None:
    if not isinstance(source, str | os.PathLike):
        raise DataError(
            "Expected a folder or .zip of pictures with captions, or a pair (pictures, captions), received "
            f"{type(source).__name__}."
        )
    path = Path(source)
    if path.exists() and not path.is_dir() and path.suffix.lower() != ".zip":
        raise DataError(
            f"{path} is one file; training takes a folder or .zip of pictures with captions. A table that "
            "names pictures lies in their folder as metadata.csv, with the columns file_name and text."
        )


def _has_metadata(tree: Tree) -> bool:
    return any(file.rsplit("/", 1)[-1] in METADATA for file in tree.files)


def _has_columns(path: Path, wanted: set[str]) -> bool:
    from deepfit.data.tables import read_table

    try:
        return wanted <= set(read_table(path, head=True, lenient=True).frame.columns)
    except DataError:
        return False


def _names(place: Path) -> list[str]:
    return sorted(os.listdir(place)) if place.is_dir() else []


def _objects(values: Sequence[str]) -> np.ndarray:
    found = np.empty(len(values), object)
    found[:] = values
    return found
