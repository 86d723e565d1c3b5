"""A bag of tokens and pairs is scikit-learn's row of presences, and its fit scikit-learn's regression."""

from __future__ import annotations

import numpy as np
import torch
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize
from torch.nn import functional

from deepfit.data.ragged import Ragged
from deepfit.data.text_pairs import learn_pairs
from deepfit.nn.nets.bag_of_pairs import BagOfPairs
from deepfit.plans import bag_of_pairs

V = 12


def made(rows, seed=0):
    rng = np.random.default_rng(seed)
    return Ragged.of([rng.integers(1, V, rng.integers(1, 30)) for _ in range(rows)], np.int32)


def bag_of(tokens, outputs=2):
    return BagOfPairs(V, outputs, pairs=learn_pairs(tokens, V, outputs, most=10_000))


def rows_of(bag, tokens):
    """x of each row, dense: [rows, V + pairs]."""
    padded, keep = map(torch.from_numpy, tokens.padded())
    features, x = bag.features(padded, keep)
    return torch.zeros(len(tokens), bag.nothing + 1).scatter_add_(1, features, x)[:, :-1]


def theirs_of(tokens, bag, train):
    """The same by scikit-learn, its columns in our order."""
    words = lambda of: [" ".join(f"t{token}" for token in of.row(row)) for row in range(len(of))]  # noqa: E731
    counts = CountVectorizer(ngram_range=(1, 2), binary=True).fit(words(train))
    names = [f"t{token}" for token in range(1, V)]
    names += [f"t{key // V} t{key % V}" for key in bag.keys_P[:-1].tolist()]
    assert len(names) == len(counts.vocabulary_)
    return counts.transform(words(tokens))[:, [counts.vocabulary_[name] for name in names]]


def test_a_row_holds_what_scikit_learn_finds_in_the_text():
    train, asked = made(60), made(40, seed=1)
    bag = bag_of(train)
    expected = normalize(theirs_of(asked, bag, train)).toarray()
    np.testing.assert_allclose(rows_of(bag, asked)[:, 1:], expected, atol=1e-6)


def test_what_is_fitted_is_the_regression_on_weighted_presences_of_scikit_learn():
    train = made(80)
    target = (np.array([(train.row(row) < 4).sum() for row in range(80)]) > 4).astype(np.int64)
    target[:4] ^= 1
    bag = bag_of(train)
    loss = lambda logits, batch: functional.cross_entropy(logits, batch["target"], reduction="sum")  # noqa: E731
    bag_of_pairs.fit(bag, train, target, loss)
    there = theirs_of(train, bag, train).astype(float)
    in_one, in_other = (1 + np.asarray(there[target == each].sum(0)).ravel() for each in (1, 0))
    ratio = np.log(in_one / in_one.sum()) - np.log(in_other / in_other.sum())
    x = normalize(there) @ sparse.diags(ratio)
    # of two classes both columns have a weight, so each carries half and the penalty is half as large
    regression = LogisticRegression(C=2 * bag_of_pairs.COST, tol=1e-8, max_iter=5000).fit(x, target)
    padded, keep = map(torch.from_numpy, train.padded())
    said = bag(padded, keep).softmax(1)[:, 1]
    np.testing.assert_allclose(said, regression.predict_proba(x)[:, 1], atol=3e-3)
    assert abs(said.numpy() - target).mean() < 0.3


def test_the_order_of_rows_and_their_company_change_no_weight():
    train, target = made(70), np.arange(70) % 3
    loss = lambda logits, batch: functional.cross_entropy(logits, batch["target"], reduction="sum")  # noqa: E731
    one, other = bag_of(train, 3), bag_of(train, 3)
    order = np.random.default_rng(0).permutation(70)
    bag_of_pairs.fit(one, train, target, loss)
    bag_of_pairs.fit(other, train[order], target[order], loss)
    torch.testing.assert_close(one.weights_FO, other.weights_FO, atol=0.02, rtol=0.02)
    again = bag_of(train, 3)
    bag_of_pairs.fit(again, train, target, loss)
    assert torch.equal(one.weights_FO, again.weights_FO)
    assert one.weights_FO.abs().max() > 0.5


def test_padding_is_in_no_pair():
    tokens = made(60)
    bag = bag_of(tokens)
    torch.nn.init.normal_(bag.weights_FO)
    row = torch.from_numpy(tokens.row(3).astype(np.int64))
    keep = torch.arange(2 * len(row)) < len(row)
    longer = torch.cat([row, row])[None]
    torch.testing.assert_close(bag(longer, keep[None]), bag(row[None], keep[None, : len(row)]))
    assert (bag.features(longer, keep[None])[0][0, len(row) : 2 * len(row)] == bag.nothing).all()


def test_a_text_of_nothing_gets_the_bias_alone_and_an_unknown_pair_has_no_weight():
    bag = bag_of(Ragged.of([[1, 2], [2, 1]], np.int32))
    torch.nn.init.ones_(bag.weights_FO)
    bag.bias_O.fill_(3.0)
    tokens = torch.tensor([[5, 6, 6], [5, 0, 0]])
    said = bag(tokens, torch.tensor([[True] * 3, [False] * 3]))
    torch.testing.assert_close(said, torch.tensor([[3 + 2**0.5] * 2, [3.0, 3.0]]))
    alone = bag(torch.tensor([[5]]), torch.tensor([[True]]))
    torch.testing.assert_close(alone, torch.tensor([[4.0, 4.0]]))


def test_one_row_and_rows_of_one_class_are_fitted():
    loss = lambda logits, batch: functional.cross_entropy(logits, batch["target"], reduction="sum")  # noqa: E731
    for rows in (1, 3):
        train = made(rows)
        bag = bag_of(train)
        bag_of_pairs.fit(bag, train, np.zeros(rows, np.int64), loss)
        padded, keep = map(torch.from_numpy, train.padded())
        assert torch.isfinite(bag.weights_FO).all()
        assert bag(padded, keep).argmax(1).tolist() == [0] * rows


def test_of_too_many_rows_some_are_fitted(monkeypatch):
    train, target = made(60), np.arange(60) % 2
    loss = lambda logits, batch: functional.cross_entropy(logits, batch["target"], reduction="sum")  # noqa: E731
    monkeypatch.setattr(bag_of_pairs, "MOST_ROWS", 20)
    some, fewer = bag_of(train), bag_of(train)
    bag_of_pairs.fit(some, train, target, loss)
    chosen = np.linspace(0, 59, 20).round().astype(int)
    bag_of_pairs.fit(fewer, train[chosen], target[chosen], loss)
    assert torch.equal(some.weights_FO, fewer.weights_FO)
    assert some.weights_FO.abs().max() > 0
