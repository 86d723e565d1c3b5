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


def test_in_batch_contrastive_has_more_candidates_and_leaves_out_those_that_are_no_negatives():
    a, b, more = vectors()
    candidates = torch.cat([b, more])
    apart = torch.ones(6, 12, dtype=torch.bool)
    apart[0, 7] = apart[2, 2] = False  # the second is a partner, which counts all the same
    unit = [v.numpy() / np.linalg.norm(v.numpy(), axis=1, keepdims=True) for v in (a, candidates)]
    logits = unit[0] @ unit[1].T / 0.1
    logits[0, 7] = -np.inf
    expected = -log_softmax(logits, axis=1)[np.arange(6), np.arange(6)].sum()
    found = losses.in_batch_contrastive(a, candidates, temperature=0.1, apart_NM=apart)
    assert found.item() == pytest.approx(expected)
    order = torch.tensor([3, 1, 0])
    some = losses.in_batch_contrastive(a[order], b, temperature=0.1, partner_N=order)
    whole = [losses.in_batch_contrastive(a[i : i + 1], b, temperature=0.1, partner_N=order[j : j + 1])
             for j, i in enumerate(order.tolist())]  # fmt: skip
    assert some.item() == pytest.approx(sum(each.item() for each in whole))


RATINGS = torch.tensor([3.0, 1.0, 2.0, 3.0])
COSINES = torch.tensor([0.9, 0.5, 0.95, 0.1], dtype=torch.float64)


def test_cosent_equals_its_formula():
    expected = sum(
        np.log(
            1
            + sum(
                np.exp((float(COSINES[n]) - float(COSINES[m])) / 0.05)
                for m in range(4)
                if RATINGS[m] > RATINGS[n]
            )
        )
        for n in range(4)
    )
    assert losses.cosent(COSINES, RATINGS, COSINES, RATINGS).item() == pytest.approx(expected)


def test_cosent_costs_nothing_where_the_order_is_right_or_nothing_is_rated_higher():
    right = torch.tensor([1.0, -0.5, 0.3, 1.0], dtype=torch.float64)
    assert losses.cosent(right, RATINGS, right, RATINGS).item() < 1e-5
    level = torch.zeros(4)
    assert losses.cosent(COSINES, level, COSINES, level).item() == 0
    cosines = COSINES.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: losses.cosent(x, RATINGS, x, RATINGS), (cosines,))
