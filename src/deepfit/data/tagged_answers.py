"""What a network says of words, as tags and entities; NumPy alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from deepfit.contract import Answers, Batch, Facts
from deepfit.data import tags
from deepfit.data.tagged_rows import objects

DIGITS = 4
"""Decimals of a probability."""


def decode(outputs: Batch, facts: Facts) -> Answers:
    """Columns prediction, confidence, unseen and, where tags mark entities, entities; a list a sentence.

    Entities are marked by the best tags that are BIO. Their records have no text yet.
    """
    logits, names = outputs["logits"], facts["tags"]
    scores = logits.values.astype(np.float64) / facts.get("temperature", 1.0)
    scores -= scores.max(axis=1, keepdims=True)
    scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
    allowed = tags.may_follow(names) if facts["kind"] == "entities" else None
    said, sure, found = [], [], []
    for place in range(len(logits)):
        part = scores[logits.starts[place] - logits.starts[0] : logits.starts[place + 1] - logits.starts[0]]
        path = part.argmax(1)
        if allowed is not None and not _is_allowed(path, allowed):
            path = tags.best_path(part, allowed)
        chances = np.round(np.exp(part[np.arange(len(path)), path]), DIGITS).tolist()
        said.append([names[code] for code in path])
        sure.append(chances)
        found.append(_records(said[-1], chances))
    unseen = outputs["unseen"]
    places = [np.flatnonzero(unseen.row(place)).tolist() for place in range(len(unseen))]
    columns = {"prediction": objects(said)}
    if allowed is not None:
        columns["entities"] = objects(found)
    return Answers({**columns, "confidence": objects(sure), "unseen": objects(places)})


def with_texts(answers: Answers, words: Sequence[Sequence[str]] | np.ndarray) -> Answers:
    """The same answers, with the words of each entity, a space between them."""
    if "entities" not in answers.columns:
        return answers
    written = [
        [{"text": " ".join(sentence[each["start"] : each["end"]]), **each} for each in found]
        for sentence, found in zip(words, answers.columns["entities"], strict=True)
    ]
    return Answers({**answers.columns, "entities": objects(written)}, answers.classes)


def _is_allowed(path: np.ndarray, allowed: np.ndarray) -> bool:
    return bool(not len(path) or (allowed[-1, path[0]] and allowed[path[:-1], path[1:]].all()))


def _records(said: Sequence[str], chances: Sequence[float]) -> list[dict[str, Any]]:
    return [
        {"type": kind, "start": start, "end": stop, "score": min(chances[start:stop])}
        for kind, start, stop in tags.entities(said)
    ]
