"""Rows of sentences whose words have tags, and what a careful reader would say of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any

import numpy as np

from deepfit.contract import Concern
from deepfit.data.tags import Kind
from deepfit.errors import DataError, suggest

WORDS = "tokens"
RARE = 5
"""Tags with fewer words than this can hardly be learned, which is said."""

EXAMPLES = 3


@dataclass(frozen=True, eq=False)
class TaggedRows:
    """A row is a sentence: its words, and a tag for each of them where tags are known.

    words, tags: object arrays of lists of text. kind: "entities", in BIO whatever the source wrote, or
    "words". places: where each sentence begins, counted by `unit` of the source. columns: what else is known
    of sentences. tag_column: where the tags came from, a name or a number.
    """

    name: str
    words: np.ndarray
    tags: np.ndarray | None
    kind: Kind
    places: np.ndarray
    unit: str = "sentence"
    columns: Mapping[str, np.ndarray] = field(default_factory=dict)
    tag_column: str = ""
    given_parts: np.ndarray | None = None
    notes: Sequence[Concern] = ()

    def __len__(self) -> int:
        return len(self.words)

    @property
    def target_name(self) -> str:
        """Where the tags came from, for messages."""
        return self.tag_column

    def where(self, position: int) -> str:
        """The place of a sentence as its source counts it: "line 812"."""
        return f"{self.unit} {self.places[position]}"

    def take(self, index: np.ndarray) -> TaggedRows:
        """The sentences at these positions."""
        return replace(
            self,
            words=self.words[index],
            tags=None if self.tags is None else self.tags[index],
            places=self.places[index],
            columns={name: values[index] for name, values in self.columns.items()},
            given_parts=None if self.given_parts is None else self.given_parts[index],
        )

    def compact(self) -> TaggedRows:
        """Itself: sentences share nothing with those left out."""
        return self

    def column(self, name: str) -> np.ndarray:
        """`tokens`, or what else is known of each sentence, such as its `document`."""
        known = {WORDS: self.words, **self.columns}
        if name not in known:
            raise DataError(f"{self.name}: there is no column '{name}'. {suggest(name, known)}")
        return known[name]

    def target(self) -> np.ndarray | None:
        """The list of tags of each sentence."""
        return self.tags

    def keys(self) -> Mapping[str, np.ndarray]:
        """The words, so that answers can be read beside them."""
        return {WORDS: self.words}

    def labelled(self) -> TaggedRows:
        """The sentences with tags; DataError where none has them."""
        known = np.zeros(0, np.int64)
        if self.tags is not None:
            known = np.flatnonzero([each is not None for each in self.tags])
        if not len(known):
            raise DataError(
                f"{self.name}: no sentence has tags, so nothing can be learned from them or scored on them. "
                "Add a column of tags, or name it with --target."
            )
        return self if len(known) == len(self) else self.take(known)

    def parts(self) -> np.ndarray | None:
        """The part that the name of its file gives each sentence, in a folder of train, valid and test."""
        return self.given_parts

    def fingerprints(self) -> np.ndarray:
        """uint64 of the words alone."""
        digests = (blake2b("\x1f".join(each).encode(errors="replace"), digest_size=8) for each in self.words)
        return np.array([int.from_bytes(each.digest(), "little") for each in digests], np.uint64)

    def describe(self) -> Sequence[tuple[str, str, str, str]]:
        """Words and tags, with the first sentence as an example."""
        rows = [(WORDS, "words", f"{sum(map(len, self.words)):,} words", _shown(self.words))]
        if self.tags is not None:
            many = len({tag for each in self.tags if each for tag in each})
            reason = "entities, scored by span" if self.kind == "entities" else "a tag a word, scored by word"
            rows.append((self.tag_column or "tags", self.kind, f"{many} tags: {reason}", _shown(self.tags)))
        return [*rows, *((name, "column", "", str(values[0])) for name, values in self.columns.items())]

    def concerns(self) -> Sequence[Concern]:
        """What reading has changed, tags that are too rare, and equal sentences with other tags."""
        return [*self.notes, *_rare(self), *_contradictions(self)]

    def check_inputs(self) -> None:
        """DataError where all words have the same tag."""
        if self.tags is not None and len(found := {tag for each in self.tags for tag in each}) < 2:
            raise DataError(
                f"{self.name}: every word has the tag '{next(iter(found), '')}', so there is nothing to "
                "learn. Name another column with --target, or add sentences."
            )


def objects(items: Sequence[Any]) -> np.ndarray:
    """One item a place, whatever it is: lists stay lists."""
    found = np.empty(len(items), object)
    for place, item in enumerate(items):
        found[place] = item
    return found


def _rare(rows: TaggedRows) -> list[Concern]:
    if rows.tags is None:
        return []
    counts = Counter(tag for each in rows.tags if each for tag in each)
    rare = sorted(tag for tag, count in counts.items() if count < RARE)
    if not rare:
        return []
    shown = ", ".join(rare[:EXAMPLES]) + (", ..." if len(rare) > EXAMPLES else "")
    return [
        Concern(
            "imbalance",
            rows.name,
            f"{len(rare)} of {len(counts)} tags have fewer than {RARE} words to learn from: {shown}.",
        )
    ]


def _contradictions(rows: TaggedRows) -> list[Concern]:
    """Equal sentences with different tags, which nothing can learn."""
    if rows.tags is None:
        return []
    known: dict[tuple[str, ...], tuple[int, Any]] = {}
    pairs = []
    for row, (words, found) in enumerate(zip(rows.words, rows.tags, strict=True)):
        first, their = known.setdefault(tuple(words), (row, found))
        if their != found:
            pairs.append((first, row))
    if not pairs:
        return []
    shown = "; ".join(f"{rows.where(a)} and {rows.where(b)}" for a, b in pairs[:EXAMPLES])
    return [
        Concern(
            "contradiction",
            rows.name,
            f"{len(pairs):,} {'sentences stand' if len(pairs) > 1 else 'sentence stands'} there twice with "
            f"different tags ({shown}).",
        )
    ]


def _shown(values: np.ndarray) -> str:
    return " ".join(next((each for each in values if each), ())[:6])
