"""Nearly the same picture twice: found by a small grey version that re-encoding hardly changes.

A picture's signature is its grey version averaged over a grid of 16 x 16 areas. Two pictures are
near-duplicates when the root mean square difference of their signatures, of 255 grey levels, is at most
`TOLERANCE`, and at most a tenth of the picture's own contrast plus half a level, so that pale pictures are
not all alike. Saving as JPEG at quality 75 moves a 28 x 28 picture by at most 3.1 levels (99.9 % of
Fashion-MNIST), while two different pictures of that set lie 3.9 apart at the least. Shifted or cropped
copies are not found.

Pairs are found without comparing all: if signatures differ by a vector no longer than e, so do their
projections on any unit vectors; the projections on six slow cosines are cut into cells, and only pictures
in the same cell, or within e of its border, are compared. The result is exact: no pair within the tolerance
is missed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

GRID = 16
TOLERANCE = 3.25
_REACH = TOLERANCE * GRID + 0.01
"""The longest difference vector of two signatures that are near-duplicates, and room for rounding."""
_CELL = 4 * _REACH
_WAVES = sorted(
    ((down, across) for down in range(5) for across in range(5)), key=lambda wave: (sum(wave), wave)
)
"""The cosines that signatures are projected on, slowest first; the first `_AXES` make the cells."""
_AXES = 6
_MIX = np.uint64(0x9E3779B97F4A7C15)
_AT_ONCE = 100_000


def signatures(images: np.ndarray) -> np.ndarray:
    """uint8 [rows, 256] of pictures uint8 [rows, height, width, channels]."""
    rows, height, width, channels = images.shape
    if channels == 3:
        grey = images.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
    else:
        grey = images[..., 0].astype(np.float32)
    small = _areas(height) @ grey @ _areas(width).T
    return np.rint(small).astype(np.uint8).reshape(rows, GRID * GRID)


def near_pairs(
    first: np.ndarray, second: np.ndarray | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs (positions in first, positions in second) of near-duplicates, in pieces.

    first, second: signatures uint8 [rows, 256]. Without second: pairs within first, the smaller position
    first.
    """
    other = first if second is None else second
    if not len(first) or not len(other):
        return
    points = _project(first)
    targets = points if second is None else _project(second)
    cells, owners = _cells_within_reach(points[:, :_AXES])
    keys = _keys(np.floor(targets[:, :_AXES] / _CELL).astype(np.int64))
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    begin, end = np.searchsorted(keys, cells, "left"), np.searchsorted(keys, cells, "right")
    for left, place in _candidates(owners, begin, end):
        right = order[place]
        if second is None:
            left, right = left[left < right], right[left < right]
        close = np.square(points[left] - targets[right]).sum(axis=1) <= np.square(_REACH)
        left, right = left[close], right[close]
        near = _is_near(first[left], other[right])
        if near.any():
            yield left[near], right[near]


def groups(signature: np.ndarray, prints: np.ndarray) -> np.ndarray:
    """uint64 [rows]: `prints`, but one value (the least) for all near-duplicates, and for those of these.

    prints: equal for pictures with the same pixels; one of each is compared with the others.
    """
    unique, representative, inverse = np.unique(prints, return_index=True, return_inverse=True)
    pairs = list(near_pairs(signature[representative]))
    if pairs:
        left = np.concatenate([pair[0] for pair in pairs])
        right = np.concatenate([pair[1] for pair in pairs])
        while True:
            least = np.minimum(unique[left], unique[right])
            if (unique[left] == least).all() and (unique[right] == least).all():
                break
            np.minimum.at(unique, left, least)
            np.minimum.at(unique, right, least)
    return unique[inverse]


def matches(first: np.ndarray, second: np.ndarray) -> list[tuple[int, int]]:
    """(position in first, in second) for each of second with a near-duplicate in first, the earliest."""
    earliest = np.full(len(second), len(first), np.int64)
    for left, right in near_pairs(first, second):
        np.minimum.at(earliest, right, left)
    found = np.flatnonzero(earliest < len(first))
    return list(zip(earliest[found].tolist(), found.tolist(), strict=True))


def _is_near(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    one, other = first.astype(np.float32), second.astype(np.float32)
    distance = np.sqrt(np.square(one - other).mean(axis=1))
    contrast = np.minimum(one.std(axis=1), other.std(axis=1))
    return distance <= np.minimum(TOLERANCE, 0.5 + 0.1 * contrast)


def _project(signature: np.ndarray) -> np.ndarray:
    """float32 [rows, 25]: coefficients of orthonormal two-dimensional cosines (DCT-II)."""
    places = np.arange(GRID) + 0.5
    wave = [np.cos(np.pi * frequency * places / GRID) for frequency in range(5)]
    wave = [each / np.linalg.norm(each) for each in wave]
    basis = np.stack([np.outer(wave[down], wave[across]).ravel() for down, across in _WAVES], axis=1)
    return signature.astype(np.float32) @ basis.astype(np.float32)


def _cells_within_reach(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The key of every cell that lies within reach of each point, and whose it is."""
    low = np.floor((points - _REACH) / _CELL).astype(np.int64)
    high = np.floor((points + _REACH) / _CELL).astype(np.int64)
    owners, cells = np.arange(len(points)), low
    for axis in range(points.shape[1]):
        split = np.flatnonzero(high[owners, axis] != low[owners, axis])
        further = cells[split].copy()
        further[:, axis] += 1
        owners, cells = np.concatenate([owners, owners[split]]), np.concatenate([cells, further])
    return _keys(cells), owners


def _keys(cells: np.ndarray) -> np.ndarray:
    """One uint64 a cell; two cells that share a key by accident cost a comparison and nothing else."""
    keys = np.zeros(len(cells), np.uint64)
    for axis in range(cells.shape[1]):
        keys = (keys ^ cells[:, axis].astype(np.uint64)) * _MIX
        keys ^= keys >> np.uint64(29)
    return keys


def _candidates(
    owners: np.ndarray, begin: np.ndarray, end: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(owner, place) for every place from begin to end of each owner, about `_AT_ONCE` at a time."""
    counts = end - begin
    some = counts > 0
    owners, begin, counts = owners[some], begin[some], counts[some]
    total = np.concatenate([[0], np.cumsum(counts)])
    for start in range(0, int(total[-1]), _AT_ONCE):
        number = np.arange(start, min(start + _AT_ONCE, int(total[-1])))
        which = np.searchsorted(total, number, "right") - 1
        yield owners[which], begin[which] + (number - total[which])


def _areas(length: int) -> np.ndarray:
    """float32 [16, length]: row i averages the i-th sixteenth of the length, fractions of pixels included."""
    edges = np.linspace(0, length, GRID + 1)
    pixels = np.arange(length)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    overlap = np.maximum(overlap, 0)
    return (overlap / overlap.sum(axis=1, keepdims=True)).astype(np.float32)
