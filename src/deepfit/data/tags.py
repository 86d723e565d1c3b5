"""Tags of words: which scheme they follow, the entities that they mark, and the best tags that keep a scheme.

Entities are marked with BIO (also called BIO2 or IOB2): B-PERSON begins one, I-PERSON goes on with it, O is
outside. IOB1 (B only between two of a kind), IOE, BIOES and BILOU are read and written as BIO. What begins
with I is an entity all the same, as conlleval and seqeval have it. Source of BIO: Ramshaw and Marcus 1995,
arXiv cmp-lg/9505040; of the variants: Tjong Kim Sang and Veenstra 1999, EACL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np

OUTSIDE = "O"
MARKED = re.compile(r"[BIESLU](-.+)?", re.DOTALL)
STRAY_SHARE = 0.01
"""Where at most this share of tags does not fit a scheme that all others keep, those are mistakes."""

Kind = Literal["entities", "words"]


class Entity(NamedTuple):
    """A stretch of words: its type, its first word and the one behind its last, from 0."""

    type: str
    start: int
    stop: int


class Scheme(NamedTuple):
    """What tags are: marks of entities or a tag of its own for each word.

    name: BIO, IOB1, BIOES or BILOU of entities, else "". strays: tags that do not fit it.
    """

    kind: Kind
    name: str = ""
    strays: tuple[str, ...] = ()


def recognise(sentences: Iterable[Sequence[str]]) -> Scheme:
    """The scheme of tagged sentences, by the tags alone."""
    counts: dict[str, int] = {}
    begun_by_i = begun_by_b = 0
    for tags in sentences:
        before = OUTSIDE
        for tag in tags:
            counts[tag] = counts.get(tag, 0) + 1
            mark, _, kind = tag.partition("-")
            goes_on = before != OUTSIDE and before.partition("-")[2] == kind
            begun_by_i += mark == "I" and not goes_on
            begun_by_b += mark == "B" and not goes_on
            before = tag
    marks = {tag[0] for tag in counts if MARKED.fullmatch(tag)}
    strays = tuple(tag for tag in counts if tag != OUTSIDE and not MARKED.fullmatch(tag))
    share = sum(counts[tag] for tag in strays) / max(1, sum(counts.values()))
    if not marks & {"B", "I"} or share > STRAY_SHARE or (strays and OUTSIDE not in counts):
        return Scheme("words")
    if marks & {"L", "U"}:
        name = "BILOU"
    elif marks & {"E", "S"}:
        name = "BIOES"
    else:
        name = "IOB1" if begun_by_i and not begun_by_b else "BIO"
    return Scheme("entities", name, strays)


def entities(tags: Sequence[str]) -> list[Entity]:
    """The entities that tags of any of the schemes mark, from left to right."""
    found: list[Entity] = []
    kind, start, before = None, 0, OUTSIDE
    for place, tag in enumerate((*tags, OUTSIDE)):
        mark, _, name = tag.partition("-")
        mark = {"L": "E", "U": "S"}.get(mark, mark)
        if kind is not None and (mark in ("B", "S", OUTSIDE) or before in ("E", "S") or name != kind):
            found.append(Entity(kind, start, place))
            kind = None
        if mark != OUTSIDE and kind is None:
            kind, start = name, place
        before = mark
    return found


def as_bio(tags: Sequence[str]) -> list[str]:
    """The same entities in BIO."""
    written = [OUTSIDE] * len(tags)
    for kind, start, stop in entities(tags):
        behind = f"-{kind}" if kind else ""
        written[start:stop] = [f"B{behind}", *[f"I{behind}"] * (stop - start - 1)]
    return written


def bio_tags(types: Iterable[str]) -> list[str]:
    """O, and for each type the tag that begins an entity and the one that goes on with it."""
    return [OUTSIDE, *(mark + (f"-{kind}" if kind else "") for kind in types for mark in "BI")]


def may_follow(tags: Sequence[str]) -> np.ndarray:
    """Whether a tag (column) may follow another (row), in BIO: bool [tags + 1, tags].

    The last row stands for the beginning. I-X follows B-X and I-X alone; all else may follow anything.
    """
    allowed = np.ones((len(tags) + 1, len(tags)), bool)
    for column, tag in enumerate(tags):
        mark, _, kind = tag.partition("-")
        if mark == "I":
            allowed[:, column] = [
                before != OUTSIDE and before.partition("-")[2] == kind for before in tags
            ] + [False]
    return allowed


def best_path(scores: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """The tags with the highest sum of scores [words, tags], all steps allowed: int64 [words].

    allowed: as `may_follow` gives it. Source: Viterbi 1967, IEEE Transactions on Information Theory 13(2).
    """
    words, tags = scores.shape
    if not words:
        return np.empty(0, np.int64)
    steps = np.where(allowed, 0.0, -np.inf)
    reached = scores[0] + steps[-1]
    came_from = np.zeros((words, tags), np.int64)
    for word in range(1, words):
        ways = reached[:, None] + steps[:-1]
        came_from[word] = ways.argmax(0)
        reached = ways.max(0) + scores[word]
    path = np.empty(words, np.int64)
    path[-1] = reached.argmax()
    for word in range(words - 1, 0, -1):
        path[word - 1] = came_from[word, path[word]]
    return path
