"""Tagged sentences as numbers: words, their letters, the pieces of a published vocabulary, and tags.

A batch holds Ragged arrays, a row a sentence: `words` int32 (0 is never used, 1 is unknown) and `letters`
int16 [words, 16], of longer words the first and the last eight; or in place of `words` `pieces` int32, as
many as the vocabulary makes of the sentence, and `firsts` int32, where among them each word begins. `target`
int64 a word, -1 for a tag that training did not have.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from deepfit.data import tags
from deepfit.data.labels import targets_of
from deepfit.data.ragged import Ragged

if TYPE_CHECKING:
    from deepfit.data.tagged_rows import TaggedRows
    from deepfit.data.tokens import Vocabulary

WORD_LETTERS = 16
RARE_LETTER = 3
"""Letters that occur fewer times are told apart by their kind alone."""

MOST_WORDS = 100_000
KINDS = ("Lu", "Ll", "L", "N", "P", "S", "")
"""Kinds of letters (Unicode categories) that stand for those not learned, the numbers from 1 on."""

DIGITS = re.compile(r"\d")


def learn_tagged(train: TaggedRows) -> dict[str, Any]:
    """Facts of training sentences: tags, words with how often each occurs, letters."""
    found = targets_of(train)
    if train.kind == "entities":
        kinds = {each.type for row in found for each in tags.entities(row)}
        known = tags.bio_tags(sorted(kinds))
    else:
        known = sorted({tag for row in found for tag in row})
    spelled = Counter(word for row in train.words for word in row)
    words: Counter[str] = Counter()
    letters: Counter[str] = Counter()
    for word, count in spelled.items():
        words[word_key(word)] += count
        for letter in word:
            letters[letter] += count
    common = sorted(words.items(), key=lambda each: (-each[1], each[0]))[:MOST_WORDS]
    return {
        "kind": train.kind,
        "tag_column": train.tag_column,
        "tags": known,
        "words": [word for word, _ in common],
        "word_rows": [count for _, count in common],
        "letters": sorted(each for each, count in letters.items() if count >= RARE_LETTER),
    }


def word_key(word: str) -> str:
    """A word as the vocabulary has it: composed, in small letters, each digit as 0."""
    return DIGITS.sub("0", unicodedata.normalize("NFKC", word).lower())


def num_letters(facts: Mapping[str, Any]) -> int:
    """How many numbers letters have, padding included."""
    return 1 + len(KINDS) + len(facts["letters"])


def word_rows(facts: Mapping[str, Any]) -> list[int]:
    """How often each number of a word occurs in training; 0 for padding and the unknown word."""
    return [0, 0, *facts["word_rows"]]


def encode_tagged(
    rows: TaggedRows, facts: Mapping[str, Any], vocabulary: Vocabulary | None = None
) -> dict[str, Any]:
    """See the file's docstring; with a vocabulary pieces in place of words."""
    starts = np.cumsum([0, *map(len, rows.words)], dtype=np.int64)
    place = {word: number for number, word in enumerate(dict.fromkeys(w for row in rows.words for w in row))}
    flat = np.array([place[word] for row in rows.words for word in row], np.int64)
    known = {word: number for number, word in enumerate(facts["words"], start=2)}
    numbers = np.array([known.get(word_key(word), 1) for word in place], np.int32)
    letters = _letters(place, facts["letters"])
    batch: dict[str, Any] = {}
    if vocabulary is None:
        batch["words"] = Ragged(numbers[flat], starts)
    else:
        batch.update(_pieces(list(place), flat, starts, vocabulary))
    batch["letters"] = Ragged(letters[flat], starts)
    batch["unseen"] = Ragged((numbers == 1)[flat], starts)
    if rows.tags is not None:
        codes = {tag: code for code, tag in enumerate(facts["tags"])}
        target = np.array([codes.get(tag, -1) for row in rows.tags for tag in row], np.int64)
        batch["target"] = Ragged(target, starts)
    return batch


def _letters(words: Iterable[str], learned: Sequence[str]) -> np.ndarray:
    """int16 [words, 16]."""
    known = {letter: number for number, letter in enumerate(learned, start=1 + len(KINDS))}
    half = WORD_LETTERS // 2
    rows = []
    for word in words:
        kept = word if len(word) <= WORD_LETTERS else word[:half] + word[-half:]
        numbers = [known.get(each) or _kind(each) for each in kept]
        rows.append(numbers + [0] * (WORD_LETTERS - len(numbers)))
    return np.array(rows, np.int16).reshape(-1, WORD_LETTERS)


def _kind(letter: str) -> int:
    category = unicodedata.category(letter)
    return 1 + next(place for place, kind in enumerate(KINDS) if category.startswith(kind))


def _pieces(
    words: Sequence[str], flat: np.ndarray, starts: np.ndarray, vocabulary: Vocabulary
) -> dict[str, Ragged]:
    """The pieces of each sentence between the tokens that the model expects around it.

    Each word is encoded by itself, behind a space; one of which the vocabulary makes nothing is unknown.
    """
    ids, _ = vocabulary.encode_ragged([f" {word}" for word in words], specials=False)
    around, _ = vocabulary.encode_ragged([""])
    before, after = around.values[: len(around.values) // 2], around.values[len(around.values) // 2 :]
    unknown = vocabulary.id_of(vocabulary.specials["unk_token"])
    ids = Ragged.of(
        [row if len(row) else [unknown] for row in (ids.row(i) for i in range(len(ids)))], np.int32
    )
    pieces = ids[flat]
    sentences = np.diff(starts)
    many = np.add.reduceat(pieces.lengths, starts[:-1]) if len(sentences) else np.zeros(0, np.int64)
    rows = Ragged(pieces.values, np.concatenate([[0], np.cumsum(many)]).astype(np.int64))
    whole = Ragged.of([np.concatenate([before, rows.row(i), after]) for i in range(len(rows))], np.int32)
    firsts = pieces.starts[:-1] - np.repeat(rows.starts[:-1], sentences) + len(before)
    return {"pieces": whole, "firsts": Ragged(firsts.astype(np.int32), starts)}
