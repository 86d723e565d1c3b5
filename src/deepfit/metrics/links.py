"""How well links are told from pairs that are none, which are drawn for each of them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

FIRST = 10


def against(links: np.ndarray, others: np.ndarray) -> dict[str, np.ndarray]:
    """What each link's score says beside those of other pairs, float64 [rows] each.

    links: [rows], others: [rows, K], its own. rank: 1 + its own others that score higher, of equal ones half.
    outscored: share of the others of all rows that score lower, of equal ones half. precision: share of links
    among all pairs that score at least as high.
    """
    higher = (others > links[:, None]).sum(1)
    equal = (others == links[:, None]).sum(1)
    every, sorted_links = np.sort(others, axis=None), np.sort(links)
    below, upto = (np.searchsorted(every, links, side) for side in ("left", "right"))
    found = len(links) - np.searchsorted(sorted_links, links, "left")
    size = max(every.size, 1)
    return {
        "rank": 1 + higher + equal / 2,
        "outscored": (below + upto) / 2 / size,
        "precision": found / (found + every.size - below),
    }


def score(said: Mapping[str, np.ndarray], prefix: str = "") -> dict[str, float]:
    """mrr, hits_at_10, roc_auc and average_precision, each a mean over rows of what `against` says.

    The last two are scikit-learn's of all links and all other pairs, as long as the rows are all there.
    """
    if not len(said[f"{prefix}rank"]):
        return {}
    rank = said[f"{prefix}rank"]
    return {
        f"{prefix}mrr": float((1 / rank).mean()),
        f"{prefix}hits_at_10": float((rank <= FIRST).mean()),
        f"{prefix}roc_auc": float(said[f"{prefix}outscored"].mean()),
        f"{prefix}average_precision": float(said[f"{prefix}precision"].mean()),
    }
