"""Our Adam is PyTorch's fused one, bit for bit, with less around it."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from deepfit.nn.optimizers.adam import Adam


def net_of(seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3))


def train(net, optimizer, steps, seed=1, only=None, skip=0):
    """Some steps on made rows; only: which parameters get a gradient; skip: rows to pass over."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.stack([torch.randn(8, 5, generator=generator) for _ in range(skip + steps)])
    for batch in rows[skip:]:
        optimizer.zero_grad()
        net(batch).square().sum().backward()
        for place, parameter in enumerate(net.parameters()):
            if only is not None and place not in only:
                parameter.grad = None
        optimizer.step()


def theirs(net, decoupled, **settings):
    kind = torch.optim.AdamW if decoupled else torch.optim.Adam
    return kind(net.parameters(), fused=True, **settings)


def equal(mine, yours):
    return all(torch.equal(a, b) for a, b in zip(mine.parameters(), yours.parameters(), strict=True))


SETTINGS = {"lr": 0.03, "betas": (0.8, 0.95), "weight_decay": 0.1}


@pytest.mark.parametrize("decoupled", [True, False])
def test_steps_are_those_of_pytorchs_fused_kernel_bit_for_bit(decoupled):
    mine, yours = net_of(), net_of()
    ours = Adam(mine.parameters(), fused=True, decoupled_weight_decay=decoupled, **SETTINGS)
    their = theirs(yours, decoupled, **SETTINGS)
    for net, optimizer in ((mine, ours), (yours, their)):
        train(net, optimizer, 3)
        train(net, optimizer, 2, seed=2, only={0, 3})
        train(net, optimizer, 3, seed=3)
    assert equal(mine, yours)
    assert [float(ours.state[p]["step"]) for p in mine.parameters()] == [8, 6, 6, 8]


def test_a_parameter_that_first_gets_a_gradient_later_starts_its_own_count():
    mine, yours = net_of(), net_of()
    ours, their = Adam(mine.parameters(), fused=True, **SETTINGS), theirs(yours, False, **SETTINGS)
    for net, optimizer in ((mine, ours), (yours, their)):
        train(net, optimizer, 2, only={1, 2})
        train(net, optimizer, 2, seed=2)
    assert equal(mine, yours)


@pytest.mark.parametrize("kind", [Adam, torch.optim.Adam], ids=["ours", "theirs"])
def test_a_saved_state_goes_on_as_if_nothing_had_happened_in_either_optimizer(kind):
    straight, halted, resumed = net_of(), net_of(), net_of()
    train(straight, Adam(straight.parameters(), fused=True, **SETTINGS), 4)
    first = Adam(halted.parameters(), fused=True, **SETTINGS)
    train(halted, first, 2)
    resumed.load_state_dict(halted.state_dict())
    second = kind(resumed.parameters(), fused=True, **SETTINGS)
    second.load_state_dict(first.state_dict())
    train(resumed, second, 2, skip=2)
    assert equal(straight, resumed)


def test_making_saving_and_stepping_import_no_compiler():
    code = (
        "import sys, torch; from deepfit.nn.optimizers.adam import Adam\n"
        "p = torch.nn.Parameter(torch.ones(3)); o = Adam([p], fused=True)\n"
        "p.grad = torch.ones(3); o.step(); o.load_state_dict(o.state_dict()); o.step()\n"
        "print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
