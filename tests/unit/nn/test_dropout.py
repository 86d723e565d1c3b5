"""The cheap dropout is dropout: its rate, its independence, its gradient, and that it can be repeated."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from deepfit.nn.dropout import SMALL, Dropout, dropout, keep_mask

ALPHA = 1e-4
"""How often a fair mask would fail each of these tests, were the seeds not fixed."""


def masks(probability, *, count=64, size=1 << 16, seed=0):
    """bool [count, size]: masks of different draws."""
    torch.manual_seed(seed)
    return torch.stack([keep_mask(torch.Size([size]), probability)[0] for _ in range(count)]).numpy()


@pytest.mark.parametrize("probability", [1e-3, 0.1, 0.5, 0.9])
def test_the_share_that_is_dropped_is_the_probability(probability):
    kept = masks(probability)
    realised = round(probability * 65536) / 65536
    found = stats.binomtest(int((~kept).sum()), kept.size, realised)
    assert found.pvalue > ALPHA


@pytest.mark.parametrize("probability", [0.1, 0.5])
def test_every_place_is_dropped_equally_often_whatever_its_place_in_a_word(probability):
    dropped = (~masks(probability, seed=1)).sum(0).reshape(-1, 8).sum(0)  # by place in 16 bytes
    assert stats.chisquare(dropped).pvalue > ALPHA


@pytest.mark.parametrize("probability", [0.1, 0.5])
def test_counts_in_blocks_spread_as_the_binomial_distribution_says(probability):
    counts = (~masks(probability, seed=2)).reshape(-1, 16).sum(1)
    expected = stats.binom.pmf(np.arange(17), 16, round(probability * 65536) / 65536) * len(counts)
    seen = np.bincount(counts, minlength=17).astype(float)
    common = expected > 5
    seen = np.append(seen[common], seen[~common].sum())
    expected = np.append(expected[common], expected[~common].sum())
    if expected[-1] < 5:
        seen, expected = np.append(seen[:-2], seen[-2:].sum()), np.append(expected[:-2], expected[-2:].sum())
    assert stats.chisquare(seen, expected).pvalue > ALPHA


@pytest.mark.parametrize("lag", [1, 2, 3, 4, 5, 8, 64, 384])
def test_neighbours_are_independent(lag):
    kept = masks(0.3, seed=3)
    pairs = 2 * kept[:, :-lag].astype(int) + kept[:, lag:]
    table = np.bincount(pairs.ravel(), minlength=4).reshape(2, 2)
    assert stats.chi2_contingency(table).pvalue > ALPHA


def test_two_draws_are_independent():
    kept = masks(0.3, seed=4)
    pairs = 2 * kept[:-1].astype(int) + kept[1:]
    table = np.bincount(pairs.ravel(), minlength=4).reshape(2, 2)
    assert stats.chi2_contingency(table).pvalue > ALPHA


def test_consecutive_seeds_give_independent_masks():
    kept = []
    for seed in range(64):  # as the engine seeds: one after another
        torch.manual_seed(seed)
        kept.append(keep_mask(torch.Size([1 << 16]), 0.3)[0].numpy())
    pairs = 2 * np.stack(kept[:-1]).astype(int) + np.stack(kept[1:])
    table = np.bincount(pairs.ravel(), minlength=4).reshape(2, 2)
    assert stats.chi2_contingency(table).pvalue > ALPHA


@pytest.mark.parametrize("probability", [0.1, 1 / 3, 0.5])
def test_what_stays_is_scaled_by_the_rounded_probability_exactly(probability):
    torch.manual_seed(0)
    found = dropout(torch.ones(100, 100), probability)
    realised = round(probability * 65536) / 65536
    assert abs(realised - probability) <= 1 / 131072
    values = found.unique()
    torch.testing.assert_close(values, torch.tensor([0.0, 1 / (1 - realised)]), rtol=1e-6, atol=0)


@pytest.mark.parametrize("shape", [(100, 100), (SMALL + 1,), (3, 7, 331), (64, 64)])
def test_the_gradient_passes_where_the_value_did(shape):
    torch.manual_seed(0)
    x = torch.randn(shape).requires_grad_()
    y = dropout(x, 0.25)
    y.backward(torch.ones_like(y))
    torch.testing.assert_close(y, x * x.grad)
    assert 0.6 < float(x.grad.ne(0).float().mean()) < 0.9


def test_the_gradient_is_that_of_a_linear_function():
    x = torch.randn(SMALL, dtype=torch.float64, requires_grad=True)

    def fixed(x):
        torch.manual_seed(7)
        return dropout(x, 0.5)

    assert torch.autograd.gradcheck(fixed, x, fast_mode=True)


def test_equal_seeds_of_the_default_generator_give_equal_masks_and_others_do_not():
    x = torch.ones(100, 100)
    found = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        found.append((dropout(x, 0.5), dropout(x, 0.5)))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])
    assert not torch.equal(found[0][0], found[0][1])
    assert not torch.equal(found[0][0], found[2][0])


def test_the_mask_does_not_depend_on_the_number_of_threads():
    threads, found = torch.get_num_threads(), []
    try:
        for number in (1, 2):
            torch.set_num_threads(number)
            torch.manual_seed(0)
            found.append(dropout(torch.ones(300, 300), 0.5))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*found)


def test_nothing_changes_in_evaluation_or_at_probability_zero():
    x = torch.randn(100, 100)
    assert dropout(x, 0.5, training=False) is x
    assert dropout(x, 0.0) is x
    assert Dropout(0.5).eval()(x) is x


def test_probability_one_leaves_nothing_and_almost_one_almost_nothing():
    x = torch.ones(100, 100)
    assert not bool(dropout(x, 1.0).any())
    assert float(dropout(x, 0.99).ne(0).float().mean()) < 0.02


@pytest.mark.parametrize("size", [0, 1, 5])
def test_small_and_empty_tensors_are_dropped_too(size):
    torch.manual_seed(0)
    values = set(torch.cat([dropout(torch.ones(size), 0.5) for _ in range(50)]).tolist())
    assert values == ({0.0, 2.0} if size else set())


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_stays_half(dtype):
    torch.manual_seed(0)
    found = dropout(torch.ones(100, 100, dtype=dtype), 0.5)
    assert found.dtype == dtype
    assert set(found.unique().tolist()) == {0.0, 2.0}
