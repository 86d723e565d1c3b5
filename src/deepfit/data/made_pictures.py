"""Pictures to learn to make: read, checked before training, brought to a square that the networks know."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import numpy as np

from deepfit.contract import Concern
from deepfit.data.image_sources import natural
from deepfit.data.images import ImageRows, read_images
from deepfit.errors import ArtifactError, DataError

SIZES = (16, 32, 64)
"""Sides in pixels that the networks make."""
FEWEST = 50
"""Pictures below which nothing can be learned of how pictures vary."""
ROWS_A_CLASS = 5
"""Pictures a class, on average, from which a judge can learn the classes."""
RICH_CLASSES = 5
"""Classes from which on telling them apart teaches a judge enough."""
CLUSTERS, ROWS_A_CLUSTER, TURNS = 32, 20, 4
"""Groups of like pictures that a judge learns where there are fewer classes: at most so many, of at least so
many pictures each on average; and the quarters by which it sees pictures turned."""
FILES = ("model.safetensors", "model/model.safetensors")


def read_pictures(
    source: Any, *, target: str | None, skip_broken: bool, image_size: str, facts: Mapping[str, Any] | None
) -> ImageRows:
    """The pictures of a source, with classes where folders or `target` give them.

    facts: None for training; then at least FEWEST pictures that are not all equal are asked for. DataError.
    """
    rows = read_images(
        source,
        target=target or "label",
        skip_broken=skip_broken,
        require_labels=False,
        size=tuple(facts["size"]) if facts else None,
        labels_needed=target is not None,
    )
    if target is not None and rows.target() is None:
        raise DataError(f"{rows.name} has no labels for --target {target}: leave --target away.")
    return checked(rows, image_size) if facts is None else rows


class Pictured(Protocol):
    """Rows of pictures, with classes or with captions."""

    name: str

    def __len__(self) -> int: ...

    def target(self) -> np.ndarray | None:
        """The classes, where there are any."""
        ...

    def picture(self, row: int) -> np.ndarray:
        """uint8 [height, width, 1 or 3], as decoded."""
        ...

    def shapes(self) -> np.ndarray:
        """int32 [rows, 2]: height and width as in the file."""
        ...

    def coloured(self) -> np.ndarray:
        """Bool [rows]: whether any pixel is not grey."""
        ...

    def remarked(self, concern: Concern) -> Self:
        """The same rows, of which this is to be said too."""
        ...


P = TypeVar("P", bound=Pictured)


def checked(rows: P, image_size: str) -> P:
    """Pictures to learn from, with what is to be said of their sizes; DataError for too few or equal ones."""
    check_enough(rows)
    side = square_of(rows, image_size)
    shapes = rows.shapes()
    if (shapes != side).any():
        found = np.unique(shapes, axis=0)
        many = f" and {len(found) - 1:,} other sizes" if len(found) > 1 else ""
        sentence = (
            f"Pictures of {found[0][1]} x {found[0][0]} pixels{many} are scaled, and cut around their centre "
            f"where they are no squares, to {side} x {side}: the networks make {listed_sizes()} pixels "
            "(--image-size)."
        )
        rows = rows.remarked(Concern("sizes", rows.name, sentence))
    return rows


def check_enough(rows: Pictured) -> None:
    """DataError for too few pictures, and for pictures that are all the same."""
    if len(rows) < FEWEST:
        raise DataError(
            f"{rows.name}: {len(rows):,} picture{'s' * (len(rows) != 1)}, from which nothing can be learned "
            f"of how pictures vary. Expected at least {FEWEST}; from a few hundred on made pictures begin to "
            "resemble them, and some thousands are better."
        )
    first = rows.picture(0)
    if all(
        rows.picture(row).shape == first.shape and np.array_equal(rows.picture(row), first)
        for row in range(1, len(rows))
    ):
        raise DataError(
            f"{rows.name}: all {len(rows):,} pictures are equal, so there is nothing to learn but a copy. Is "
            "it the right folder?"
        )


def square_of(rows: Pictured, image_size: str = "auto") -> int:
    """The side in pixels that pictures are brought to: the one of SIZES that is nearest to their own."""
    if image_size != "auto":
        return int(image_size)
    side = float(np.median(np.sqrt(rows.shapes().astype(np.float64).prod(axis=1))))
    return min(SIZES, key=lambda size: abs(np.log(size / side)))


def listed_sizes() -> str:
    """The sides that there are, in words."""
    *first, last = map(str, SIZES)
    return f"{', '.join(first)} or {last}"


def learn_pictures(rows: Pictured, *, image_size: str, features: str | None) -> dict[str, Any]:
    """Facts from training rows, plain JSON.

    classes in natural order (none for fewer than two), size [side, side], channels (1 if no pixel has a
    colour, else 3); judge: how many `outputs` it has, and how many of them are `classes`, `clusters` (groups
    of like pictures) and `turns` (quarters by which a picture was turned), in this order; of one that was
    `given` (`features`) classes are 0 unless they are those of the rows.
    """
    labels = rows.target()
    classes = [] if labels is None else np.unique(labels).tolist()
    if classes and isinstance(classes[0], str):
        classes.sort(key=natural)
    if len(classes) < 2:
        classes = []
    side, channels = square_of(rows, image_size), 3 if rows.coloured().any() else 1
    if features is not None:
        judge = given_judge(features, channels, classes)
    else:
        learned = len(classes) if len(rows) >= ROWS_A_CLASS * len(classes) else 0
        judge = {"given": False, "classes": learned, "clusters": 0, "turns": 0}
        if learned < RICH_CLASSES:
            judge |= {"clusters": int(np.clip(len(rows) // ROWS_A_CLUSTER, 2, CLUSTERS)), "turns": TURNS}
        judge["outputs"] = judge["classes"] + judge["clusters"] + judge["turns"]
    return {"classes": classes, "size": [side, side], "channels": channels, "judge": judge}


def encode_pictures(rows: ImageRows, facts: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """`images` uint8 [rows, side, side, channels], `target` int64 [rows] where training had classes.

    A class that training did not have is -1.
    """
    side = facts["size"][0]
    batch = {"images": rows.pixels((side, side), facts["channels"])}
    labels = rows.target()
    if labels is not None and facts["classes"]:
        number = {str(each): place for place, each in enumerate(facts["classes"])}
        values, inverse = np.unique(labels, return_inverse=True)
        batch["target"] = np.array([number.get(str(value), -1) for value in values], np.int64)[inverse]
    return batch


def find_features(path: str) -> Path:
    """The file of weights that `--features` names; ArtifactError where there is none."""
    place = Path(path)
    found = (
        place if place.is_file() else next((place / file for file in FILES if (place / file).is_file()), None)
    )
    if found is None:
        raise ArtifactError(
            f"--features {path}: there is no such file, nor a folder with {' or '.join(FILES)}. Expected the "
            "folder of another run of unconditional-image-generation or text-to-image, or its "
            "model.safetensors."
        )
    return found


def given_judge(path: str, channels: int, classes: list[Any]) -> dict[str, Any]:
    """What is known of the judge in a file: its outputs, and whether these are the classes of this data.

    ArtifactError where the file holds no judge, or one of pictures with other channels.
    """
    import json

    from safetensors import SafetensorError, safe_open

    file = find_features(path)
    try:
        with safe_open(file, framework="numpy") as opened:
            names = set(opened.keys())
            shapes = {name: opened.get_slice(name).get_shape() for name in names}
    except (SafetensorError, OSError) as error:
        raise ArtifactError(f"--features {file}: is no safetensors file ({error}).") from None
    stem, head = shapes.get("judge.body.stem.weight"), shapes.get("judge.body.head.weight")
    if stem is None or head is None or "judge.scale" not in names:
        raise ArtifactError(
            f"--features {file}: holds no judge (judge.body.stem.weight, ...). Expected the "
            "model.safetensors of another run of unconditional-image-generation or text-to-image."
        )
    if stem[1] != channels:
        kinds = {1: "grey", 3: "coloured"}
        raise ArtifactError(
            f"--features {file}: its judge looks at {kinds.get(stem[1], stem[1])} pictures, these are "
            f"{kinds[channels]}. Leave --features away."
        )
    beside = file.with_name("facts.json")
    known = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
    knows = known.get("classes") == classes and known.get("judge", {}).get("classes") == len(classes)
    learned = len(classes) if knows else 0
    return {"given": True, "classes": learned, "clusters": 0, "turns": 0, "outputs": int(head[0])}
