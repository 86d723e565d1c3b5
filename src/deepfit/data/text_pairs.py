"""Pairs of neighbouring tokens that training texts have in common."""

from __future__ import annotations

import numpy as np

from deepfit.data.ragged import Ragged

MOST_WEIGHTS = 4_000_000
"""Weights of all pairs together, one an output each; fewer pairs are kept where there are many outputs."""
MOST_ROWS = 100_000
"""Of more texts so many are looked at, evenly chosen."""
SMALL_ROWS = 200
"""With fewer texts, what occurs in one only is kept."""


def learn_pairs(tokens: Ragged, num_tokens: int, num_outputs: int, *, most: int) -> list[int]:
    """The numbers left * num_tokens + right of pairs that at least two texts hold, ascending; plain JSON.

    Of more than `most` pairs those that most texts hold.
    """
    if len(tokens) > MOST_ROWS:
        tokens = tokens[evenly(len(tokens), MOST_ROWS)]
    least = 1 if len(tokens) < SMALL_ROWS else 2
    values = tokens.values[tokens.starts[0] : tokens.starts[-1]].astype(np.int64)
    rows = np.repeat(np.arange(len(tokens)), tokens.lengths)
    within = rows[1:] == rows[:-1]
    found, places = np.unique((values[:-1] * num_tokens + values[1:])[within], return_inverse=True)
    once_a_text = np.unique(rows[1:][within] * len(found) + places)
    texts = np.bincount(once_a_text % max(len(found), 1), minlength=len(found))
    found, texts = found[texts >= least], texts[texts >= least]
    by_texts = np.lexsort((found, -texts))
    return np.sort(found[by_texts[: min(most, MOST_WEIGHTS // max(num_outputs, 1))]]).tolist()


def evenly(rows: int, most: int) -> np.ndarray:
    """The places of all rows, or of more than `most` those of so many, at equal distances."""
    return np.linspace(0, rows - 1, min(rows, most)).round().astype(np.int64)
