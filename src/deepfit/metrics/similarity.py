"""Scores of likeness: the order of rated pairs, and finding each text's partner among all partners.

A bootstrap asks for scores a thousand times, so the search for partners is done once (`partner_ranks`), and
scores are means over its ranks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

CANDIDATES = 20_000
"""Partners that each text is asked to find its own among, drawn evenly where there are more."""
BLOCK_VALUES = 1 << 24
TIE = 1e-6
"""Cosines in float32 that are nearer to each other than this are equal."""


def rated(similarity: ArrayLike, ratings: ArrayLike) -> dict[str, float]:
    """The scores spearman and pearson of similarities [pairs] with ratings; absent where one is level.

    spearman: Pearson's correlation of ranks, equal values sharing their mean rank.
    """
    said, actual = np.asarray(similarity, np.float64), np.asarray(ratings, np.float64)
    if len(said) < 2 or said.min() == said.max() or actual.min() == actual.max():
        return {}
    from scipy.stats import rankdata

    return {
        "spearman": _correlation(rankdata(said), rankdata(actual)),
        "pearson": _correlation(said, actual),
    }


def retrieval(ranks: ArrayLike) -> dict[str, float]:
    """Scores of the places [rows] at which partners were found, 1 for the nearest.

    mrr: the mean of 1 / rank; accuracy_at_1 and accuracy_at_10: the share found in the first 1 or 10 places.
    """
    places = np.asarray(ranks, np.float64)
    if not len(places):
        return {}
    return {
        "mrr": float((1 / places).mean()),
        "accuracy_at_1": float((places <= 1).mean()),
        "accuracy_at_10": float((places <= 10).mean()),
    }


def partner_ranks(first: Any, second: Any, keys: NDArray[np.int64]) -> NDArray[np.float64]:
    """The place of each row's own partner, 1 for the nearest, among the partners of all rows: float64 [rows].

    first, second: vectors of length 1 [rows, width], dense or sparse; keys: equal for partners that are the
    same text, of which none counts against another. A partner that others equal in likeness stands in the
    middle of them, so that vectors which are all alike find nothing.
    """
    rows = len(keys)
    ranks = np.ones(rows)
    few = rows <= CANDIDATES
    asked = np.arange(rows) if few else np.unique(np.linspace(0, rows - 1, CANDIDATES).astype(np.int64))
    others, known = second[asked].T, keys[asked]
    step = max(1, BLOCK_VALUES // max(1, len(asked)))
    for start in range(0, rows, step):
        stop = min(start + step, rows)
        part = first[start:stop]
        likeness = np.asarray(_dense(part @ others), np.float32)
        own = _own(part, second[start:stop]).astype(np.float32)[:, None]
        rivals = known[None] != keys[start:stop, None]
        above = ((likeness > own + TIE) & rivals).sum(1)
        level = ((np.abs(likeness - own) <= TIE) & rivals).sum(1)
        ranks[start:stop] += above + level / 2
    return ranks


def own_similarity(first: Any, second: Any) -> NDArray[np.float64]:
    """The cosine of each row's two vectors of length 1, dense or sparse: float64 [rows]."""
    return _own(first, second).astype(np.float64)


def _own(first: Any, second: Any) -> NDArray[Any]:
    if isinstance(first, np.ndarray):
        return np.einsum("nd,nd->n", first, second)
    return np.asarray(first.multiply(second).sum(1)).reshape(-1)


def _dense(values: Any) -> Any:
    return values if isinstance(values, np.ndarray) else values.toarray()


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    one, other = one - one.mean(), other - other.mean()
    return float(one @ other / np.sqrt((one @ one) * (other @ other)))
