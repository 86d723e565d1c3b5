from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from deepfit.nn.losses.adversarial import ADVERSARIAL, alike, gradient_penalty, r1_penalty

REAL, MADE = [2.0, 0.25, -1.0], [-3.0, 0.5, 0.0]


def log_loss(logit, real):
    chance = 1 / (1 + math.exp(-logit))
    return -math.log(chance if real else 1 - chance)


BY_HAND = {
    # max(0, 1 - real): 0, 0.75, 2; max(0, 1 + made): 0, 1.5, 1; the generator's: 3 - 0.5 - 0
    "hinge": (0.75 + 2 + 1.5 + 1, 2.5),
    "non_saturating": (
        sum(log_loss(each, True) for each in REAL) + sum(log_loss(each, False) for each in MADE),
        sum(log_loss(each, True) for each in MADE),
    ),
    "wasserstein": (-2.5 - 1.25, 2.5),
}


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_the_losses_have_the_values_worked_out_by_hand(name):
    against, for_generator = ADVERSARIAL[name]
    real, made = torch.tensor(REAL, dtype=torch.float64), torch.tensor(MADE, dtype=torch.float64)
    assert against(real, made).item() == pytest.approx(BY_HAND[name][0])
    assert for_generator(made).item() == pytest.approx(BY_HAND[name][1])


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_the_losses_are_sums_so_that_a_batch_may_be_cut(name):
    against, for_generator = ADVERSARIAL[name]
    real, made = torch.tensor(REAL), torch.tensor(MADE)
    parts = against(real[:1], made[:1]) + against(real[1:], made[1:])
    torch.testing.assert_close(parts, against(real, made))
    torch.testing.assert_close(for_generator(made[:1]) + for_generator(made[1:]), for_generator(made))


@pytest.mark.parametrize("name", ADVERSARIAL)
def test_the_two_sides_want_opposite_things_of_made_pictures(name):
    against, for_generator = ADVERSARIAL[name]
    made = torch.tensor([0.1, -0.2], requires_grad=True)
    (up,) = torch.autograd.grad(against(torch.zeros(2), made), made)
    (down,) = torch.autograd.grad(for_generator(made), made)
    assert (up > 0).all()
    assert (down < 0).all()


def test_the_gradient_penalty_of_a_linear_judge_is_known():
    """Its gradient is w everywhere: (|w| - 1)^2 for each picture."""
    w = torch.tensor([3.0, 4.0], dtype=torch.float64)
    real, made = torch.randn(2, 5, 2, dtype=torch.float64)
    found = gradient_penalty(lambda x: x @ w, real, made, torch.rand(5, dtype=torch.float64))
    assert found.item() == pytest.approx(5 * (5 - 1) ** 2)


def test_the_gradient_is_taken_between_real_and_made_pictures():
    seen = []

    def judge(x):
        seen.append(x.detach())
        return x.square().sum(1)

    real, made = torch.zeros(2, 3), torch.ones(2, 3)
    gradient_penalty(judge, real, made, torch.tensor([0.25, 1.0]))
    torch.testing.assert_close(seen[0], torch.tensor([[0.75] * 3, [0.0] * 3]))


def test_r1_of_a_square_judge_is_known():
    """judge = |x|^2, gradient 2 x, penalty |2 x|^2 / 2 = 2 |x|^2; made pictures have no say."""
    x = torch.tensor([[1.0, 2.0], [0.0, 3.0]], dtype=torch.float64)
    assert r1_penalty(lambda x: x.square().sum(1), x).item() == pytest.approx(2 * (5 + 9))


@pytest.mark.parametrize("name", ["gradient", "r1"])
def test_the_penalties_can_be_followed_a_second_time(name):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(48, 1)).double()
    weights = {key: value.detach() for key, value in net.named_parameters()}
    real, made = torch.randn(2, 3, 1, 4, 4, dtype=torch.float64)
    share = torch.rand(3, dtype=torch.float64)

    def penalty(weight):
        def judge(x):
            return torch.func.functional_call(net, {**weights, "0.weight": weight}, x)[:, 0]

        return gradient_penalty(judge, real, made, share) if name == "gradient" else r1_penalty(judge, real)

    assert torch.autograd.gradcheck(penalty, weights["0.weight"].clone().requires_grad_())


def test_pictures_that_differ_less_than_their_noise_pay_more():
    """Pictures 0.5 apart from noise 2 apart: 1 / (0.25 + 0.001); equal ones: 1 / 0.001."""
    one, noise = torch.zeros(2, 1, 2, 2), torch.zeros(2, 3)
    other = torch.stack([torch.full((1, 2, 2), 0.5), torch.zeros(1, 2, 2)])
    found = alike(one, other, noise, noise + 2)
    assert found.item() == pytest.approx(1 / 0.251 + 1000, rel=1e-5)
