"""What a sensible person would try first to group texts: k-means on weighted counts of words, and on points.

The same seed gives the same clusters.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from deepfit.baselines import clusters as of_points
from deepfit.baselines.clusters import Fitted
from deepfit.data.text_words import counted_words

FITTED_TEXTS = 20_000
MOST_WORDS = 20_000


def of_words(train: Sequence[str], test: Sequence[str], clusters: int, *, seed: int) -> Iterator[Fitted]:
    """Yield tfidf_k_means: k-means on scikit-learn's TF-IDF; nothing where no two texts share a word.

    As (name, how much each test text belongs to each cluster [texts, clusters], seconds). clusters: 0 =
    chosen, 2 to 20 by the silhouette.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    begun = time.perf_counter()
    chosen = np.sort(np.random.default_rng(seed).permutation(len(train))[:FITTED_TEXTS])
    analyzer: Any = counted_words  # its stub knows words alone
    weigh = TfidfVectorizer(analyzer=analyzer, sublinear_tf=True, min_df=2, max_features=MOST_WORDS)
    try:
        counts = weigh.fit_transform([train[row] for row in chosen.tolist()])
    except ValueError:  # scikit-learn's word for texts that share no word: an empty vocabulary
        return
    learn = partial(of_points.k_means, seed=seed)
    name, shares, _ = of_points.fitted("tfidf_k_means", learn, counts, weigh.transform(test), clusters)
    yield name, shares, time.perf_counter() - begun


def among(
    points: str, train: np.ndarray, test: np.ndarray, clusters: int, *, seed: int, seconds: float
) -> Iterator[Fitted]:
    """Yield POINTS_k_means and POINTS_gaussian_mixture. seconds: what it took to make the points."""
    methods = ("k_means", "gaussian_mixture")
    for name, shares, took in of_points.for_points(train, test, clusters, seed=seed, methods=methods):
        yield f"{points}_{name}", shares, seconds + took
