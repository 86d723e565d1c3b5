"""Whether a sequence's reverse complement still belongs to its class: found from the data, before training.

The two strands of DNA tell the same story of where a protein binds, but not of where a gene is spliced or in
which direction it is read. So half of a sample answers for the other half by logistic regression on its
k-mers (and its positions, where all have one length), once as it is and once reverse-complemented: where the
other strand is recognised about as well, it may be shown in training; where it is not, it would teach what
is not so.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

from deepfit.data.ragged import Ragged

SAMPLE = 2000
FEWEST = 20
K = 4
LONGEST = 20_000
"""Letters of a sequence that are looked at."""
POSITIONS = 500
ALL_KEEP, CLASS_KEEPS, ABOVE_CHANCE = 0.9, 0.75, 0.05
"""Smallest share of recognitions that has to survive, over all sequences and in each class; and by how much
accuracy has to exceed that of the most frequent class for anything to be told."""


class Strand(NamedTuple):
    """Whether the other strand keeps the class, and the sentence that says why."""

    harmless: bool
    why: str


def judge_strand(
    codes: Ragged, labels_N: np.ndarray, complements: np.ndarray, *, aligned: bool, seed: int = 0
) -> Strand:
    """Compare how well sequences and their reverse complements are recognised.

    codes: of letters, 1 to 4 the four bases; complements: the code on the other strand of each code; aligned:
    whether all have one length.
    """
    chosen = np.random.default_rng(seed).permutation(len(labels_N))[:SAMPLE]
    known, asked = chosen[: len(chosen) // 2], chosen[len(chosen) // 2 :]
    if len(known) < FEWEST or len(np.unique(labels_N[known])) < 2:
        return Strand(False, "there are too few sequences to tell whether the other strand keeps their class")
    parts = [codes.row(row)[:LONGEST] for row in chosen]
    other = [complements[part][::-1] for part in parts]
    plain, turned = (_features(some, aligned) for some in (parts, other))
    half, truth = len(known), labels_N[asked]
    said_plain, said_turned = answers(plain[:half], labels_N[known], plain[half:], turned[half:])
    right, still = np.equal(said_plain, truth), np.equal(said_turned, truth)
    chance = np.unique(truth, return_counts=True)[1].max() / len(truth)
    said = (
        f"{right.mean():.0%} of sequences and {still.mean():.0%} of reverse complements resemble their class"
    )
    if right.mean() < chance + ABOVE_CHANCE:
        return Strand(
            False, f"the sequences are too hard to tell whether the other strand keeps them ({said})"
        )
    for label in np.unique(truth):
        own = truth == label
        if right[own].sum() >= FEWEST // 2 and still[own].sum() < CLASS_KEEPS * right[own].sum():
            return Strand(False, f"on the other strand a class is no longer recognised ({said})")
    if still.sum() < ALL_KEEP * right.sum():
        return Strand(False, f"the other strand resembles other classes ({said})")
    return Strand(True, said)


def _features(parts: list[np.ndarray], aligned: bool) -> np.ndarray:
    """Shares of the k-mers, float32 [N, 4^k], and one-hot bases of the first positions where aligned."""
    found = shares_of_kmers(parts, 4, K)
    return np.concatenate([found, by_position(parts, 4)], axis=1) if aligned else found


def shares_of_kmers(parts: list[np.ndarray], letters: int, k: int) -> np.ndarray:
    """How large a share of a string's k-mers each is: float32 [N, letters^k], of codes from 1."""
    found = np.zeros((len(parts), letters**k), np.float32)
    for row, codes in enumerate(parts):
        places = codes.astype(np.int64) - 1
        if len(places) < k:
            continue
        windows = np.lib.stride_tricks.sliding_window_view(places, k)
        proper = ((windows >= 0) & (windows < letters)).all(1)
        numbers = (windows @ letters ** np.arange(k))[proper]
        found[row] = np.bincount(numbers, minlength=letters**k) / max(len(numbers), 1)
    return found


def by_position(parts: list[np.ndarray], letters: int) -> np.ndarray:
    """One-hot letters of the first positions of strings of one length: float32 [N, positions * letters]."""
    codes = np.stack([part[:POSITIONS] for part in parts])
    return (codes[:, :, None] == np.arange(1, letters + 1)).astype(np.float32).reshape(len(parts), -1)


def answers(known: np.ndarray, labels: np.ndarray, *asked: np.ndarray) -> list[np.ndarray]:
    """The classes that logistic regression on known rows [N, F] gives to each of the others."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    scale = known.std(0) + 1e-3
    model = LogisticRegression(C=0.1, max_iter=100, tol=1e-2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a judgement, not a model to keep
        model.fit(known / scale, labels)
    return [np.asarray(model.predict(each / scale)) for each in asked]
