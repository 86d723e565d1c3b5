"""Noise that belongs to a row: normal numbers that follow from its picture and a seed alone."""

from __future__ import annotations

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MULTIPLY = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


AT_ONCE = 1 << 22


def prints_of(images: np.ndarray) -> np.ndarray:
    """uint64 [rows], equal for equal pictures uint8 [rows, ...] and otherwise by chance alone.

    Sum of pixel times a number of its place, without bound; rows that merely resemble one another differ,
    which `Rows.fingerprints` of pictures do not promise.
    """
    flat = images.reshape(len(images), -1)
    places = _mixed(np.arange(1, flat.shape[1] + 1, dtype=np.uint64) * GOLDEN) | np.uint64(1)
    found = np.empty(len(flat), np.uint64)
    step = max(1, AT_ONCE // max(1, flat.shape[1]))
    for start in range(0, len(flat), step):
        part = flat[start : start + step].astype(np.uint64) + np.uint64(1)
        found[start : start + step] = _mixed((part * places).sum(axis=1, dtype=np.uint64))
    return found


def normal_of(fingerprints: np.ndarray, width: int, seed: int) -> np.ndarray:
    """Standard normal float32 [rows, width] from uint64 [rows]: equal fingerprints get equal numbers.

    Uniform numbers by SplitMix64 (Steele et al. 2014, OOPSLA, figure 13) on fingerprint, seed and column,
    then the transform of Box and Muller 1958.
    """
    pairs = (width + 1) // 2
    start = _mixed(fingerprints.astype(np.uint64) ^ _mixed(np.array([seed], np.uint64)))
    steps = np.arange(1, 2 * pairs + 1, dtype=np.uint64) * GOLDEN
    bits = _mixed(start[:, None] + steps[None, :])
    uniform = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53
    radius = np.sqrt(-2 * np.log(uniform[:, :pairs]))
    angle = 2 * np.pi * uniform[:, pairs:]
    both = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return both[:, :width].astype(np.float32)


def _mixed(bits: np.ndarray) -> np.ndarray:
    """SplitMix64's finisher; wraps around as unsigned numbers do."""
    bits = (bits ^ (bits >> np.uint64(30))) * MULTIPLY[0]
    bits = (bits ^ (bits >> np.uint64(27))) * MULTIPLY[1]
    return bits ^ (bits >> np.uint64(31))


def round_trip(places: np.ndarray, steps: int) -> np.ndarray:
    """Points float32 [steps, width] on a way from place to place [places, width] and back to the first.

    Between two places the way is an arc on the sphere, and the length goes evenly from one to the other, so
    that points on it are as likely noise as the places themselves: in many dimensions normal noise lies near
    a sphere, through whose middle a straight line would cut.  Source: White 2016, arXiv 1609.04468.
    """
    at = np.arange(steps) * len(places) / steps
    here, share = at.astype(np.int64), (at % 1)[:, None]
    start, end = places[here], places[(here + 1) % len(places)]
    lengths = [np.linalg.norm(each, axis=1, keepdims=True) for each in (start, end)]
    start, end = start / lengths[0], end / lengths[1]
    angle = np.arccos(np.clip((start * end).sum(1, keepdims=True), -1, 1))
    sine = np.sin(angle)
    straight = sine < 1e-6
    sine = np.where(straight, 1.0, sine)
    first = np.where(straight, 1 - share, np.sin((1 - share) * angle) / sine)
    second = np.where(straight, share, np.sin(share * angle) / sine)
    length = (1 - share) * lengths[0] + share * lengths[1]
    return ((first * start + second * end) * length).astype(np.float32)
