"""Which picture has which label and belongs to which part: read off names of files and metadata tables.

Two layouts, each optionally below `train/`, `valid/` (also `val/`, `validation/`) and `test/`, and below
one further top folder: one folder a class, or `metadata.csv|jsonl|parquet` with a column `file_name` and
the labels in another.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from deepfit.contract import Concern
from deepfit.data.image_checks import listed
from deepfit.data.image_decode import is_picture_name
from deepfit.data.image_sources import Tree
from deepfit.errors import DataError, suggest

if TYPE_CHECKING:
    import polars

PARTS = {
    "train": "train",
    "training": "train",
    "valid": "valid",
    "val": "valid",
    "validation": "valid",
    "test": "test",
    "testing": "test",
}
METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")


@dataclass(frozen=True)
class Layout:
    """Pictures in order, with what is known of each.

    columns: further metadata, one value a picture. concerns: what was passed over.
    """

    files: Sequence[str]
    labels: np.ndarray | None = None
    parts: np.ndarray | None = None
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    concerns: tuple[Concern, ...] = ()


def lay_out(tree: Tree, target: str, *, require_labels: bool, skip_missing: bool) -> Layout:
    """The layout of a tree's pictures; DataError where there is none or where it contradicts itself."""
    useful = [file for file in tree.files if is_picture_name(file) or file.rsplit("/", 1)[-1] in METADATA]
    top = _top(useful)
    files = [file[len(top) :] for file in useful if file.startswith(top)]
    below = _by_folder(files)
    parts = {folder: PARTS[folder.lower()] for folder in below if folder.lower() in PARTS}
    nested = any("/" in file or file in METADATA for folder in parts for file in below[folder])
    if not require_labels and parts.keys() == below.keys() and all("/" in file for file in files):
        nested = True  # pictures without classes, in parts
    if _metadata(files) or not nested:
        layout = _lay_out_part(
            tree, top, files, target, require_labels=require_labels, skip_missing=skip_missing
        )
    else:
        others = [
            folder for folder in below if folder not in parts and any(map(is_picture_name, below[folder]))
        ]
        if others:
            raise DataError(
                f"{tree.name} holds the parts {listed(parts)} and beside them folders with pictures: "
                f"{listed(others)}. "
                "Move these into a part, or out of the folder."
            )
        pieces = [
            (
                part,
                _lay_out_part(
                    tree,
                    f"{top}{folder}/",
                    below[folder],
                    target,
                    require_labels=require_labels,
                    skip_missing=skip_missing,
                ),
            )
            for folder, part in sorted(
                parts.items(), key=lambda item: ("train", "valid", "test").index(item[1])
            )
        ]
        layout = _joined(tree, pieces)
    ignored = len(tree.files) - len(useful)
    if ignored:
        concern = Concern(
            "ignored", tree.name, f"{ignored:,} files are no pictures by their names and were passed over."
        )
        layout = replace(layout, concerns=(*layout.concerns, concern))
    return layout


def _lay_out_part(
    tree: Tree, top: str, files: Sequence[str], target: str, *, require_labels: bool, skip_missing: bool
) -> Layout:
    """One part: files are relative to `top`, which ends in "/" unless it is empty."""
    metadata = _metadata(files)
    if len(metadata) > 1:
        raise DataError(
            f"{tree.name}: {top}{metadata[0]} and {top}{metadata[1]} are both there. Keep one of them."
        )
    if metadata:
        return _from_metadata(
            tree, top, metadata[0], files, target, require_labels=require_labels, skip_missing=skip_missing
        )
    pictures = [file for file in files if is_picture_name(file)]
    if not pictures:
        raise DataError(
            f"{tree.name}{'/' + top if top else ''} holds no picture (PNG, JPEG, WebP, BMP, TIFF or GIF)."
        )
    classed = [file for file in pictures if "/" in file]
    if not classed:
        if require_labels:
            raise DataError(
                f"{tree.name}{'/' + top if top else ''}: its {len(pictures):,} pictures have no labels. "
                "Put each class into a folder "
                "of its own, named for the class, or add metadata.csv with the columns file_name and label."
            )
        return Layout([top + file for file in pictures])
    concerns: tuple[Concern, ...] = ()
    if not require_labels and len(classed) < len(pictures):
        return Layout([top + file for file in pictures])
    if len(classed) < len(pictures):
        sentence = (
            f"{len(pictures) - len(classed):,} pictures lie beside the class folders, have no label "
            "and were passed over."
        )
        concerns = (Concern("ignored", top or tree.name, sentence),)
    labels = np.array([file.split("/", 1)[0] for file in classed])
    return Layout([top + file for file in classed], labels, concerns=concerns)


def _from_metadata(
    tree: Tree,
    top: str,
    metadata: str,
    files: Sequence[str],
    target: str,
    *,
    require_labels: bool,
    skip_missing: bool,
) -> Layout:
    where = f"{tree.name}: {top}{metadata}"
    table = _read_table(tree.read(top + metadata), metadata, where)
    if "file_name" not in table.columns:
        raise DataError(
            f"{where} has no column 'file_name' that names the pictures. "
            f"{suggest('file_name', table.columns)}"
        )
    others = [name for name in table.columns if name != "file_name"]
    if target not in others and require_labels:
        raise DataError(f"{where} has no column {target!r} with the labels. {suggest(target, others)}")
    if target == "file_name":
        raise DataError(
            f"{where}: 'file_name' names the pictures and cannot be the target. Name another column."
        )
    present, linked = set(files), tree.links
    kept, missing = [], []
    for row, value in enumerate(table["file_name"].to_list()):
        name = _checked_name(value, f"{where}, row {row + 1}")
        if top + name in linked and tree.leaves(top + name):
            raise DataError(
                f"{where}, row {row + 1}: {value!r} is a link that leaves the folder. Copy the picture "
                "into it."
            )
        if name in present:
            kept.append((row, top + name))
        else:
            missing.append(f"row {row + 1}: {value!r}")
    if missing and not skip_missing:
        raise DataError(
            f"{where} names {len(missing):,} pictures that are not there: {listed(missing)}. Add "
            "them or remove the rows."
        )
    if not kept:
        raise DataError(f"{where} names no picture that is there.")
    table = table[[row for row, _ in kept]]
    if target in others and require_labels and table[target].null_count():
        rows = [str(kept[int(each)][0] + 1) for each in table[target].is_null().arg_true()]
        raise DataError(
            f"{where}, column {target!r}: no label in {len(rows):,} rows: {listed(rows)}. Fill them "
            "in or remove the rows."
        )
    concerns = []
    if missing:
        concerns.append(
            Concern(
                "skipped", where, f"{len(missing):,} pictures named there are missing: {listed(missing)}."
            )
        )
    unnamed = [file for file in files if is_picture_name(file)]
    unnamed = sorted(set(unnamed) - {file[len(top) :] for _, file in kept})
    if unnamed:
        concerns.append(
            Concern(
                "ignored",
                where,
                f"{len(unnamed):,} pictures are not named there and were passed over: {listed(unnamed)}.",
            )
        )
    parts = [PARTS.get(file[len(top) :].split("/", 1)[0].lower()) for _, file in kept]
    return Layout(
        [file for _, file in kept],
        _values(table[target]) if target in others and not table[target].null_count() else None,
        None if None in parts else np.array(parts),
        columns={name: _values(table[name]) for name in others if name != target},
        concerns=tuple(concerns),
    )


def _joined(tree: Tree, pieces: Sequence[tuple[str, Layout]]) -> Layout:
    """Parts one after the other; columns that only some have are left out."""
    layouts = [layout for _, layout in pieces]
    labels = [layout.labels for layout in layouts if layout.labels is not None]
    if labels and len(labels) < len(layouts):
        bare = [part for part, layout in pieces if layout.labels is None]
        raise DataError(f"{tree.name}: {listed(bare)} has no labels, the other parts have.")
    if len({array.dtype.kind for array in labels}) > 1:
        labels = [array.astype(str) for array in labels]
    shared = [name for name in layouts[0].columns if all(name in layout.columns for layout in layouts)]
    return Layout(
        [file for layout in layouts for file in layout.files],
        np.concatenate(labels) if labels else None,
        np.concatenate([np.full(len(layout.files), part) for part, layout in pieces]),
        {name: np.concatenate([layout.columns[name] for layout in layouts]) for name in shared},
        tuple(concern for layout in layouts for concern in layout.concerns),
    )


def _read_table(content: bytes, name: str, where: str) -> polars.DataFrame:
    import polars

    if not content:
        raise DataError(f"{where} is empty (zero bytes).")
    try:
        if name.endswith(".csv"):
            table = polars.read_csv(io.BytesIO(content), infer_schema_length=None)
        elif name.endswith(".jsonl"):
            table = polars.read_ndjson(io.BytesIO(content), infer_schema_length=None)
        else:
            table = polars.read_parquet(io.BytesIO(content))
    except (polars.exceptions.PolarsError, UnicodeDecodeError, OSError) as error:
        raise DataError(f"{where} cannot be read: {error}") from error
    if not table.height:
        raise DataError(f"{where} has no rows.")
    return table


def _values(column: polars.Series) -> np.ndarray:
    values = column.to_numpy()
    return (
        values.astype(str)
        if values.dtype == object and all(isinstance(value, str) for value in values)
        else values
    )


def _checked_name(value: object, where: str) -> str:
    """A picture's path relative to its metadata, without leaving the folder."""
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"{where}: expected the name of a picture, received {value!r}.")
    name = value.replace("\\", "/")
    if name.startswith("/") or name[1:2] == ":" or ".." in name.split("/"):
        raise DataError(
            f"{where}: {value!r} leaves the folder. Name pictures relative to the metadata and below it."
        )
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def _top(files: Sequence[str]) -> str:
    """The folder, with its slash, that holds all, where what it holds is again folders; else nothing."""
    top = ""
    while True:
        rest = [file[len(top) :] for file in files]
        heads = {file.split("/", 1)[0] for file in rest}
        if len(heads) != 1 or not all("/" in file for file in rest):
            return top
        head = heads.pop()
        inner = [file.split("/", 1)[1] for file in rest]
        deeper = _metadata(inner) or sum("/" in file for file in inner)
        if head.lower() in PARTS or not deeper:
            return top
        top += f"{head}/"


def _by_folder(files: Iterable[str]) -> dict[str, list[str]]:
    folders: dict[str, list[str]] = {}
    for file in files:
        head, slash, rest = file.partition("/")
        if slash:
            folders.setdefault(head, []).append(rest)
    return folders


def _metadata(files: Iterable[str]) -> list[str]:
    return [file for file in files if file in METADATA]
