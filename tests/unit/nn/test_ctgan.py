"""CTGAN: choices by the Gumbel trick, the cross-entropy of conditions, packs, the penalty, the moments."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from deepfit.nn.nets.ctgan import CTGAN, TEMPERATURE
from deepfit.plans.made_rows import moments_apart, penalty_of_packs

SIZES, OFFSETS, ROWS = [3, 1, 4], 2, 20


@pytest.fixture
def net():
    torch.manual_seed(0)
    return CTGAN(SIZES, OFFSETS, noise=5, width=16, pack=10).eval()


def gumbel(*shape):
    return -torch.log(-torch.log(torch.rand(*shape).clamp(1e-9, 1 - 1e-7)))


def test_softened_choices_are_pytorchs_softmax_column_by_column(net):
    offsets, logits, noise = torch.rand(ROWS, 2), 30 * torch.randn(ROWS, 8), gumbel(ROWS, 8)
    soft = net.soften(offsets, logits, noise)
    wanted = [functional.softmax((part) / TEMPERATURE, 1) for part in (logits + noise).split(SIZES, 1)]
    torch.testing.assert_close(soft, torch.cat([offsets, *wanted], 1))


def test_a_choice_is_drawn_as_often_as_its_softmax_says(net):
    """The Gumbel trick (Maddison et al. 2014): argmax(l + g) is a draw from softmax(l)."""
    logits = torch.tensor([[0.0, 1.0, 2.0, 0.0, -1.0, 0.0, 0.5, 1.5]])
    chosen = net.choose(logits + gumbel(40_000, 8))
    for column, part in enumerate(logits[0].split(SIZES)):
        found = torch.bincount(chosen[:, column], minlength=len(part)) / len(chosen)
        torch.testing.assert_close(found, part.softmax(0), atol=0.01, rtol=0)


def test_a_missed_condition_is_the_cross_entropy_of_its_column_and_none_costs_nothing(net):
    logits = torch.randn(3, 8)
    condition = net.condition(torch.tensor([1, -1, 6]))
    wanted = [
        functional.cross_entropy(logits[:1, :3], torch.tensor([1])),
        torch.tensor(0.0),
        functional.cross_entropy(logits[2:, 4:], torch.tensor([2])),
    ]
    torch.testing.assert_close(net.missed(logits, condition), torch.stack(wanted))


def test_real_rows_take_the_form_of_made_ones(net):
    dense = net.dense(torch.tensor([[0.5, -0.5]]), torch.tensor([[2, 0, 1]]))
    assert dense.tolist() == [[0.5, -0.5, 0, 0, 1, 1, 0, 1, 0, 0]]


def test_the_critic_judges_each_pack_by_its_own_rows_alone(net):
    rows, condition = torch.rand(ROWS, 10), net.condition(torch.arange(ROWS) % 8)
    whole = net.judge(rows, condition)
    assert whole.shape == (2,)
    torch.testing.assert_close(net.judge(rows[10:], condition[10:]), whole[1:])
    changed = rows.clone()
    changed[3] += 1
    assert net.judge(changed, condition)[0] != whole[0]
    assert net.judge(changed, condition)[1] == whole[1]


def test_the_penalty_of_a_linear_critic_is_that_of_its_weights(net):
    """D = w x has the gradient w everywhere: (|w| - 1)^2, whatever the rows."""
    net.critic = Flat(10 * (10 + 8))
    weight = net.critic.first.weight.reshape(10, 18)[:, :10]  # of the rows, the others are of conditions
    found = penalty_of_packs(
        net, torch.rand(ROWS, 10), torch.rand(ROWS, 10), net.condition(torch.arange(ROWS) % 8), torch.rand(2)
    )
    torch.testing.assert_close(found, 2 * (weight.norm() - 1).square())


class Flat(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.first = nn.Linear(features, 1)

    def forward(self, packs):
        return self.first(packs)


def test_the_penaltys_gradient_on_the_critic_is_that_of_finite_differences(net):
    """Second derivatives, through the gradient inside; in float64, without dropout."""
    net = net.double()
    torch.manual_seed(1)
    real, made, mix = torch.rand(ROWS, 10).double(), torch.rand(ROWS, 10).double(), torch.rand(2).double()
    condition = net.condition(torch.arange(ROWS) % 8).double()

    def penalty(weight):
        swapped = {"first.weight": weight}
        critic = net.critic
        net.critic = Called(critic, swapped)
        try:
            return penalty_of_packs(net, real, made, condition, mix)
        finally:
            net.critic = critic

    weight = net.critic.first.weight.detach()[:, :].clone().requires_grad_(True)
    assert torch.autograd.gradcheck(penalty, (weight,), fast_mode=True)


class Called(nn.Module):
    """A critic with some of its weights given."""

    def __init__(self, critic, weights):
        super().__init__()
        self.critic, self.weights, self.first = critic, weights, critic.first

    def forward(self, packs):
        return torch.func.functional_call(self.critic, self.weights, (packs,))


def test_moments_are_apart_by_hand_and_zero_for_the_same_rows():
    made, real = torch.tensor([[0.0, 0.0], [2.0, 2.0]]), torch.tensor([[0.0, 2.0], [2.0, 0.0]])
    # means agree; covariances [[1, 1], [1, 1]] and [[1, -1], [-1, 1]] differ by 2 in two places
    torch.testing.assert_close(moments_apart(made, real), torch.tensor(8.0).sqrt())
    torch.testing.assert_close(moments_apart(made + 1, made), torch.tensor(2.0))
    assert moments_apart(made, made) < 1e-5


def test_moments_have_the_gradient_of_finite_differences():
    torch.manual_seed(0)
    made = torch.rand(12, 4, dtype=torch.float64, requires_grad=True)
    real = torch.rand(12, 4, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda rows: moments_apart(rows, real), (made,))
