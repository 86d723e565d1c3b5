"""What a sensible person would try first on symbol strings: logistic regression on letters and on k-mers.

As in `baselines`: (name, probabilities [test rows, classes], seconds), the most trivial first. The strength
of the penalty is chosen on a fifth of the training rows, then all of them are learned from.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfit.baselines import Fitted, _fit, _sample, _shares, _timed
from deepfit.contract import Batch
from deepfit.data.batches import num_rows
from deepfit.data.ragged import Ragged

PENALTIES = (0.01, 0.03, 0.1, 0.3, 1.0, 10.0)
"""Values of scikit-learn's C that are tried."""
MOST_ROWS = 20_000
MOST_POSITIONS = 1000
MOST_LETTERS = 50_000
"""Letters of a string, from its first, whose k-mers are counted."""
MOST_KMERS = 5000


def for_sequences(
    train: Batch, test: Batch, num_classes: int, *, letters: int, seed: int = 0
) -> Iterator[Fitted]:
    """Yield majority, linear_positions and linear_kmers.

    train, test: Ragged codes "letters", of which 1 to `letters` are proper ones. linear_positions reads
    one-hot letters by their place, of strings of up to 1,000 letters, shorter ones padded; linear_kmers the
    shares of k-mers of one letter to k, 4^k and the like at most 5,000.
    """
    target = np.asarray(train["target"])
    yield _timed("majority", lambda: _shares(target, num_classes, num_rows(test)))
    if len(np.unique(target)) < 2:
        return
    chosen = _sample(len(target), MOST_ROWS, seed)
    some, asked = train["letters"][chosen], test["letters"]
    longest = int(some.lengths.max(initial=0))
    if longest * letters <= 50 * MOST_POSITIONS and longest <= MOST_POSITIONS:
        yield _timed(
            "linear_positions",
            lambda: _regression(
                _positions(some, longest, letters),
                target[chosen],
                _positions(asked, longest, letters),
                num_classes,
                seed,
            ),
        )

    def kmers() -> NDArray[np.float64]:
        matrices = [_shares_of_kmers(part, letters) for part in (some, asked)]
        scale = matrices[0].std(0) + 1e-4
        ours, theirs = (matrix / scale for matrix in matrices)
        return _regression(ours, target[chosen], theirs, num_classes, seed)

    yield _timed("linear_kmers", kmers)


def _regression(matrix: Any, target: NDArray, asked: Any, num_classes: int, seed: int) -> NDArray[np.float64]:
    """Logistic regression with the penalty that a fifth of the rows likes best."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.model_selection import train_test_split

    best = 1.0
    if len(target) >= 50 and np.unique(target, return_counts=True)[1].min() >= 2:
        rows = np.arange(len(target))
        fitted, judged = train_test_split(rows, test_size=0.2, random_state=seed % 2**32, stratify=target)
        losses = {}
        for strength in PENALTIES:
            model = _fit(
                LogisticRegression(C=strength, max_iter=200, tol=1e-3), matrix[fitted], target[fitted]
            )
            losses[strength] = log_loss(
                target[judged], model.predict_proba(matrix[judged]), labels=model.classes_
            )
        best = min(losses, key=lambda strength: losses[strength])
    model = _fit(LogisticRegression(C=best, max_iter=300, tol=1e-3), matrix, target)
    found = np.zeros((asked.shape[0], num_classes))
    if asked.shape[0]:
        found[:, model.classes_] = model.predict_proba(asked)
    return found


def _positions(codes: Ragged, longest: int, letters: int) -> Any:
    """One-hot letters by place, sparse [rows, longest * letters]; what is no proper letter is no one."""
    from scipy.sparse import csr_matrix

    padded, _ = codes.padded(width=longest)
    rows, places = np.nonzero((padded > 0) & (padded <= letters))
    at = places * letters + padded[rows, places].astype(np.int64) - 1
    ones = np.ones(len(rows), np.float32)
    return csr_matrix((ones, (rows, at)), shape=(len(codes), longest * letters))


def _shares_of_kmers(codes: Ragged, letters: int) -> NDArray[np.float32]:
    """Shares of the k-mers of one letter, two and so on, side by side: float32 [rows, k-mers]."""
    sizes = [letters]
    while sum(sizes) + sizes[-1] * letters <= MOST_KMERS and len(sizes) < 5:
        sizes.append(sizes[-1] * letters)
    found = np.zeros((len(codes), sum(sizes)), np.float32)
    for row in range(len(codes)):
        own = codes.row(row)[:MOST_LETTERS].astype(np.int64) - 1
        at, numbers = 0, np.zeros(len(own), np.int64)
        good = np.ones(len(own), bool)
        for k, size in enumerate(sizes, start=1):
            if len(own) < k:
                break
            last = own[k - 1 :]
            numbers = numbers[: len(last)] * letters + last
            good = good[: len(last)] & (last >= 0) & (last < letters)
            counted = np.bincount(numbers[good], minlength=size)
            found[row, at : at + size] = counted / max(len(numbers), 1)
            at += size
    return found
