"""How like made rows are to real ones, in NumPy alone: column by column, pair by pair, and row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfit.data.generation_views import MOST_BINS, correlations

AT_ONCE = 512


def column_distances(
    made: NDArray[np.int16], real: NDArray[np.int16], ordered: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """How far the columns of made rows [rows, columns] are from those of real ones, by bins; [columns].

    ordered columns: Kolmogorov and Smirnov's largest difference of the shares up to a value (a missing one
    comes first); others: the total variation, half the sum of the differences of shares. Both in [0, 1].
    """
    ours, theirs = _shares(made), _shares(real)
    total = np.abs(ours - theirs).sum(1) / 2
    largest = np.abs(np.cumsum(ours - theirs, axis=1)).max(1)
    return np.where(ordered, largest, total)


def _shares(binned: NDArray[np.int16]) -> NDArray[np.float64]:
    rows, columns = binned.shape
    flat = binned + np.arange(columns, dtype=np.intp) * MOST_BINS
    counts = np.bincount(flat.ravel(), minlength=columns * MOST_BINS)
    return counts.reshape(columns, MOST_BINS) / max(rows, 1)


def pair_difference(made: NDArray[np.float32], real: NDArray[np.float32], places: NDArray[np.intp]) -> float:
    """Mean size of the difference of correlations among features of two columns, made less real.

    made, real: [rows, features]; places: each feature's column. 0 where there is but one column.
    """
    first, second = np.triu_indices(len(places), 1)
    other = places[first] != places[second]
    if not other.any():
        return 0.0
    return float(np.abs((correlations(made) - correlations(real))[first[other], second[other]]).mean())


def nearest(asked: NDArray[np.float32], known: NDArray[np.float32]) -> NDArray[np.float32]:
    """Distance of each asked row to the nearest known one: the root mean square over features, [rows]."""
    size = np.square(known).sum(1)
    found = np.empty(len(asked), np.float32)
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        squared = size - 2 * (some @ known.T)
        found[start : start + AT_ONCE] = squared.min(1) + np.square(some).sum(1)
    found[found < 1e-5 * max(asked.shape[1], 1)] = 0  # what rounding leaves of rows that are the same
    return np.sqrt(found / max(asked.shape[1], 1))


def area(higher: NDArray[Any], lower: NDArray[Any]) -> float:
    """The chance that one of `higher` is above one of `lower`, ties half: the area under the ROC curve."""
    everything = np.concatenate([higher, lower])
    _, place, counts = np.unique(everything, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place[: len(higher)]]
    return float((ranks.mean() - (len(higher) + 1) / 2) / max(len(lower), 1))
