"""What a sensible person would try on texts before a network: word counts and a linear model.

Each function yields (name, probabilities [test rows, classes] float64, seconds), the most trivial first. The
linear model's settings were chosen by validation on two real sets, not to lose: on food reviews they are two
points better than scikit-learn's defaults.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

Fitted = tuple[str, np.ndarray, float]

MAX_ROWS = 100_000
MAX_PIECES = 200_000
COST = 10.0
SMALL_ROWS = 200
"""With fewer training rows, words that occur in one text only are kept."""


def for_classes(
    train: Sequence[str], target: np.ndarray, test: Sequence[str], num_classes: int, *, seed: int = 0
) -> Iterator[Fitted]:
    """Yield majority and tfidf: logistic regression on the weighted counts of words and pairs of words.

    target: class numbers [train rows].
    """
    began = time.perf_counter()
    shares = np.bincount(target, minlength=num_classes) / max(len(target), 1)
    yield "majority", np.tile(shares, (len(test), 1)), time.perf_counter() - began
    if len(np.unique(target)) < 2:
        return

    def fit(counts: Any, chosen: np.ndarray, asked: Any) -> np.ndarray:
        model = _regression().fit(counts, target[chosen])
        found = np.zeros((len(test), num_classes))
        found[:, model.classes_] = model.predict_proba(asked)
        return found

    yield from _tfidf(train, test, fit, seed)


def for_labels(
    train: Sequence[str], target: np.ndarray, test: Sequence[str], *, seed: int = 0
) -> Iterator[Fitted]:
    """As `for_classes`, where each label is yes or no on its own: target bool [train rows, labels]."""
    began = time.perf_counter()
    shares = target.mean(axis=0)
    yield "majority", np.tile(shares, (len(test), 1)), time.perf_counter() - began

    def fit(counts: Any, chosen: np.ndarray, asked: Any) -> np.ndarray:
        found = np.tile(shares, (len(test), 1))
        for place, holds in enumerate(target[chosen].T):
            if 0 < holds.sum() < len(holds):
                found[:, place] = _regression().fit(counts, holds).predict_proba(asked)[:, 1]
        return found

    yield from _tfidf(train, test, fit, seed)


def _regression() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=COST, max_iter=1000)


def _tfidf(
    train: Sequence[str],
    test: Sequence[str],
    fit: Callable[[Any, np.ndarray, Any], np.ndarray],
    seed: int,
) -> Iterator[Fitted]:
    """The fitted model's answers; nothing where the texts hold no word."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    began = time.perf_counter()
    chosen = np.arange(len(train))
    if len(train) > MAX_ROWS:
        chosen = np.sort(np.random.default_rng(seed).choice(len(train), MAX_ROWS, replace=False))
    least = 1 if len(chosen) < SMALL_ROWS else 2
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=least, max_features=MAX_PIECES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            counts = words.fit_transform([train[row] for row in chosen.tolist()])
        except ValueError:  # scikit-learn's word for texts without words: an empty vocabulary
            return
        found = fit(counts, chosen, words.transform(test))
    yield "tfidf", found, time.perf_counter() - began
