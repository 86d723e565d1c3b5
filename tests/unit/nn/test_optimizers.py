"""Optimizers by name: one step of each equals PyTorch's own, and decay spares what it should."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from deepfit.nn import optimizers


def small_net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 1)).double()


def step(net, optimizer):
    torch.manual_seed(1)
    net(torch.randn(8, 3, dtype=torch.float64)).square().sum().backward()
    optimizer.step()
    return [parameter.detach().clone() for parameter in net.parameters()]


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("adam", lambda p: torch.optim.Adam(p, 0.1)),
        ("adamw", lambda p: torch.optim.AdamW(p, 0.1, weight_decay=0.0)),
        ("sgd", lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, nesterov=True)),
    ],
)
def test_a_step_equals_pytorchs_plain_implementation(name, theirs):
    net, other = small_net(), small_net()
    ours = step(net, optimizers.build(name, net, learning_rate=0.1))
    for mine, yours in zip(ours, step(other, theirs(other.parameters())), strict=True):
        torch.testing.assert_close(mine, yours)


def test_weight_decay_spares_biases_and_norms():
    net = small_net()
    groups = optimizers.build("adamw", net, learning_rate=0.1, weight_decay=0.5).param_groups
    decayed = {id(p) for group in groups if group["weight_decay"] for p in group["params"]}
    assert decayed == {id(p) for p in net.parameters() if p.ndim > 1}
    assert sum(len(group["params"]) for group in groups) == len(list(net.parameters()))


def test_frozen_parameters_are_left_out():
    net = small_net()
    net[0].weight.requires_grad_(False)
    groups = optimizers.build("adam", net, learning_rate=0.1).param_groups
    assert all(p is not net[0].weight for group in groups for p in group["params"])
