"""Scores of made examples beside real ones, both as features [rows, width]. NumPy and SciPy alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

BLOCK_VALUES = 1 << 22
"""Distances that are held at once."""
LEAST_PICTURES, SEEN = 5, 0.8
ROUNDING = 1e-12
"""Squared distances that differ by less than this share of the longest vector's square are equal."""


def frechet_distance(real: ArrayLike, made: ArrayLike) -> float:
    """How far apart two sets of features lie, each taken as a Gaussian: 0 for equal ones.

    |m - n|^2 + tr(C + D - 2 (C D)^(1/2)), means m, n and covariances C, D (of rows - 1). real: [n, width],
    made: [m, width]; float64. The trace of the root is the sum of the singular values of C^(1/2) D^(1/2), so
    that covariances may be singular, as they are where there are fewer rows than features. It depends on how
    many rows there are: compare only what was computed from equally many. ValueError for fewer than two rows
    or different widths. Source: Heusel et al. 2017, arXiv 1706.08500, eq. 6.
    """
    first, second = _features(real), _features(made)
    if len(first) < 2 or len(second) < 2:
        raise ValueError(f"a covariance needs two rows, received {len(first)} and {len(second)}")
    _same_width(first, second)
    apart = first.mean(0) - second.mean(0)
    one, other = np.atleast_2d(np.cov(first, rowvar=False)), np.atleast_2d(np.cov(second, rowvar=False))
    shared = np.linalg.svd(_root(one) @ _root(other), compute_uv=False).sum()
    return float(max(0.0, apart @ apart + np.trace(one) + np.trace(other) - 2 * shared))


def in_manifold(reference: ArrayLike, points: ArrayLike, nearest: int = 5) -> NDArray[np.bool_]:
    """Which points lie within the reference: bool [m] for reference [n, width] and points [m, width].

    Within: no farther from some row of the reference than that row's `nearest`-th neighbour among the others
    (the farthest of them where there are fewer). The share of made points in the manifold of real ones is
    their precision, the share of real ones in the manifold of made ones their recall. ValueError for an empty
    reference or different widths. Source: Kynkaanniemi et al. 2019, arXiv 1904.06991, eq. 1 and 2, with
    `nearest` = 3 there.
    """
    known, asked = _features(reference), _features(points)
    if not len(known) or nearest < 1:
        raise ValueError(f"received a reference of {len(known)} rows and nearest = {nearest}")
    _same_width(known, asked)
    centre = known.mean(0)  # keeps squares small beside the distances that are differences of them
    known, asked = known - centre, asked - centre
    radius = _neighbour_distances(known, min(nearest, len(known) - 1))
    radius += ROUNDING * (known * known).sum(1).max()
    inside = np.zeros(len(asked), np.bool_)
    for start, stop in _blocks(len(asked), len(known)):
        inside[start:stop] = (_squared_distances(asked[start:stop], known) <= radius).any(1)
    return inside


def visible(logits: NDArray, told: NDArray) -> NDArray[np.bool_]:
    """Which words can be seen in pictures, and not only read in captions: bool [words].

    logits: [n, words], of each word being what a real picture shows; told: 0 or 1 [n, words], whether its
    caption has the word. Seen is a word that gets the higher logit in four of five pairs of a picture that
    has it and one that lacks it (ROC AUC), of at least five of either.
    """
    from scipy.stats import rankdata

    having = told.sum(0)
    lacking = len(told) - having
    ranks = rankdata(logits, axis=0) if len(logits) else logits
    above = (ranks * told).sum(0) - having * (having + 1) / 2
    known = (having >= LEAST_PICTURES) & (lacking >= LEAST_PICTURES)
    return known & (above >= SEEN * np.maximum(having * lacking, 1))


def likeliest(logits: NDArray, asked: NDArray, candidates: NDArray) -> NDArray[np.bool_]:
    """Which pictures show what was asked for rather than anything else: bool [n].

    logits: [n, words], of each word being what the picture shows; asked: 0 or 1 [n, words], the words that
    were asked for; candidates: 0 or 1 [m, words], what might have been asked for instead. True where what was
    asked for is likelier than every candidate of other words, each word on its own: since sum_k log p(word k
    is there or not) = c . logits + constant, the greatest c . logits wins. A tie is False.
    """
    own = (logits * asked).sum(1)
    others = logits @ candidates.T.astype(logits.dtype)
    same = asked.sum(1)[:, None] + candidates.sum(1) == 2 * asked @ candidates.T
    return own > np.where(same, -np.inf, others).max(1, initial=-np.inf)


def _features(values: ArrayLike) -> NDArray[np.float64]:
    found = np.asarray(values, np.float64)
    if found.ndim != 2:
        raise ValueError(f"features are [rows, width], received an array of shape {found.shape}")
    return found


def _same_width(first: NDArray[np.float64], second: NDArray[np.float64]) -> None:
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"features of {first.shape[1]} and of {second.shape[1]} numbers cannot be compared")


def _root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """The symmetric square root; what rounding made of eigenvalues of zero counts as zero."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def _neighbour_distances(rows: NDArray[np.float64], place: int) -> NDArray[np.float64]:
    """The squared distance [rows] of each row to its `place`-th neighbour; its own is place 0."""
    found = np.zeros(len(rows))
    for start, stop in _blocks(len(rows), len(rows)):
        squares = _squared_distances(rows[start:stop], rows)
        squares[np.arange(stop - start), np.arange(start, stop)] = -1.0  # itself, before any equal row
        found[start:stop] = np.partition(squares, place, axis=1)[:, place]
    return np.maximum(found, 0)


def _squared_distances(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    squares = (first * first).sum(1)[:, None] - 2 * first @ second.T + (second * second).sum(1)
    return np.maximum(squares, 0)


def _blocks(rows: int, beside: int) -> list[tuple[int, int]]:
    step = max(1, BLOCK_VALUES // max(1, beside))
    return [(start, min(start + step, rows)) for start in range(0, rows, step)]
