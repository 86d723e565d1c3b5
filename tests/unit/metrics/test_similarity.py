"""Scores of likeness equal SciPy's, and ranks those found by sorting."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse, stats

from deepfit.metrics import similarity as scores


def unit(rows, width, seed):
    vectors = np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("coarse", [False, True])
def test_correlations_are_those_of_scipy(coarse):
    rng = np.random.default_rng(0)
    ratings = rng.integers(0, 6, 200).astype(float)
    said = ratings + rng.normal(0, 2, 200)
    said = np.round(said) if coarse else said
    found = scores.rated(said, ratings)
    assert found["spearman"] == pytest.approx(stats.spearmanr(said, ratings).statistic)
    assert found["pearson"] == pytest.approx(stats.pearsonr(said, ratings).statistic)


@pytest.mark.parametrize(("said", "ratings"), [([], []), ([1.0], [2.0]), ([1, 1], [1, 2]), ([1, 2], [3, 3])])
def test_correlations_that_are_not_defined_are_absent(said, ratings):
    assert scores.rated(said, ratings) == {}


def test_ranks_are_those_of_sorting_dense_and_sparse():
    first, second = unit(50, 8, 0), unit(50, 8, 1)
    order = np.argsort(-(first @ second.T), axis=1)
    expected = [int(np.flatnonzero(order[row] == row)[0]) + 1 for row in range(50)]
    keys = np.arange(50)
    assert scores.partner_ranks(first, second, keys).tolist() == expected
    thin = [sparse.csr_matrix(each) for each in (first, second)]
    assert scores.partner_ranks(*thin, keys).tolist() == expected
    own = [scores.own_similarity(*each) for each in (thin, (first, second))]
    np.testing.assert_allclose(*own, atol=1e-6)


def test_ranks_do_not_depend_on_blocks(monkeypatch):
    first, second, keys = unit(40, 6, 0), unit(40, 6, 1), np.arange(40)
    whole = scores.partner_ranks(first, second, keys)
    monkeypatch.setattr(scores, "BLOCK_VALUES", 120)
    assert scores.partner_ranks(first, second, keys).tolist() == whole.tolist()


def test_vectors_that_are_all_alike_find_nothing():
    same = np.ones((9, 1), np.float32)
    assert scores.partner_ranks(same, same, np.arange(9)).tolist() == [5.0] * 9


def test_the_same_partner_text_in_other_rows_is_no_rival():
    first, second = unit(4, 3, 0), unit(4, 3, 0)
    second[1] = second[0]
    assert scores.partner_ranks(first, second, np.array([7, 7, 8, 9]))[0] == 1
    assert scores.partner_ranks(first, second, np.array([6, 7, 8, 9]))[0] == 1.5


def test_many_candidates_are_drawn_evenly(monkeypatch):
    monkeypatch.setattr(scores, "CANDIDATES", 10)
    same = np.ones((40, 1), np.float32)
    ranks = scores.partner_ranks(same, same, np.arange(40))
    assert set(ranks.tolist()) == {1 + 9 / 2, 1 + 10 / 2}  # rows among the ten candidates, and the others


def test_retrieval_scores_worked_by_hand():
    assert scores.retrieval([1, 2, 20, 10]) == {
        "mrr": pytest.approx((1 + 0.5 + 0.05 + 0.1) / 4),
        "accuracy_at_1": 0.25,
        "accuracy_at_10": 0.75,
    }
    assert scores.retrieval([]) == {}
