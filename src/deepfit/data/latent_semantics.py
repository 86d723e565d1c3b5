"""Texts as points by the words they share: weighted counts, reduced by a singular value decomposition.

Source: Deerwester, Dumais, Furnas, Landauer, Harshman 1990, "Indexing by latent semantic analysis", JASIS 41,
391. Differs: counts are 1 + log(count), weighted by how rare a word is (TF-IDF), and points have length 1, so
that distances between them are those of angles.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deepfit.data.ragged import Ragged
from deepfit.data.text_words import counted_words

FEWEST_TEXTS = 2
"""A word in a single text draws no two texts together."""
POWER_ROUNDS = 7
RARITY = 1.5
"""Power of the logarithm that weighs a word."""


def learn_words(texts: Sequence[str], most: int) -> list[str]:
    """The words in at least two of the texts, those in the most texts first; at most so many."""
    holding = Counter(word for text in texts for word in set(counted_words(text)))
    shared = [word for word, count in holding.items() if count >= FEWEST_TEXTS]
    return sorted(shared, key=lambda word: (-holding[word], word))[:most]


def count_words(texts: Sequence[str], words: Sequence[str]) -> dict[str, Ragged]:
    """`words`: the places of each text's words, ascending; `counts`: how often each occurs. Both int32."""
    places = {word: place for place, word in enumerate(words)}
    found, counts = [], []
    for text in texts:
        there = Counter(places[word] for word in counted_words(text) if word in places)
        order = sorted(there)
        found.append(order)
        counts.append([there[place] for place in order])
    return {"words": Ragged.of(found, np.int32), "counts": Ragged.of(counts, np.int32)}


def weighted(batch: Mapping[str, Ragged], num_words: int) -> Any:
    """1 + log(count) of each word of each text, scipy's CSR float32 [texts, words]."""
    from scipy.sparse import csr_array

    words, counts = batch["words"], batch["counts"]
    values = 1 + np.log(counts.values.astype(np.float32))
    starts = words.starts - words.starts[0]
    # scikit-learn takes sparse arrays with indices of 32 bits alone
    starts = starts.astype(np.int32 if starts[-1] < 2**31 else np.int64)
    return csr_array((values, words.values, starts), shape=(len(words), num_words))


def rarity(counts: Any) -> np.ndarray:
    """The weight of each word, float32: log((1 + texts) / (1 + texts that hold it)) ** 1.5.

    A word of every text says nothing. The power was chosen by how often nearest texts are of one group, on
    three sets with known groups: more than the logarithm alone, and more than it with 1 added.
    """
    holding = np.bincount(counts.indices, minlength=counts.shape[1])
    return (np.log((1 + counts.shape[0]) / (1 + holding)) ** RARITY).astype(np.float32)


def tfidf(counts: Any, weights: np.ndarray) -> Any:
    """Weighted counts times the weights of words, each text of length 1; a text without a word is zero."""
    found = counts.copy()
    found.data *= weights[found.indices]
    lengths = np.sqrt(np.asarray((found * found).sum(axis=1)).ravel())
    found.data /= np.repeat(np.maximum(lengths, 1e-12), np.diff(found.indptr)).astype(np.float32)
    return found


def learn_axes(counts: Any, dimensions: int, *, seed: int) -> np.ndarray:
    """The axes of the points, float32 [words, dimensions], the weights of words multiplied in.

    counts: of training texts, as `weighted` gives them. The same seed gives the same axes.
    """
    from sklearn.utils.extmath import randomized_svd

    weights = rarity(counts)
    rounds: Any = POWER_ROUNDS  # its stub has only the default, a word
    found = tfidf(counts, weights)
    *_, axes = randomized_svd(found, dimensions, n_iter=rounds, random_state=seed % 2**32)
    return np.ascontiguousarray(weights[:, None] * axes.T, np.float32)


def points(counts: Any, axes: np.ndarray) -> np.ndarray:
    """The texts among the axes, float32 [texts, dimensions], of length 1; without a known word zero."""
    found = counts @ axes
    return (found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)).astype(np.float32)
