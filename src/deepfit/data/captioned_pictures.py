"""Pictures with captions as a generator and its judge need them: facts of the training rows, and arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deepfit.contract import Facts
from deepfit.data.caption_words import (
    caption_words,
    encode_words,
    explain_unknown,
    learn_words,
    unknown_words,
)
from deepfit.data.captions import CaptionRows
from deepfit.data.image_sources import natural
from deepfit.data.made_pictures import learn_pictures
from deepfit.data.noise import normal_of, prints_of
from deepfit.data.ragged import Ragged
from deepfit.errors import DataError, OptionError

UNKNOWN_CLASS = -1
MOST_EXAMPLES = 100
"""Training captions that are remembered: to draw from, and for a made picture to be told apart from."""
MOST_JUDGED = 64
LEAST_PICTURES = 20
"""Pictures that have a word, and that lack it, for a judge to learn it."""


def learn_captioned(train: CaptionRows, *, image_size: str, features: str | None) -> dict[str, Any]:
    """Facts from training rows, plain JSON: those of `learn_pictures`, and what captions say.

    words: known ones. captions: at most 100 different ones. classes: the kinds of picture, where captions
    stand for kinds. Where they do not, judge has words too, the numbers of those that it learns to see, with
    two outputs each: there or not.
    """
    facts = learn_pictures(train, image_size=image_size, features=features)
    captions = train.captions.tolist()
    words = learn_words(captions)
    judge = facts["judge"]
    if not judge["given"] and not judge["classes"]:
        seen = judged_words(encode_words(captions, words), len(words))
        facts["judge"] = {**judge, "words": seen, "outputs": judge["outputs"] + 2 * len(seen)}
    different = sorted(set(captions), key=natural)
    chosen = np.linspace(0, len(different) - 1, min(MOST_EXAMPLES, len(different))).round().astype(int)
    return {**facts, "words": words, "captions": [different[place] for place in chosen]}


def judged_words(captions: Ragged, num_words: int) -> list[int]:
    """The words that enough pictures have and enough lack, at most 64, the most frequent first."""
    rows = np.repeat(np.arange(len(captions)), captions.lengths)
    once = np.unique(rows * num_words + captions.values) % num_words
    having = np.bincount(once, minlength=num_words)
    fits = np.flatnonzero((having >= LEAST_PICTURES) & (len(captions) - having >= LEAST_PICTURES))
    return fits[:MOST_JUDGED].tolist()  # words are numbered by how often they occur


def encode_captioned(rows: CaptionRows, facts: Facts, *, noise: int, seed: int) -> dict[str, Any]:
    """Arrays of captions, and of pictures where there are any.

    words: Ragged int32, numbers of the caption's words; of a captioned picture without any known word the
    number behind the last. unknown_words: int64 [rows], how many were passed over. noise: float32 [rows,
    noise], which follows from the row and the seed. images: uint8 [rows, side, side, channels]; target: int64
    [rows], the kind of picture, -1 for a new one. DataError where of captions alone one has no known word.
    """
    captions = rows.captions.tolist()
    words = encode_words(captions, facts["words"])
    empty = np.flatnonzero(words.lengths == 0)
    if len(empty):
        if rows.pictured is None:
            where, unknown = rows.where(int(empty[0])), unknown_words(captions[empty[0]], facts["words"])
            raise DataError(f"{rows.name}: {where}: {explain_unknown(unknown, facts['words'])}")
        lost = set(empty.tolist())
        words = Ragged.of(
            ([len(facts["words"])] if row in lost else words.row(row) for row in range(len(captions))),
            np.int32,
        )
    known = set(facts["words"])
    passed_over = [sum(word not in known for word in caption_words(caption)) for caption in captions]
    batch: dict[str, Any] = {"words": words, "unknown_words": np.array(passed_over, np.int64)}
    if rows.pictured is None:
        return {**batch, "noise": normal_of(rows.fingerprints(), noise, seed)}
    batch["images"] = rows.pixels((facts["size"][0], facts["size"][1]), facts["channels"])
    batch["noise"] = normal_of(prints_of(batch["images"]), noise, seed)
    if facts["classes"]:
        batch["target"] = numbers_of(rows.kinds_of_rows(), facts["classes"])
    return batch


def numbers_of(kinds: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """int64 [rows]: the place of each kind among the classes, -1 where it is none of them."""
    place = {name: number for number, name in enumerate(classes)}
    return np.array([place.get(kind, UNKNOWN_CLASS) for kind in kinds.tolist()], np.int64)


def encode_prompts(prompts: Sequence[str], facts: Mapping[str, Any]) -> Ragged:
    """The words of what somebody asks for; OptionError where a word was in no training caption."""
    for prompt in prompts:
        if not caption_words(prompt):
            raise OptionError(
                f"--prompt {prompt!r}: there is no word in it. Say what is to be on the picture."
            )
        if unknown := unknown_words(prompt, facts["words"]):
            raise OptionError(f"--prompt {prompt!r}: {explain_unknown(unknown, facts['words'])}")
    return encode_words(prompts, facts["words"])


def nearest_captions(known: Ragged, asked: Ragged, num_words: int, seed: int) -> np.ndarray:
    """int64 [asked]: the row of `known` whose words are most like, by the cosine of their weighted counts.

    Weights are log(rows / rows with the word), so that "a" says nothing; of equals one is drawn at random.
    """
    from scipy import sparse

    def counts(captions: Ragged) -> Any:
        rows = np.repeat(np.arange(len(captions)), captions.lengths)
        shape = (len(captions), num_words + 1)
        return sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, captions.values)), shape=shape)

    one, other = counts(known), counts(asked)
    having = np.asarray((one > 0).sum(0)).reshape(-1)
    weights = np.log((1 + len(known)) / (1 + having)).astype(np.float32)
    weighted = [each.multiply(weights).tocsr() for each in (one, other)]
    lengths = np.sqrt(np.asarray(weighted[0].multiply(weighted[0]).sum(1)).reshape(-1))
    order = np.random.default_rng([seed, 0xCA7]).permutation(len(known))
    found = np.zeros(len(asked), np.int64)
    for start in range(0, len(asked), 256):
        likeness = (weighted[1][start : start + 256] @ weighted[0].T).toarray() / np.maximum(lengths, 1e-6)
        found[start : start + 256] = order[np.round(likeness[:, order], 5).argmax(1)]
    return found
