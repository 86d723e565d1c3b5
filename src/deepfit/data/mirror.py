"""Whether a mirrored picture still belongs to its class: found from the pictures, before any training.

Mirroring doubles what is seen of cats and chairs, but it turns a `b` into a `d` and a boot that points left
into a picture that no test set holds. So half of a sample answers for the other half by its nearest
neighbour, once as it is and once mirrored: where the mirrored pictures are recognised about as well,
mirroring is harmless; where those of some class are not, it would teach what is not so.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SIDE = 16
SAMPLE = 4000
ENOUGH = 8
"""Recognised pictures from which a class is judged by itself."""
CLASS_KEEPS, ALL_KEEP = 0.5, 0.75
"""Smallest share of recognitions that has to survive the mirror: in each class, and over all pictures."""


class Mirror(NamedTuple):
    """Whether mirroring is harmless, and the sentence that says why."""

    harmless: bool
    why: str


def judge_mirror(
    images_NHWC: np.ndarray, labels_N: np.ndarray, *, seed: int = 0, kind: str = "class"
) -> Mirror:
    """Compare how well pictures and their mirror images are recognised by their nearest neighbour.

    images_NHWC: uint8, of one size; labels_N: numbers of classes, or of what `kind` calls them. At most 4,000
    rows are looked at, as pictures of at most 16 px.
    """
    chosen = np.sort(np.random.default_rng(seed).permutation(len(labels_N))[:SAMPLE])
    halves = np.random.default_rng(seed + 1).permutation(len(chosen))
    known, asked = chosen[halves[: len(chosen) // 2]], chosen[halves[len(chosen) // 2 :]]
    if not len(known):
        return Mirror(False, f"there are too few pictures to tell whether mirrored ones keep their {kind}")
    small_known, small_asked = shrink(images_NHWC[known]), shrink(images_NHWC[asked])
    labels_known, labels_asked = labels_N[known], labels_N[asked]
    plain = _nearest(small_asked, small_known, labels_known) == labels_asked
    mirrored = _nearest(small_asked[:, :, ::-1], small_known, labels_known) == labels_asked
    share = (
        f"{plain.mean():.0%} of pictures and {mirrored.mean():.0%} of mirrored ones resemble their "
        f"{kind} most"
    )
    for label in np.unique(labels_asked):
        own = labels_asked == label
        if plain[own].sum() >= ENOUGH and mirrored[own].sum() < CLASS_KEEPS * plain[own].sum():
            return Mirror(False, f"mirrored pictures of a {kind} no longer resemble it ({share})")
    if mirrored.sum() < ALL_KEEP * plain.sum():
        return Mirror(False, f"mirrored pictures resemble another {kind} ({share})")
    return Mirror(True, share)


def shrink(images_NHWC: np.ndarray) -> np.ndarray:
    """Means over blocks, float32 [N, <= 16, <= 16, C]; a rest at the lower and right edge is left out."""
    rows, height, width, channels = images_NHWC.shape
    down, across = -(-height // SIDE), -(-width // SIDE)
    kept = images_NHWC[:, : height // down * down, : width // across * across]
    blocks = kept.reshape(rows, height // down, down, width // across, across, channels)
    return blocks.mean((2, 4), dtype=np.float32)


def _nearest(asked: np.ndarray, known: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The label of the most correlated known picture, for each that is asked for."""
    return labels[(_unit(asked) @ _unit(known).T).argmax(1)]


def _unit(pictures: np.ndarray) -> np.ndarray:
    flat = pictures.reshape(len(pictures), -1)
    flat = flat - flat.mean(1, keepdims=True)
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
