"""Simple methods on strings: against scikit-learn on hand-made features, and where they must fail."""

from __future__ import annotations

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

from deepfit.baselines.sequences import _shares_of_kmers, for_sequences
from deepfit.data.ragged import Ragged


def strings(count=200, seed=0):
    """Random strings of four letters; the class is the letter at place 5."""
    codes = np.random.default_rng(seed).integers(1, 5, (count, 12)).astype(np.uint8)
    return {"letters": Ragged.of(codes, np.uint8), "target": (codes[:, 5] > 2).astype(np.int64)}


def test_kmers_are_counted_as_scikit_learn_counts_them():
    texts = ["abcabd", "ddda", "b"]
    codes = Ragged.of([[ord(sign) - 96 for sign in text] for text in texts], np.uint8)
    found = _shares_of_kmers(codes, 4)
    for k, place in ((1, 0), (2, 4), (3, 20)):
        counts = CountVectorizer(analyzer="char", ngram_range=(k, k)).fit(texts)
        matrix = counts.transform(texts).toarray()
        shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
        for name, column in counts.vocabulary_.items():
            number = sum((ord(sign) - 97) * 4 ** (k - 1 - at) for at, sign in enumerate(name))
            np.testing.assert_allclose(found[:, place + number], shares[:, column], rtol=1e-6)


def test_doubtful_letters_are_in_no_kmer():
    found = _shares_of_kmers(Ragged.of([[1, 9, 1, 1]], np.uint8), 4)
    assert found[0, 4:20].nonzero()[0].tolist() == [0]


def test_positions_see_what_kmers_cannot():
    found = {name: said for name, said, _ in for_sequences(strings(), strings(seed=1), 2, letters=4)}
    right = {name: (said.argmax(1) == strings(seed=1)["target"]).mean() for name, said in found.items()}
    assert list(found) == ["majority", "linear_positions", "linear_kmers"]
    assert right["linear_positions"] > 0.97
    assert right["linear_kmers"] < 0.8
    assert all(np.allclose(said.sum(1), 1) for said in found.values())


def test_one_class_leaves_nothing_but_the_majority():
    train = {**strings(), "target": np.zeros(200, np.int64)}
    assert [name for name, _, _ in for_sequences(train, strings(), 1, letters=4)] == ["majority"]


def test_strings_of_thousands_of_letters_are_not_read_by_position():
    codes = np.random.default_rng(0).integers(1, 5, (20, 1500))
    batch = {"letters": Ragged.of(codes, np.uint8), "target": np.arange(20) % 2}
    assert [name for name, _, _ in for_sequences(batch, batch, 2, letters=4)] == ["majority", "linear_kmers"]
