"""What a sensible person would try first on tagged words, without a neural network."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from deepfit.data import tags
from deepfit.data.tagged_encoding import word_key

Sentences = Sequence[Sequence[str]]

FEATURES = 1 << 18
"""Places that features are hashed to; a quarter where there are many tags, since each has its own weights."""

MANY_TAGS = 40
WORDS_LEARNED = 400_000
"""Words that the linear model learns from at most."""

PASSES = 8


def for_tags(
    words: Sentences, known: Sentences, test: Sentences, *, entities: bool, seed: int = 0
) -> Iterator[tuple[str, list[list[str]], float]]:
    """(name, tags of each test sentence, seconds) of the most frequent tag and of a linear model."""
    for name, method in (("most_frequent_tag", most_frequent_tag), ("logistic_regression", linear)):
        began = time.monotonic()
        said = method(words, known, test, entities=entities, seed=seed)
        yield name, said, time.monotonic() - began


def most_frequent_tag(
    words: Sentences, known: Sentences, test: Sentences, *, entities: bool, seed: int
) -> list[list[str]]:
    """Each word's most frequent tag in training; for a new word the most frequent of all. Ties: the first."""
    counts: dict[str, Counter[str]] = {}
    every: Counter[str] = Counter()
    for sentence, their in zip(words, known, strict=True):
        for word, tag in zip(sentence, their, strict=True):
            counts.setdefault(word, Counter())[tag] += 1
            every[tag] += 1
    usual = every.most_common(1)[0][0]
    best = {word: some.most_common(1)[0][0] for word, some in counts.items()}
    said = [[best.get(word, usual) for word in sentence] for sentence in test]
    return [tags.as_bio(each) for each in said] if entities else said


def linear(
    words: Sentences, known: Sentences, test: Sentences, *, entities: bool, seed: int
) -> list[list[str]]:
    """Logistic regression on each word, its ends and its neighbours, by stochastic gradient descent.

    Entities: the most probable tags that are BIO.
    """
    from sklearn.linear_model import SGDClassifier

    some = _at_most(words, WORDS_LEARNED, seed)
    target = np.array([tag for row in some for tag in known[row]])
    classes = np.unique(target)
    places = FEATURES if len(classes) <= MANY_TAGS else FEATURES // 4
    kind: Any = SGDClassifier  # its own types know no tol=None, which its documentation allows
    model = kind(loss="log_loss", alpha=1e-6, max_iter=PASSES, tol=None, average=True, random_state=seed).fit(
        _hashed([words[row] for row in some], places), target
    )
    chances = model.predict_proba(_hashed(test, places))
    found = [str(each) for each in classes]
    allowed = tags.may_follow(found) if entities else None
    said, start = [], 0
    for sentence in test:
        part = np.log(np.maximum(chances[start : start + len(sentence)], 1e-12))
        path = part.argmax(1) if allowed is None else tags.best_path(part, allowed)
        said.append([found[code] for code in path])
        start += len(sentence)
    return said


def _at_most(words: Sentences, most: int, seed: int) -> list[int]:
    """Sentences in a seeded order up to so many words, at least one."""
    order = np.random.default_rng([seed, 0x7A65]).permutation(len(words))
    ends = np.cumsum([len(words[row]) for row in order])
    return order[: max(1, int(np.searchsorted(ends, most, side="right")))].tolist()


def _hashed(sentences: Sentences, places: int) -> Any:
    from sklearn.feature_extraction import FeatureHasher

    kind: Any = FeatureHasher  # its own types know no other dtype than that of the default
    hasher = kind(places, input_type="string", dtype=np.float32, alternate_sign=False)
    return hasher.transform(_features(sentences))


def _features(sentences: Sentences) -> Iterator[list[str]]:
    """Of each word: itself, its ends, its shape, the words beside it and their ends."""
    edge = [("", "")]
    for sentence in sentences:
        keys = [word_key(word) for word in sentence]
        near = [*edge * 2, *((key, key[-3:]) for key in keys), *edge * 2]
        for place, (word, key) in enumerate(zip(sentence, keys, strict=True)):
            before2, before, _, after, after2 = near[place : place + 5]
            yield [
                "one",
                f"w {key}",
                *(f"p{n} {key[:n]}" for n in (1, 2, 3)),
                *(f"s{n} {key[-n:]}" for n in (1, 2, 3, 4)),
                f"c {_shape(word)} {place == 0}",
                f"-1 {before[0]}", f"+1 {after[0]}", f"-2 {before2[0]}", f"+2 {after2[0]}",
                f"-s {before[1]}", f"+s {after[1]}", f"-w {before[0]} {key}", f"+w {key} {after[0]}",
            ]  # fmt: skip


def _shape(word: str) -> str:
    """Capitals, digits and marks: "Aa", "A", "0-", with repeats left out."""
    kinds = ("A" if c.isupper() else "0" if c.isdigit() else "a" if c.isalpha() else "-" for c in word[:24])
    found = ""
    for kind in kinds:
        if not found.endswith(kind):
            found += kind
    return found
