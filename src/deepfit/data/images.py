"""Reading pictures with labels, and encoding them for a network.

`read_images` finds the pictures, decodes every one (so that a damaged one is named before any training) and
returns `ImageRows`; `learn_images` gathers the facts from training rows, and `encode_images` turns rows
into arrays by these facts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from deepfit.contract import Concern
from deepfit.data.image_archive import Archive
from deepfit.data.image_checks import check_classes, look_over, skipped, stop_at_broken
from deepfit.data.image_decode import SUFFIXES, is_picture_name
from deepfit.data.image_duplicates import groups, matches
from deepfit.data.image_layout import Layout, lay_out
from deepfit.data.image_sources import (
    FilePictures,
    Pictures,
    Tree,
    is_archive,
    natural,
    open_tree,
    pictures_from_memory,
)
from deepfit.data.image_store import Decoded, choose_size, decode_all, gather
from deepfit.errors import DataError, suggest

SMALLEST_SPREAD = 1 / 255
"""Standard deviations below one grey level are taken as one, so that scaling by them stays finite."""


def read_images(
    source: Any,
    *,
    target: str = "label",
    skip_broken: bool = False,
    require_labels: bool = True,
    size: tuple[int, int] | None = None,
    labels_needed: bool = True,
    folder: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
    lays: Callable[[Tree], Layout] | None = None,
) -> ImageRows:
    """Pictures from a folder, a .zip, a file, a list of paths, a uint8 array or Pillow pictures.

    source: one of these, or a pair (pictures, labels) of the last three.
    target: the column of labels in a metadata table, and the name under which rows give them.
    skip_broken: leave out pictures that cannot be read, and say so as a concern, rather than stop.
    require_labels: for training: every picture has a label, and the classes can be learned. Without, labels
        are taken if there.
    size: (height, width) in pixels to decode to, at prediction as in training; None: see `choose_size`.
    labels_needed: whether rows without labels cannot be scored.
    folder: where decoded pictures are kept, so that the next run finds them; None: nowhere.
    progress: called with (done, all) pictures.
    lays: what reads off a folder or .zip which pictures there are and what is known of each; None: `lay_out`.
    Raises DataError.
    """
    by_class = partial(lay_out, target=target, require_labels=require_labels, skip_missing=skip_broken)
    pictures, layout = _find(source, lays or by_class, require_labels=require_labels)
    shelf = _Shelf(pictures, folder)
    decoded = shelf.decoded(size, progress)
    usable = np.array(
        [position for position in range(len(pictures.names)) if position not in decoded.broken], np.int64
    )
    if not skip_broken or not len(usable):
        stop_at_broken(pictures.name, pictures.names, decoded.broken)
    columns = {"file": np.array(pictures.names, dtype=str), **layout.columns}
    concerns = (*layout.concerns, *skipped(pictures.name, pictures.names, decoded.broken))
    if layout.labels is not None:
        columns[target] = layout.labels
    if require_labels and layout.labels is not None:
        check_classes(
            pictures.name, layout.labels[usable], None if layout.parts is None else layout.parts[usable]
        )
    return ImageRows(
        shelf,
        usable,
        columns=columns,
        target=target,
        parts=layout.parts,
        concerns=concerns,
        labels_needed=labels_needed,
    )


def recognise(source: Any) -> str | None:
    """Why a source looks like pictures ("it holds 60,000 pictures"), or None; nothing is decoded."""
    if isinstance(source, tuple) and len(source) == 2:
        return recognise(source[0])
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if path.is_file() and is_picture_name(path.name):
            return "it is a picture"
        if path.is_dir():
            names = (name for _, _, files in os.walk(path) for name in files)
        elif path.is_file() and is_archive(path):
            names = iter(Archive(path).names)
        else:
            return None
        count = sum(1 for name in names if is_picture_name(name) and not name.startswith("."))
        return f"it holds {count:,} pictures" if count else None
    return None if isinstance(source, list | tuple) and not source else _recognise_memory(source)


class ImageRows:
    """Pictures in order, with labels and further columns; `contract.Rows`.

    `take` shares the decoded pictures and copies only positions.
    """

    def __init__(
        self,
        shelf: _Shelf,
        index: np.ndarray,
        *,
        columns: Mapping[str, np.ndarray],
        target: str,
        parts: np.ndarray | None = None,
        concerns: Sequence[Concern] = (),
        labels_needed: bool = True,
    ) -> None:
        self.name = shelf.pictures.name
        self._shelf = shelf
        self._index = index
        self._columns = columns
        self._target = target
        self._parts = parts
        self._concerns = concerns
        self._labels_needed = labels_needed

    def __len__(self) -> int:
        return len(self._index)

    def take(self, index: np.ndarray) -> ImageRows:
        """The rows at these positions."""
        return self._with(self._index[index], self._concerns)

    def remarked(self, concern: Concern) -> ImageRows:
        """The same rows, of which this is to be said too."""
        return self._with(self._index, (*self._concerns, concern))

    def unlabelled(self) -> ImageRows:
        """The same rows as if nothing were known of their labels."""
        columns = {name: values for name, values in self._columns.items() if name != self._target}
        return self._with(self._index, self._concerns, columns)

    def _with(
        self, index: np.ndarray, concerns: Sequence[Concern], columns: Mapping[str, Any] | None = None
    ) -> ImageRows:
        return ImageRows(
            self._shelf,
            index,
            columns=self._columns if columns is None else columns,
            target=self._target,
            parts=self._parts,
            concerns=concerns,
            labels_needed=self._labels_needed,
        )

    def keys(self) -> dict[str, np.ndarray]:
        """{"file": the picture's name}."""
        return {"file": self.column("file")}

    def labelled(self) -> ImageRows:
        """These rows, which have labels where those are needed; DataError where they have none."""
        if self._labels_needed and self.target() is None:
            raise DataError(
                f"{self.name} has no labels, so nothing can be scored. Put each picture in the folder of its "
                "class, or name its class in metadata.csv."
            )
        return self

    def compact(self) -> ImageRows:
        """These rows.

        Decoded pictures lie in a mapped file where they are many, so there is little to free.
        """
        return self

    def column(self, name: str) -> np.ndarray:
        """Values of "file" (the picture's name), the target, or a further column of the metadata."""
        if name not in self._columns:
            raise DataError(f"{self.name} has no column {name!r}. {suggest(name, self._columns)}")
        return self._columns[name][self._index]

    def target(self) -> np.ndarray | None:
        """The labels, or None."""
        return self._columns[self._target][self._index] if self._target in self._columns else None

    def parts(self) -> np.ndarray | None:
        """The part "train", "valid" or "test" a row where the source says so, else None."""
        return None if self._parts is None else self._parts[self._index]

    def fingerprints(self) -> np.ndarray:
        """uint64 [rows], equal for near-duplicates in the source and for the same pixels in any source."""
        return self._shelf.prints()[self._index]

    def shapes(self) -> np.ndarray:
        """int32 [rows, 2]: height and width of each picture as it is in its file."""
        return self._shelf.first.shapes[self._index]

    def coloured(self) -> np.ndarray:
        """Bool [rows]: whether any pixel is not grey, by content, whatever the file's mode."""
        return self._shelf.first.coloured[self._index]

    def signatures(self) -> np.ndarray:
        """uint8 [rows, 256]: see `image_duplicates`."""
        return self._shelf.first.signature[self._index]

    def describe(self) -> list[tuple[str, str, str, str]]:
        """(name, kind, reason, example) of the pictures and every column that came with them."""
        shapes = np.unique(self.shapes(), axis=0)
        sizes = f"{shapes[0][1]} x {shapes[0][0]} pixels" + (
            f" and {len(shapes) - 1:,} other sizes" if len(shapes) > 1 else ""
        )
        colours = "in colour" if self.coloured().any() else "grey"
        shown = [("picture", "image", f"{sizes}, {colours}", str(self.column("file")[0]))]
        for name in self._columns:
            if name != "file":
                values = self.column(name)
                kind = "target" if name == self._target else "unused"
                shown.append((name, kind, f"{len(np.unique(values)):,} different", str(values[0])))
        return shown

    def concerns(self) -> list[Concern]:
        """What was passed over, mixed sizes and colours, imbalance, near-duplicates with any labels."""
        files = self.column("file")
        found = look_over(
            self.name, files, self.target(), self.fingerprints(), self.shapes(), self.coloured()
        )
        return [*self._concerns, *found]

    def picture(self, row: int) -> np.ndarray:
        """uint8 [height, width, 1 or 3], as decoded."""
        return self._shelf.first.images[self._index[row]]

    def pixels(self, size: tuple[int, int], channels: int) -> np.ndarray:
        """uint8 [rows, height, width, channels] at this size; decoded anew, once, where read at another."""
        return gather(self._shelf.decoded(size).images, self._index, channels)


def learn_images(rows: ImageRows, *, image_size: int = 0) -> dict[str, Any]:
    """Facts from training rows, plain JSON.

    classes in natural order, size [height, width], channels (1 if no pixel has a colour, else 3), and mean
    and std a channel, for values from 0 to 1.
    image_size: side in pixels of the square that a network gets; 0: chosen from the rows by `choose_size`.
    """
    labels = rows.target()
    classes = [] if labels is None else np.unique(labels).tolist()
    if classes and isinstance(classes[0], str):
        classes.sort(key=natural)
    size = (image_size, image_size) if image_size else choose_size(rows.shapes())
    channels = 3 if rows.coloured().any() else 1
    mean, std = _moments(rows.pixels(size, channels))
    return {"classes": classes, "size": list(size), "channels": channels, "mean": mean, "std": std}


def encode_images(rows: ImageRows, facts: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Arrays for a network: images, and where rows have labels the target.

    images: uint8 [rows, height, width, channels]. target: int64 [rows], positions in facts["classes"].
    DataError for a label that is no known class.
    """
    height, width = facts["size"]
    batch = {"images": rows.pixels((height, width), facts["channels"])}
    labels = rows.target()
    if labels is None:
        return batch
    number = {str(each): position for position, each in enumerate(facts["classes"])}
    values, inverse = np.unique(labels, return_inverse=True)
    unknown = [str(value) for value in values if str(value) not in number]
    if unknown:
        raise DataError(
            f"{rows.name}: the class {unknown[0]!r} was not there in training. {suggest(unknown[0], number)}"
        )
    batch["target"] = np.array([number[str(value)] for value in values], np.int64)[inverse]
    return batch


def shared(first: ImageRows, second: ImageRows) -> list[tuple[int, int]]:
    """(row of first, row of second) for each of second with a near-duplicate in first, the earliest."""
    return matches(first.signatures(), second.signatures())


class _Shelf:
    """The pictures of a source and what has been decoded of them; all rows taken from a source share it."""

    def __init__(self, pictures: Pictures, folder: Path | None) -> None:
        self.pictures = pictures
        self._folder = folder
        self._decoded: dict[tuple[int, int], Decoded] = {}
        self._prints: np.ndarray | None = None
        self.first: Decoded

    def decoded(
        self, size: tuple[int, int] | None, progress: Callable[[int, int], None] | None = None
    ) -> Decoded:
        if size in self._decoded:
            return self._decoded[size]
        steps = decode_all(self.pictures, size=size, folder=self._folder)
        while True:
            try:
                done = next(steps)
            except StopIteration as end:
                decoded: Decoded = end.value
                break
            if progress is not None:
                progress(done, len(self.pictures.names))
        if not self._decoded:
            self.first = decoded
        self._decoded[decoded.size] = decoded
        return decoded

    def prints(self) -> np.ndarray:
        if self._prints is None:
            self._prints = groups(self.first.signature, self.first.prints)
        return self._prints


def _find(source: Any, lays: Callable[[Tree], Layout], *, require_labels: bool) -> tuple[Pictures, Layout]:
    """The pictures of any source, and what is known of each."""
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        if path.is_dir() or (path.is_file() and is_archive(path)):
            tree = open_tree(path)
            layout = lays(tree)
            return tree.pictures(layout.files), layout
        if not path.exists():
            raise DataError(f"There is no file or folder {path}.")
        if require_labels:
            raise DataError(
                f"{path} is one file; training takes a folder with a folder a class, or a .zip of it."
            )
        if not is_picture_name(path.name) and path.suffix:
            raise DataError(
                f"{path} is no picture by its name. Known endings: {', '.join(sorted(SUFFIXES))}."
            )
        return FilePictures(str(path), [path.name], [str(path)]), Layout([path.name])
    labels = None
    if isinstance(source, tuple) and len(source) == 2 and not isinstance(source[0], str | os.PathLike):
        source, labels = source
    pictures = pictures_from_memory(source)
    if pictures is None:
        raise DataError(
            "Expected a folder, a .zip, a picture, a list of paths, a uint8 array [rows, height, "
            "width(, channels)] or Pillow "
            f"pictures, received {type(source).__name__}."
        )
    if labels is None and require_labels:
        raise DataError(
            f"{pictures.name} have no labels. Pass (pictures, labels), or a folder with a folder a class."
        )
    labels = None if labels is None else np.asarray(labels)
    if labels is not None and labels.shape != (len(pictures.names),):
        raise DataError(
            f"{pictures.name}: {len(pictures.names):,} pictures, but labels of the shape "
            f"{list(labels.shape)}."
        )
    return pictures, Layout(list(pictures.names), labels)


def _recognise_memory(source: Any) -> str | None:
    try:
        pictures = pictures_from_memory(source)
    except DataError:
        return None
    if pictures is None or (isinstance(source, list) and not all(map(is_picture_name, _path_names(source)))):
        return None
    return f"it is a list of {len(pictures.names):,} pictures"


def _path_names(source: list[Any]) -> list[str]:
    return [os.fspath(item) for item in source if isinstance(item, str | os.PathLike)]


def _moments(images: np.ndarray) -> tuple[list[float], list[float]]:
    """Mean and standard deviation a channel on the scale [0, 1], from exact counts of the 256 values."""
    levels = np.arange(256) / 255
    mean, std = [], []
    step = max(1, (1 << 22) // max(1, images[0].size)) if len(images) else 1
    for channel in range(images.shape[3]):
        counts = np.zeros(256, np.int64)
        for start in range(0, len(images), step):
            counts += np.bincount(images[start : start + step, ..., channel].ravel(), minlength=256)
        share = counts / max(1, counts.sum())
        centre = float(share @ levels)
        mean.append(centre)
        std.append(max(float(np.sqrt(share @ np.square(levels - centre))), SMALLEST_SPREAD))
    return mean, std
