"""Losses of several members, and the sums that they rest on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, logsumexp

from deepfit.nn import losses


@pytest.fixture
def rng():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_crossentropy_is_the_sum_of_the_formula(rng, smoothing):
    logits = torch.randn(7, 4, generator=rng, dtype=torch.float64)
    target = torch.randint(4, (7,), generator=rng)
    wanted = (1 - smoothing) * np.eye(4)[target.numpy()] + smoothing / 4
    expected = -(wanted * log_softmax(logits.numpy(), axis=1)).sum()
    found = losses.sparse_categorical_crossentropy(logits, target, label_smoothing=smoothing)
    assert found.item() == pytest.approx(expected)


def test_squared_error_is_a_sum_so_that_pieces_add_up(rng):
    outputs, target = (torch.randn(10, generator=rng, dtype=torch.float64) for _ in range(2))
    whole = losses.mean_squared_error(outputs, target)
    parts = losses.mean_squared_error(outputs[:3], target[:3]) + losses.mean_squared_error(
        outputs[3:], target[3:]
    )
    torch.testing.assert_close(whole, parts)
    assert whole.item() == pytest.approx(float(np.square(outputs.numpy() - target.numpy()).sum()))


def test_members_learn_one_by_one(rng):
    outputs = torch.randn(5, 3, 4, generator=rng, dtype=torch.float64)
    target = torch.randint(4, (5,), generator=rng)
    each = [losses.sparse_categorical_crossentropy(outputs[:, member], target) for member in range(3)]
    found = losses.over_members(losses.sparse_categorical_crossentropy, outputs, target)
    torch.testing.assert_close(found, sum(each) / 3)


def test_the_mean_probability_of_members_sums_to_one_and_is_a_mean(rng):
    logits = torch.randn(5, 3, 4, generator=rng, dtype=torch.float64)
    found = losses.log_mean_softmax(logits)
    expected = np.exp(log_softmax(logits.numpy(), axis=-1)).mean(axis=1)
    np.testing.assert_allclose(found.exp().numpy(), expected, rtol=1e-6)
    np.testing.assert_allclose(logsumexp(found.numpy(), axis=1), 0, atol=1e-6)


def test_gradients_agree_with_finite_differences(rng):
    target = torch.randint(4, (6,), generator=rng)
    logits = torch.randn(6, 2, 4, generator=rng, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda x: losses.over_members(losses.sparse_categorical_crossentropy, x, target), (logits,)
    )
