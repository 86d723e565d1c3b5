"""Losses of embeddings equal their papers' formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from deepfit.nn import losses


def vectors(count=3, rows=6, width=4):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, rows, width, generator=generator, dtype=torch.float64).unbind()


ALIKE = torch.tensor([1, 0, 1, 0, 0, 1])


@pytest.mark.parametrize("margin", [1.0, 4.0])
def test_contrastive_draws_like_pairs_near_and_pushes_others_to_the_margin(margin):
    a, b, _ = vectors()
    distance = np.linalg.norm(a.numpy() - b.numpy(), axis=1)
    near, far = distance**2 / 2, np.maximum(0, margin - distance) ** 2 / 2
    expected = np.where(ALIKE.numpy() == 1, near, far).sum()
    assert losses.contrastive(a, b, ALIKE, margin=margin).item() == pytest.approx(expected)


def test_equal_embeddings_that_should_differ_get_no_gradient_not_nan():
    a = torch.ones(1, 3, requires_grad=True)
    loss = losses.contrastive(a, torch.ones(1, 3), torch.tensor([0]))
    loss.backward()
    assert loss.item() == 0.5
    assert a.grad.tolist() == [[0, 0, 0]]


def test_in_batch_contrastive_is_the_crossentropy_of_finding_ones_own_partner():
    a, b, _ = vectors()
    one, other = (v.numpy() / np.linalg.norm(v.numpy(), axis=1, keepdims=True) for v in (a, b))
    expected = -log_softmax(one @ other.T / 0.2, axis=1).diagonal().sum()
    assert losses.in_batch_contrastive(a, b, temperature=0.2).item() == pytest.approx(expected)


def test_triplet_equals_its_formula_and_pytorch_with_squared_distances():
    a, p, n = vectors()
    near, far = ((np.square(a.numpy() - other.numpy())).sum(1) for other in (p, n))
    found = losses.triplet(a, p, n, margin=0.5).item()
    assert found == pytest.approx(np.maximum(0, near - far + 0.5).sum())
    theirs = torch.nn.functional.triplet_margin_with_distance_loss(
        *(a, p, n),
        distance_function=lambda x, y: (x - y).square().sum(1),
        margin=0.5,
        reduction="sum",
    )
    assert found == pytest.approx(theirs.item())


def test_an_anchor_that_is_near_enough_costs_nothing():
    a = torch.zeros(1, 2)
    assert losses.triplet(a, a, torch.tensor([[0.5, 0.0]]), margin=0.2).item() == 0


def test_gradients_agree_with_finite_differences():
    a, b, c = (each.requires_grad_() for each in vectors())
    check = torch.autograd.gradcheck
    assert check(lambda x, y: losses.contrastive(x, y, ALIKE, margin=4.0), (a, b))
    assert check(lambda x, y: losses.in_batch_contrastive(x, y, temperature=0.5), (a, b))
    assert check(lambda x, y, z: losses.triplet(x, y, z, margin=1.0), (a, b, c))
