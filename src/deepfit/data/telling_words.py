"""The words that tell groups of texts apart: those that far more texts of a group hold than of all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from deepfit.data.text_words import counted_words

FEWEST_TEXTS = 2
PRIOR = 2.0
"""Texts that are thought to be in each group before any is seen, with words as often as in all texts."""
SURE = 2.0
"""Deviations that the difference has to be from chance."""


class Telling(NamedTuple):
    """A word of a group: the shares of the group's texts and of all others that hold it, and how sure.

    sure: the difference of the log odds in standard deviations.
    """

    word: str
    inside: float
    outside: float
    sure: float


def telling_words(texts: Sequence[str], groups: np.ndarray, *, count: int, most: int) -> list[list[Telling]]:
    """For each of `count` groups at most so many words, the surest first; only what the group has more of.

    groups: int [texts]. A word counts once a text, however long. Words of a single text are left out.
    Source: Monroe, Colaresi, Quinn 2008, "Fightin' words", Political Analysis 16, eq. 16 and 22, log odds
    with a prior from all texts. Differs: of texts that hold a word, not of its occurrences.
    """
    sizes = np.bincount(groups, minlength=count).astype(np.float64)
    holding: list[Counter[str]] = [Counter() for _ in range(count)]
    for text, group in zip(texts, groups.tolist(), strict=True):
        holding[group].update(set(counted_words(text)))
    every: Counter[str] = Counter()
    for some in holding:
        every.update(some)
    words = sorted(word for word, total in every.items() if total >= FEWEST_TEXTS)
    if not words or len(texts) < 2:
        return [[] for _ in range(count)]
    held = np.array([[some[word] for word in words] for some in holding], np.float64)  # [groups, words]
    total, number = held.sum(0), sizes.sum()
    prior = PRIOR * total / number
    found = []
    for group in range(count):
        odds, spread = np.zeros(len(words)), np.zeros(len(words))
        for sign, have, size in (
            (1, held[group], sizes[group]),
            (-1, total - held[group], number - sizes[group]),
        ):
            # half a text more without the word, so that one which every text holds has finite odds
            with_word, without = have + prior, size - have + PRIOR - prior + 0.5
            odds += sign * np.log(with_word / without)
            spread += 1 / with_word + 1 / without
        sure = odds / np.sqrt(spread)
        order = [place for place in np.argsort(-sure, kind="stable")[:most] if sure[place] >= SURE]
        outside = (total - held[group]) / max(number - sizes[group], 1)
        found.append(
            [
                Telling(words[at], held[group, at] / max(sizes[group], 1), outside[at], float(sure[at]))
                for at in order
            ]
        )
    return found
