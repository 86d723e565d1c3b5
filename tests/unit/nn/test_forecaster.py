"""The forecaster around every network, and TiDE: level, scale, the straight line, gradients, covariates."""

import numpy as np
import pytest
import torch
from torch import nn

from deepfit.nn.forecaster import Forecaster, StepReader, moments
from deepfit.nn.nets.lstm import LSTM
from deepfit.nn.nets.tide import TiDE


class Silent(nn.Module):
    """Adds nothing to the straight line."""

    def __init__(self, horizon, answers):
        super().__init__()
        self.shape = horizon, answers

    def forward(self, past_BTF, future_BHF):
        return past_BTF.new_zeros(len(past_BTF), *self.shape)


def history(values):
    value = torch.as_tensor(values, dtype=torch.float32)
    return torch.stack([value, torch.ones_like(value)], 2)


def test_training_starts_at_the_mean_of_the_last_seasons():
    net = Forecaster(Silent(10, 3), steps=30, horizon=10, season=7)
    values = np.random.default_rng(0).normal(5, 2, (4, 30))
    said = net(history(values), torch.zeros(4, 10, 0))
    for ahead in range(10):
        expected = np.mean([values[:, 30 - 7 * cycle + ahead % 7] for cycle in (1, 2, 3, 4)], axis=0)
        np.testing.assert_allclose(said[:, ahead, 0].detach(), expected, rtol=1e-5)


def test_a_shifted_series_gets_the_shifted_forecast():
    torch.manual_seed(0)
    net = Forecaster(TiDE(21, 7, 2, 0, 5, drop=0.0), steps=21, horizon=7, season=7).eval()
    values = torch.randn(3, 21)
    plain, shifted = (
        net(history(values), torch.zeros(3, 7, 0)),
        net(history(values + 100), torch.zeros(3, 7, 0)),
    )
    torch.testing.assert_close(shifted, plain + 100, rtol=0, atol=2e-3)  # float32 near 100


def test_steps_before_the_series_begins_change_nothing():
    torch.manual_seed(0)
    net = Forecaster(TiDE(21, 7, 2, 0, 5, drop=0.0), steps=21, horizon=7, season=7).eval()
    known = history(torch.randn(2, 21))
    known[:, :9, 1] = 0
    other = known.clone()
    other[:, :9, 0] = 77.0
    torch.testing.assert_close(net(known, torch.zeros(2, 7, 0)), net(other, torch.zeros(2, 7, 0)))


def test_moments_are_those_of_what_is_there():
    value = torch.tensor([[1.0, 3.0, 99.0], [9.0, 9.0, 9.0]])
    there = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    mean, spread = moments(value, there)
    torch.testing.assert_close(mean, torch.tensor([[2.0], [0.0]]))
    torch.testing.assert_close(spread, torch.tensor([[1.01], [0.01]]).sqrt())


def test_a_flat_window_is_forecast_without_nan():
    net = Forecaster(TiDE(14, 7, 2, 0, 3), steps=14, horizon=7, season=7).eval()
    assert torch.isfinite(net(history(np.full((2, 14), 5.0)), torch.zeros(2, 7, 0))).all()


def test_the_block_before_gives_no_level_to_an_earlier_year():
    torch.manual_seed(0)
    net = Forecaster(TiDE(14, 7, 2, 2, 3, drop=0.0), steps=14, horizon=7, season=7).eval()
    past, earlier = history(torch.randn(2, 14)), history(torch.randn(2, 21))
    lifted = earlier.clone()
    lifted[..., 0] += 50
    said = net(past, torch.zeros(2, 7, 0), [earlier])
    torch.testing.assert_close(said, net(past, torch.zeros(2, 7, 0), [lifted]), rtol=0, atol=1e-3)
    moved = earlier.clone()
    moved[:, -1, 0] += 5
    assert not torch.allclose(said, net(past, torch.zeros(2, 7, 0), [moved]))


@pytest.mark.parametrize("kind", ["tide", "lstm"])
def test_every_parameter_gets_a_gradient_and_a_step_sees_its_own_covariates(kind):
    torch.manual_seed(0)
    if kind == "tide":
        body = TiDE(14, 5, 6, 3, 4, drop=0.0)
    else:
        body = StepReader(LSTM(6, 16), width=16, horizon=5, future_features=3, num_answers=4)
    past, future = torch.randn(8, 14, 6), torch.randn(8, 5, 3, requires_grad=True)
    said = body(past, future)
    said.square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in body.parameters())
    assert said.shape == (8, 5, 4)
    changed = future.detach().clone()
    changed[:, 2] += 1
    assert (body(past, changed) - said)[:, 2].abs().max() > 1e-3


def test_tide_learns_a_batch_by_heart():
    torch.manual_seed(0)
    body = TiDE(14, 5, 3, 2, 1, width=64, drop=0.0)
    past, future, target = torch.randn(16, 14, 3), torch.randn(16, 5, 2), torch.randn(16, 5, 1)
    optimizer = torch.optim.Adam(body.parameters(), 0.01)
    for _ in range(300):
        loss = (body(past, future) - target).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss < 0.02
