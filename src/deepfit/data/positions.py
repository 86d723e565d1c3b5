"""Whether it matters where a letter stands in strings of one length: found from the data, before training.

Splice junctions are cut so that the junction is always at one place; reads and peaks have one length, too,
but what tells them apart may be anywhere in them. So half of a sample answers for the other half, once by
logistic regression on letters by position and once on k-mers wherever they stand: whichever recognises more
says how the strings are read.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from deepfit.data.ragged import Ragged
from deepfit.data.strand import FEWEST, LONGEST, SAMPLE, answers, by_position, shares_of_kmers

KMERS = 500
"""Most k-mers: 4 letters of DNA, 2 of proteins."""


class Positions(NamedTuple):
    """Whether positions matter, and the sentence that says why."""

    matter: bool
    why: str


def judge_positions(codes: Ragged, labels_N: np.ndarray, *, letters: int, seed: int = 0) -> Positions:
    """Compare what positions and what k-mers tell of strings of one length.

    codes: 1 to `letters` the letters proper. With too few strings to tell, positions are read.
    """
    chosen = np.random.default_rng(seed).permutation(len(labels_N))[:SAMPLE]
    half = len(chosen) // 2
    truth = labels_N[chosen]
    if half < FEWEST or len(np.unique(truth[:half])) < 2:
        return Positions(True, "there are too few sequences to tell whether positions matter")
    parts = [codes.row(row)[:LONGEST] for row in chosen]
    k = max(1, int(np.log(KMERS) / np.log(max(letters, 2)) + 1e-9))
    shares = []
    for features in (by_position(parts, letters), shares_of_kmers(parts, letters, k)):
        (said,) = answers(features[:half], truth[:half], features[half:])
        shares.append(float(np.mean(said == truth[half:])))
    said = f"{shares[0]:.0%} are recognised by letters at their positions, {shares[1]:.0%} by k-mers anywhere"
    return Positions(shares[0] >= shares[1], said)
