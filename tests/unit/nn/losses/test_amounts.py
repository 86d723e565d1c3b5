"""Losses of amounts equal independent formulas, as sums, and are least where their docstrings say."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import huber
from sklearn import metrics

from deepfit.nn import losses

NAMES = ["mean_squared_error", "mean_absolute_error", "huber", "log_cosh", "quantile", "poisson"]


def pair(count=50):
    generator = torch.Generator().manual_seed(0)
    outputs = 2 * torch.randn(count, generator=generator, dtype=torch.float64)
    return outputs, outputs + 3 * torch.randn(count, generator=generator, dtype=torch.float64)


def test_they_equal_scikit_learn_and_scipy():
    outputs, target = pair()
    said, actual = outputs.numpy(), target.numpy()
    expected = {
        losses.mean_squared_error: 50 * metrics.mean_squared_error(actual, said),
        losses.mean_absolute_error: 50 * metrics.mean_absolute_error(actual, said),
        losses.log_cosh: np.log(np.cosh(said - actual)).sum(),
    }
    for loss, value in expected.items():
        assert loss(outputs, target).item() == pytest.approx(value)
    for delta in (0.5, 2.0):
        found = losses.huber(outputs, target, delta=delta).item()
        assert found == pytest.approx(huber(delta, said - actual).sum())
    for share in (0.1, 0.5, 0.9):
        found = losses.quantile(outputs, target, share=share).item()
        assert found == pytest.approx(50 * metrics.mean_pinball_loss(actual, said, alpha=share))


def test_poisson_differs_from_half_the_deviance_by_what_the_targets_alone_decide():
    log_rates, counts = pair()[0], torch.arange(1.0, 51.0, dtype=torch.float64)
    best = losses.poisson(counts.log(), counts)
    deviance = metrics.mean_poisson_deviance(counts.numpy(), log_rates.exp().numpy())
    assert (losses.poisson(log_rates, counts) - best).item() == pytest.approx(50 * deviance / 2)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_agree_with_finite_differences(name):
    outputs, target = pair(9)
    target = target.abs() if name == "poisson" else target
    assert torch.autograd.gradcheck(lambda x: losses.LOSSES[name](x, target), (outputs.requires_grad_(),))


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("mean_squared_error", np.mean),
        ("mean_absolute_error", np.median),
        ("quantile", lambda values: np.quantile(values, 0.9)),
        ("poisson", lambda values: np.log(np.mean(values))),
    ],
)
def test_the_best_single_answer_is_the_mean_the_median_the_quantile_or_the_rate(name, answer):
    target = torch.distributions.Exponential(1.0).sample((401,)).double()
    given = {"share": 0.9} if name == "quantile" else {}
    places = torch.linspace(-1.5, 4, 2201, dtype=torch.float64)
    values = [losses.LOSSES[name](place.expand(401), target, **given) for place in places]
    best = places[int(torch.stack(values).argmin())]
    assert best.item() == pytest.approx(answer(target.numpy()), abs=0.01)


@pytest.mark.parametrize("name", ["mean_absolute_error", "huber", "log_cosh", "quantile"])
def test_far_rows_cost_in_proportion_and_equal_ones_nothing(name):
    outputs = torch.tensor([1e6, -1e6, 0.0], requires_grad=True)
    loss = losses.LOSSES[name](outputs, torch.zeros(3))
    loss.backward()
    assert loss.item() == pytest.approx(2e6 / (2 if name == "quantile" else 1), rel=1e-5)
    assert outputs.grad.abs().max() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_half_precision_is_summed_in_float32(name):
    outputs = torch.full((300,), 2.0, dtype=torch.bfloat16)
    target = torch.ones(300)
    loss = losses.LOSSES[name](outputs, target)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, losses.LOSSES[name](outputs.float(), target))


@pytest.mark.parametrize("name", NAMES)
def test_no_items_cost_nothing(name):
    assert losses.LOSSES[name](torch.zeros(0), torch.zeros(0)).item() == 0
