"""Learning-rate schedules against PyTorch's own and against their formulas."""

from __future__ import annotations

import math

import pytest
import torch

from deepfit.nn import schedules


def test_cosine_is_pytorchs_cosine_annealing():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
    ours = schedules.build("cosine")
    for step in range(20):
        assert ours(step / 20) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()


def test_one_cycle_rises_and_falls_in_straight_lines():
    factor = schedules.build("one_cycle", warmup=0.25)
    assert factor(0.25) == 1.0
    assert factor(0.625) == pytest.approx(0.5)
    assert factor(1.0) == 0.0
    assert factor(0.125) == pytest.approx(0.505)


def test_warmup_starts_near_zero_but_not_at_zero():
    for name in ("constant", "cosine", "one_cycle"):
        assert schedules.build(name, warmup=0.1)(0.0) == 0.01


def test_constant_is_one_after_the_warmup():
    factor = schedules.build("constant", warmup=0.1)
    assert [factor(progress) for progress in (0.1, 0.5, 1.0)] == [1.0, 1.0, 1.0]


def test_no_schedule_is_ever_negative_or_above_one():
    for name in ("constant", "cosine", "one_cycle"):
        factor = schedules.build(name, warmup=0.3)
        assert all(0 <= factor(step / 97) <= 1 for step in range(98))


def test_cosine_is_half_way_in_the_middle():
    assert schedules.build("cosine")(0.5) == pytest.approx(0.5 * (1 + math.cos(math.pi / 2)))
