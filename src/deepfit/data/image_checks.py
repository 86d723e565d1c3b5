"""What a careful reader would say of pictures before training: what cannot be used, what to be aware of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from deepfit.contract import Concern
from deepfit.errors import DataError

TINY_CLASS = 10
IMBALANCE = 10


def stop_at_broken(name: str, names: Sequence[str], broken: Mapping[int, str]) -> None:
    """DataError that names the pictures that cannot be used, where there are any."""
    if not broken:
        return
    count = (
        f"{len(broken):,} of {len(names):,} pictures cannot be used"
        if len(names) > 1
        else "the picture cannot be used"
    )
    lines = [f"  {names[position]} {why}." for position, why in list(broken.items())[:5]]
    more = [f"  ... and {len(broken) - 5:,} more."] if len(broken) > 5 else []
    skip = ["  Pass --skip-broken to go on without them."] if len(names) > len(broken) else []
    raise DataError("\n".join([f"{name}: {count}:", *lines, *more, *skip]))


def skipped(name: str, names: Sequence[str], broken: Mapping[int, str]) -> list[Concern]:
    """The concern that says which pictures were skipped."""
    if not broken:
        return []
    reasons = [f"{names[position]} {why}" for position, why in broken.items()]
    return [
        Concern(
            "skipped",
            name,
            f"{len(broken):,} of {len(names):,} pictures cannot be used and were skipped: {listed(reasons)}.",
        )
    ]


def check_classes(name: str, labels: np.ndarray, parts: np.ndarray | None) -> None:
    """DataError where classes cannot be learned: a single one, one of one picture, one that train lacks."""
    classes, counts = np.unique(labels, return_counts=True)
    if len(classes) < 2:
        raise DataError(
            f"{name}: all {len(labels):,} pictures are of the class '{classes[0]}'; telling classes "
            "apart takes two. "
            "Expected one folder a class, or a metadata table with labels."
        )
    single = classes[counts == 1]
    if len(single):
        raise DataError(
            f"{name}: {_count(single, 'class')} with a single picture: {listed(single)}. One cannot "
            "be both learned and "
            "checked: add pictures or remove the class."
        )
    if parts is None or not (parts == "train").any():
        return
    trained = np.unique(labels[parts == "train"])
    if len(trained) < 2:
        raise DataError(
            f"{name}: the part train has the class '{trained[0]}' only; telling classes apart takes two."
        )
    for part in ("valid", "test"):
        unseen = np.setdiff1d(labels[parts == part], trained)
        if len(unseen):
            raise DataError(
                f"{name}: the part {part} has {_count(unseen, 'class')} that train lacks: {listed(unseen)}. "
                f"Known: {listed(trained)}. Is it a misspelling?"
            )


def look_over(
    name: str,
    files: np.ndarray,
    labels: np.ndarray | None,
    prints: np.ndarray,
    shapes: np.ndarray,
    coloured: np.ndarray,
) -> list[Concern]:
    """Concerns about usable pictures.

    prints: equal for near-duplicates. shapes: [rows, 2], height and width as found. coloured: [rows],
    whether any pixel is not grey.
    """
    concerns = []
    if len(np.unique(shapes, axis=0)) > 1:
        low, high = shapes.min(axis=0), shapes.max(axis=0)
        sentence = (
            f"The pictures are from {low[1]} to {high[1]} pixels wide and from {low[0]} to {high[0]} "
            "high; each is scaled and cut "
            "around its centre to one size."
        )
        concerns.append(Concern("sizes", name, sentence))
    if coloured.any() and not coloured.all():
        grey = int((~coloured).sum())
        sentence = (
            f"{grey:,} of {len(coloured):,} pictures are grey, the others coloured; make sure that "
            "this does not tell the classes."
        )
        concerns.append(Concern("modes", name, sentence))
    if labels is not None:
        concerns += _balance(name, labels)
    return concerns + _duplicates(name, files, labels, prints)


def _balance(name: str, labels: np.ndarray) -> list[Concern]:
    concerns = []
    classes, counts = np.unique(labels, return_counts=True)
    tiny = [f"{each} ({count})" for each, count in zip(classes, counts, strict=True) if count < TINY_CLASS]
    if tiny:
        sentence = (
            f"{_count(tiny, 'class')} with fewer than {TINY_CLASS} pictures: {listed(tiny)}. Scores "
            "on these mean little."
        )
        concerns.append(Concern("imbalance", name, sentence))
    most, least = int(counts.argmax()), int(counts.argmin())
    if counts[most] >= IMBALANCE * counts[least]:
        sentence = (
            f"The class '{classes[most]}' has {counts[most]:,} pictures, '{classes[least]}' has "
            f"{counts[least]:,}; "
            "look at balanced accuracy rather than accuracy."
        )
        concerns.append(Concern("imbalance", name, sentence))
    return concerns


def _duplicates(name: str, files: np.ndarray, labels: np.ndarray | None, prints: np.ndarray) -> list[Concern]:
    order = np.argsort(prints, kind="stable")
    starts = np.flatnonzero(np.r_[True, prints[order][1:] != prints[order][:-1]])
    groups = [group for group in np.split(order, starts[1:]) if len(group) > 1]
    if not groups:
        return []
    groups.sort(key=lambda group: group[0])
    copies = sum(len(group) - 1 for group in groups)
    pairs = [f"{files[group[0]]} = {files[group[1]]}" for group in groups]
    concerns = [
        Concern("duplicates", name, f"{copies:,} pictures nearly repeat another one: {listed(pairs)}.")
    ]
    if labels is None:
        return concerns
    torn = [group for group in groups if (labels[group] != labels[group[0]]).any()]
    if torn:
        named = []
        for group in torn:
            other = group[np.flatnonzero(labels[group] != labels[group[0]])[0]]
            named.append(f"{files[group[0]]} ('{labels[group[0]]}') and {files[other]} ('{labels[other]}')")
        sentence = (
            f"{len(torn):,} pictures are there more than once with different labels: {listed(named)}. "
            "One of the labels is wrong."
        )
        concerns.append(Concern("duplicates", name, sentence))
    return concerns


def listed(values: Iterable[object]) -> str:
    """The first five, and how many more there are."""
    shown = [str(value) for value in values]
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5:,} more" if len(shown) > 5 else "")


def _count(values: Sequence[object] | np.ndarray, noun: str) -> str:
    return f"1 {noun}" if len(values) == 1 else f"{len(values):,} {noun}es"
