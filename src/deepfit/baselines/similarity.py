"""What a sensible person would try before a network on pairs of texts: the words that they share.

Each function yields (name, first, second, seconds): the vectors of both texts, sparse and of length 1, the
most trivial first. They need no pairs to learn from, only texts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

Compared = tuple[str, Any, Any, float]

LEARNED_TEXTS = 200_000
LETTERS = 20_000
"""Of a longer text its beginning is compared."""


def of_words(train: Sequence[str], first: Sequence[str], second: Sequence[str]) -> Iterator[Compared]:
    """Yield shared_words, tfidf_words and tfidf_characters.

    shared_words: the cosine of which words occur; tfidf_words: of words and pairs of words, rare ones weigh
    more; tfidf_characters: of runs of 3 to 5 letters within words, which word endings do not put off. train:
    the texts that say how rare what is.
    """
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer

    known = [text[:LETTERS] for text in train[:LEARNED_TEXTS]]
    asked = [[text[:LETTERS] for text in texts] for texts in (first, second)]
    token = r"(?u)\b\w+\b"

    def shared() -> tuple[Any, Any]:
        counter = HashingVectorizer(binary=True, alternate_sign=False, norm="l2", token_pattern=token)
        return counter.transform(asked[0]), counter.transform(asked[1])

    def weighed(**how: Any) -> Callable[[], tuple[Any, Any]]:
        def work() -> tuple[Any, Any]:
            kind: Any = TfidfVectorizer  # its stubs know float64 alone
            learned = kind(sublinear_tf=True, dtype=np.float32, **how)
            try:
                learned.fit(known)
            except ValueError:  # no text holds a single word
                return shared()
            return learned.transform(asked[0]), learned.transform(asked[1])

        return work

    yield _timed("shared_words", shared)
    yield _timed("tfidf_words", weighed(ngram_range=(1, 2), token_pattern=token))
    yield _timed("tfidf_characters", weighed(analyzer="char_wb", ngram_range=(3, 5)))


def _timed(name: str, work: Callable[[], tuple[Any, Any]]) -> Compared:
    begun = time.perf_counter()
    first, second = work()
    return name, first, second, time.perf_counter() - begun
