"""Files of what a model made: a grid of pictures, one file each, an animation, arrays, a table."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfit.cli.output import check_destination, replacing
from deepfit.errors import DataError, OptionError

TABLE_FORMATS = (".csv", ".parquet", ".jsonl")
PICTURE_FORMATS = (".png", ".webp", ".gif", ".npz")
WALK_FORMATS = (".gif", ".webp")
IMAGES = "images"

GAP_PX = 2
GAP_GREY = 255
FRAME_MS = 80
"""How long a frame of a walk is shown."""
PICTURE_MS = 500
"""How long each of several pictures in one file is shown."""


def check_places(out: str | None, walk: str | None, *, overwrite: bool) -> None:
    """OptionError, before a model is loaded, where a path cannot be written or its ending says nothing."""
    if walk is not None:
        if not walk.lower().endswith(WALK_FORMATS):
            raise OptionError(f"--walk {walk}: a walk is an animation: {' or '.join(WALK_FORMATS)}.")
        _check_file("--walk", walk, WALK_FORMATS, overwrite)
    if out is None:
        return
    if walk is not None and os.path.abspath(out) == os.path.abspath(walk):
        raise OptionError(f"--out and --walk are both {out}. Name two files.")
    if _is_folder(out):
        _check_folder(out, overwrite)
    else:
        _check_file("--out", out, (*PICTURE_FORMATS, *TABLE_FORMATS), overwrite)


def write_samples(made: Mapping[str, Any], path: str, *, prompts: Sequence[str] = ()) -> int:
    """Write what `Model.sample` made in the form that the path says; how many there are.

    Pictures of several prompts stand one prompt after the other, in a grid each prompt on rows of its own.
    OptionError where pictures are to be a table, or rows pictures.
    """
    if IMAGES not in made:
        _write_rows(made, path)
        return len(next(iter(made.values())))
    images = np.asarray(made[IMAGES])
    ending = os.path.splitext(path)[1].lower()
    if _is_folder(path):
        _write_folder(images, path, prompts)
    elif ending in (".png", ".webp"):
        _save(path, [grid(images, max(1, len(prompts)))], lossless=True)
    elif ending == ".gif":
        _save(path, images, duration=PICTURE_MS)
    elif ending == ".npz":
        _write_arrays(images, path, prompts)
    else:
        raise OptionError(
            f"--out {path}: this model makes pictures, which are no table. "
            f"Write {', '.join(PICTURE_FORMATS)}, or name a folder."
        )
    return len(images)


def write_walk(made: Mapping[str, Any], path: str) -> int:
    """Write the pictures of a walk as an animation that goes on for ever; how many there are."""
    images = np.asarray(made[IMAGES])
    _save(path, images, duration=FRAME_MS, lossless=True)
    return len(images)


def grid(images: NDArray[np.uint8], groups: int = 1) -> NDArray[np.uint8]:
    """Pictures [n, h, w, c] side by side as one [H, W, c], as nearly square as groups allow.

    groups: so many equal parts of the pictures begin on a row of their own. White lies between.
    """
    count, height, width, channels = images.shape
    each = -(-count // groups)
    columns = each if 1 < groups <= each <= 16 else min(each, max(1, round(float(count) ** 0.5)))
    rows = -(-each // columns)
    down, across = height + GAP_PX, width + GAP_PX
    sheet = np.full((groups * rows * down + GAP_PX, columns * across + GAP_PX, channels), GAP_GREY, np.uint8)
    for place, image in enumerate(images):
        group, within = divmod(place, each)
        top = (group * rows + within // columns) * down + GAP_PX
        left = within % columns * across + GAP_PX
        sheet[top : top + height, left : left + width] = image
    return sheet


def _is_folder(path: str) -> bool:
    return os.path.isdir(path) or path.endswith(("/", os.sep)) or not os.path.splitext(path)[1]


def _check_file(flag: str, path: str, formats: tuple[str, ...], overwrite: bool) -> None:
    try:
        check_destination(path, overwrite=overwrite, formats=formats)
    except OptionError as error:
        raise OptionError(str(error).replace("--out", flag, 1)) from None


def _check_folder(path: str, overwrite: bool) -> None:
    parent = os.path.dirname(os.path.abspath(path))
    if os.path.isfile(path):
        raise OptionError(f"--out {path}: that is a file. A folder of pictures needs another name.")
    if os.path.isdir(path) and os.listdir(path):
        hint = "--overwrite replaces files, not folders; name" if overwrite else "Name"
        raise OptionError(f"--out {path}: the folder is there and not empty. {hint} another.")
    if not os.path.isdir(parent):
        raise OptionError(f"--out {path}: there is no folder '{parent}'. Create it first.")


def _write_folder(images: NDArray[np.uint8], path: str, prompts: Sequence[str]) -> None:
    """One PNG each, and what each was made for in metadata.csv, as a task of captions reads it."""
    from deepfit.answers.pictures import as_picture

    digits = max(3, len(str(len(images))))
    names = [f"{place:0{digits}}.png" for place in range(1, len(images) + 1)]
    place = os.path.abspath(path)
    temporary = f"{place}.{os.getpid()}.partial"
    try:
        os.mkdir(temporary)
        for name, image in zip(names, images, strict=True):
            as_picture(image).save(os.path.join(temporary, name))
        if prompts:
            import polars

            asked = _prompt_of_each(images, prompts)
            table = polars.DataFrame({"file_name": names, "text": asked})
            table.write_csv(os.path.join(temporary, "metadata.csv"))
        os.replace(temporary, place)  # also in the place of an empty folder
    except OSError as error:
        raise DataError(f"{path}: the folder cannot be written: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write_arrays(images: NDArray[np.uint8], path: str, prompts: Sequence[str]) -> None:
    asked = {"prompts": np.array(_prompt_of_each(images, prompts), np.str_)} if prompts else {}
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, images=images, **asked)  # pyright: ignore[reportArgumentType]  (its flag is no array)


def _write_rows(made: Mapping[str, Any], path: str) -> None:
    import polars

    if not path.lower().endswith(TABLE_FORMATS):
        raise OptionError(
            f"--out {path}: this model makes rows of a table. Write {', '.join(TABLE_FORMATS)}."
        )
    frame = polars.DataFrame({name: np.asarray(values).tolist() for name, values in made.items()})
    with replacing(path) as temporary:
        if path.lower().endswith(".csv"):
            frame.write_csv(temporary)
        elif path.lower().endswith(".parquet"):
            frame.write_parquet(temporary)
        else:
            frame.write_ndjson(temporary)


def _prompt_of_each(images: NDArray[np.uint8], prompts: Sequence[str]) -> list[str]:
    each = -(-len(images) // len(prompts))
    return [prompts[place // each] for place in range(len(images))]


def _save(
    path: str, images: Sequence[Any] | NDArray[np.uint8], *, duration: int = 0, lossless: bool = False
) -> None:
    """One picture, or several as an animation, in the format that the path's ending names."""
    from deepfit.answers.pictures import as_picture

    kind = os.path.splitext(path)[1].lower()[1:].upper()
    first, *others = [as_picture(image) for image in images]
    how: dict[str, Any] = {"lossless": lossless} if kind == "WEBP" else {}
    if others:
        how |= {"save_all": True, "append_images": others, "duration": duration, "loop": 0}
    with replacing(path) as temporary:
        first.save(temporary, format=kind, **how)
