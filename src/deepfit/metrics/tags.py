"""Scores of tagged sentences, from counts a sentence: entities by span, other tags by word.

An entity counts as found where its type, its first and its last word are right: precision, recall and F1 are
seqeval's (micro averages), and the tests hold them equal. Tags of words: accuracy, balanced accuracy and F1
as scikit-learn has them, with every word a sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deepfit.data.tags import entities
from deepfit.metrics import Tally

Column = Sequence[Sequence[Any]] | np.ndarray
"""A list a sentence."""


def tally_words(said: Column, actual: Column, unseen: Column) -> Tally:
    """Counts of words by tag; unseen: the places of the words in a sentence that training never saw."""
    classes = sorted({tag for each in (*said, *actual) for tag in each})
    code = {tag: place for place, tag in enumerate(classes)}
    counts = np.zeros((len(actual), 4 + 3 * len(classes)), np.int32)
    for row, (ours, theirs, places) in enumerate(zip(said, actual, unseen, strict=True)):
        one = np.array([code[tag] for tag in ours], np.int64)
        two = np.array([code[tag] for tag in theirs], np.int64)
        right = one == two
        counts[row, :4] = len(two), right.sum(), len(places), right[list(places)].sum() if len(places) else 0
        for start, codes in enumerate((two[right], two, one)):
            counts[row, 4 + start * len(classes) :][: len(classes)] = np.bincount(
                codes, minlength=len(classes)
            )
    return Tally(counts, score_words)


def score_words(sums: np.ndarray) -> Mapping[str, float]:
    """accuracy, balanced_accuracy, f1 (mean over tags), accuracy_unseen where a word is unseen."""
    words, right, unseen, unseen_right = sums[:4].tolist()
    if not words:
        return {}
    hit, there, said = sums[4:].reshape(3, -1)
    known, met = there > 0, there + said > 0
    scores = {
        "accuracy": right / words,
        "balanced_accuracy": float((hit[known] / there[known]).mean()),
        "f1": float((2 * hit[met] / (there + said)[met]).mean()),
    }
    return {**scores, "accuracy_unseen": unseen_right / unseen} if unseen else scores


def tally_entities(said: Column, actual: Column) -> Tally:
    """Counts of entities: found, said, there; and of words with the right tag."""
    counts = np.zeros((len(actual), 5), np.int32)
    for row, (ours, theirs) in enumerate(zip(said, actual, strict=True)):
        one, two = set(entities(ours)), set(entities(theirs))
        right = sum(a == b for a, b in zip(ours, theirs, strict=True))
        counts[row] = len(one & two), len(one), len(two), right, len(theirs)
    return Tally(counts, score_entities)


def score_entities(sums: np.ndarray) -> Mapping[str, float]:
    """f1, precision and recall of entities, accuracy of words.

    Without entities, said or true, there is nothing to score but words; what has no denominator is 0.
    """
    found, said, there, right, words = sums.tolist()
    if not words:
        return {}
    if not said + there:
        return {"accuracy": right / words}
    return {
        "f1": 2 * found / (said + there),
        "precision": found / said if said else 0.0,
        "recall": found / there if there else 0.0,
        "accuracy": right / words,
    }


def of_types(said: Column, actual: Column) -> dict[str, tuple[int, int, int]]:
    """Type -> how many entities of it were found, said and there."""
    counts: dict[str, list[int]] = {}
    for ours, theirs in zip(said, actual, strict=True):
        one, two = set(entities(ours)), set(entities(theirs))
        for place, some in enumerate((one & two, one, two)):
            for each in some:
                counts.setdefault(each.type, [0, 0, 0])[place] += 1
    return {kind: (found, say, there) for kind, (found, say, there) in sorted(counts.items())}
