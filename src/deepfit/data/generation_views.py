"""Cells as bins and as numbers between 0 and 1, in which rows of mixed columns can be compared.

Numbers are seen through the quantiles of the training rows, so that nothing depends on a unit or on how far a
tail reaches.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfit.contract import Facts

MOST_BINS = 64
MOST_FEATURES = 128
MOST_WORDS = 4
RARELY_MISSING = 0.02


def bins(cells: NDArray[np.float64], facts: Facts) -> NDArray[np.int16]:
    """Which of a column's bins each cell is in, [rows, columns]; 0 is a missing number or an unseen word.

    A number: between which of the training rows' 40-quantiles; a category: which word, the rarest together.
    """
    found = np.empty(cells.shape, np.int16)
    for place, record in enumerate(facts["columns"]):
        values = cells[:, place]
        if record["kind"] == "category":
            found[:, place] = np.minimum(values + 1, MOST_BINS - 1)
        else:
            inside = np.searchsorted(record["edges"], values, side="left") + 1
            found[:, place] = np.where(np.isnan(values), 0, np.minimum(inside, MOST_BINS - 1))
    return found


def ordered(facts: Facts) -> NDArray[np.bool_]:
    """Which columns are numbers or dates, [columns]."""
    return np.array([record["kind"] != "category" for record in facts["columns"]], bool)


def features(cells: NDArray[np.float64], facts: Facts) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Cells as numbers [rows, features] to correlate and to measure distances in, and each one's column.

    A number is its rank among the training rows, from 0 to 1 (missing: 0.5, and a flag where that is not
    rare); of a category the most frequent words, 1 where it is this one.
    """
    parts: list[NDArray[Any]] = []
    places: list[int] = []
    categories = sum(record["kind"] == "category" for record in facts["columns"])
    numbers = len(facts["columns"]) - categories
    words = int(np.clip((MOST_FEATURES - numbers) // max(categories, 1), 1, MOST_WORDS))
    for place, record in enumerate(facts["columns"]):
        values = cells[:, place]
        if record["kind"] == "category":
            shown = min(words, max(1, len(record["values"]) - 1))
            parts += [values == word for word in range(shown)]
            places += [place] * shown
            continue
        absent = np.isnan(values)
        parts.append(np.where(absent, 0.5, _ranks(values, record["edges"])))
        places.append(place)
        if record["missing_share"] > RARELY_MISSING:
            parts.append(absent)
            places.append(place)
    return np.stack(parts, axis=1).astype(np.float32), np.array(places, np.intp)


def _ranks(values: NDArray[np.float64], edges: Any) -> NDArray[np.float64]:
    edges = np.asarray(edges)
    if len(edges) < 2:
        return np.full(len(values), 0.5)
    return np.interp(values, edges, np.linspace(0, 1, len(edges)))


def correlations(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Pearson's, [features, features]; 0 with a feature that never changes."""
    centred = values - values.mean(0)
    norm = np.sqrt(np.square(centred).sum(0))
    centred /= np.where(norm > 1e-6, norm, np.inf)
    return centred.T @ centred
