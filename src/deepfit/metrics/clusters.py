"""Scores of a partition of rows: how compact it is, and how well it agrees with labels.

Names and definitions are scikit-learn's. Cluster and label numbers are whole numbers from 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

REFERENCES = 4000
"""Rows to which distances are measured, spread evenly over all rows where there are more."""
AT_ONCE = 1 << 22


def silhouettes(
    points: ArrayLike, clusters: ArrayLike, *, references: int = REFERENCES
) -> NDArray[np.float64]:
    """How much nearer each row is to its own cluster than to the next one, float64 [rows], -1 to 1.

    (b - a) / max(a, b), a = mean Euclidean distance to the other rows of the row's cluster, b = the least
    mean distance to the rows of another one. 0 for a row that is alone in its cluster, and for all rows of a
    single cluster. Of more rows than `references`, distances are measured to so many of them.
    Source: Rousseeuw 1987, J. Comput. Appl. Math. 20, 53.
    """
    points_RF, codes = np.asarray(points, np.float64), np.unique(clusters, return_inverse=True)[1]
    rows, count = len(points_RF), int(codes.max(initial=-1)) + 1
    if count < 2:
        return np.zeros(rows)
    shown = np.unique(np.linspace(0, rows - 1, min(rows, references)).astype(np.int64))
    belongs = np.eye(count)[codes[shown]]
    sizes, squares = belongs.sum(0), np.square(points_RF).sum(1)
    met = np.zeros(rows, bool)
    met[shown] = True
    found = np.zeros(rows)
    step = max(1, AT_ONCE // len(shown))
    for start in range(0, rows, step):
        part = slice(start, min(start + step, rows))
        squared = squares[part, None] + squares[shown] - 2 * points_RF[part] @ points_RF[shown].T
        sums = np.sqrt(np.maximum(squared, 0)) @ belongs  # [part, clusters]; a row's own distance adds 0
        own = codes[part]
        at = np.arange(len(own))
        others = sizes[own] - met[part]
        within = sums[at, own] / np.maximum(others, 1)
        means = np.where(sizes > 0, sums / np.maximum(sizes, 1), np.inf)
        means[at, own] = np.inf
        beyond = means.min(1)
        defined = (others > 0) & np.isfinite(beyond)
        largest = np.maximum(within, np.where(defined, beyond, 1))
        found[part] = np.where(defined & (largest > 0), (beyond - within) / np.maximum(largest, 1e-300), 0)
    return found


def agreement(clusters: ArrayLike, labels: ArrayLike) -> dict[str, float]:
    """The scores nmi, ari and accuracy of clusters against labels; none for no rows.

    nmi: mutual information over the mean of both entropies (Strehl and Ghosh 2002; scikit-learn's
    arithmetic). ari: Rand index, adjusted for chance (Hubert and Arabie 1985). accuracy: the share of rows
    that are right under the best one-to-one naming of clusters by labels (Kuhn 1955); clusters beyond the
    number of labels are wrong in every row.
    """
    said, true = np.asarray(clusters, np.int64), np.asarray(labels, np.int64)
    if not len(said):
        return {}
    counts = _contingency(said, true)
    return {"nmi": _nmi(counts), "ari": _ari(counts), "accuracy": _matched(counts)}


def _contingency(said: NDArray, true: NDArray) -> NDArray[np.float64]:
    """Rows of each pair of cluster and label; empty ones left out."""
    width = int(true.max()) + 1
    counts = np.bincount(said * width + true, minlength=(int(said.max()) + 1) * width)
    counts = counts.reshape(-1, width).astype(np.float64)
    return counts[counts.sum(1) > 0][:, counts.sum(0) > 0]


def _nmi(counts: NDArray) -> float:
    shares = counts / counts.sum()
    both = [_entropy(shares.sum(axis)) for axis in (1, 0)]
    if max(both) == 0:
        return 1.0
    information = sum(both) - _entropy(shares.ravel())
    return float(max(0.0, information) / (sum(both) / 2))


def _entropy(shares: NDArray) -> float:
    some = shares[shares > 0]
    return float(-(some * np.log(some)).sum())


def _ari(counts: NDArray) -> float:
    def pairs(values: NDArray) -> float:
        return float((values * (values - 1) / 2).sum())

    together, said, true = pairs(counts), pairs(counts.sum(1)), pairs(counts.sum(0))
    every = pairs(np.array([counts.sum()]))
    chance = said * true / every if every else 0.0
    most = (said + true) / 2
    return 1.0 if most == chance else (together - chance) / (most - chance)


def _matched(counts: NDArray) -> float:
    from scipy.optimize import linear_sum_assignment

    return float(counts[linear_sum_assignment(counts, maximize=True)].sum() / counts.sum())
