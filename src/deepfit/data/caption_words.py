"""The words of captions: those that training has seen, and captions as numbers of them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from deepfit.data.ragged import Ragged
from deepfit.data.words import words_of
from deepfit.errors import suggest

MOST_WORDS = 20_000
LONGEST = 64
"""Words of a caption that are read; of a longer one the first."""


def caption_words(caption: str) -> list[str]:
    """The words of a caption in lower case, without punctuation; hyphens and underscores are spaces.

    `A red-brown "T-shirt".` gives a, red, brown, t, shirt.
    """
    plain = unicodedata.normalize("NFKC", caption).lower().replace("-", " ").replace("_", " ")
    return [word for word in words_of(plain) if any(map(str.isalnum, word))]


def learn_words(captions: Iterable[str]) -> list[str]:
    """The words of training captions, at most 20,000, the most frequent first, of equals in their order."""
    counts = Counter(word for caption in captions for word in caption_words(caption))
    return sorted(counts, key=lambda word: (-counts[word], word))[:MOST_WORDS]


def encode_words(captions: Iterable[str], words: Sequence[str]) -> Ragged:
    """Each caption's words as numbers from 0, int32; those that are not known are passed over."""
    number = _numbers(tuple(words))
    found = [[number[word] for word in caption_words(caption) if word in number] for caption in captions]
    return Ragged.of((each[:LONGEST] for each in found), np.int32)


def unknown_words(caption: str, words: Sequence[str]) -> list[str]:
    """The words of a caption that training has not seen, each once, in order."""
    number = _numbers(tuple(words))
    return list(dict.fromkeys(word for word in caption_words(caption) if word not in number))


def explain_unknown(unknown: Sequence[str], words: Sequence[str]) -> str:
    """A sentence or two on words that training has not seen, with the nearest that it has."""
    shown = ", ".join(f"'{word}'" for word in unknown[:5]) + (", ..." if len(unknown) > 5 else "")
    verb = "word is" if len(unknown) == 1 else "words are"
    return f"the {verb} in no training caption: {shown}. {suggest(unknown[0], words)}"


def memberships(captions: Ragged, words: Sequence[int]) -> np.ndarray:
    """float32 [rows, words]: 1 where a caption has the word, else 0."""
    place = {word: column for column, word in enumerate(words)}
    found = np.zeros((len(captions), len(words)), np.float32)
    rows = np.repeat(np.arange(len(captions)), captions.lengths)
    columns = np.array([place.get(word, -1) for word in captions.values.tolist()], np.int64)
    found[rows[columns >= 0], columns[columns >= 0]] = 1
    return found


@lru_cache(maxsize=4)
def _numbers(words: tuple[str, ...]) -> dict[str, int]:
    return {word: place for place, word in enumerate(words)}
