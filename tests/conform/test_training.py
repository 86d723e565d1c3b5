"""What training owes to every task.

Resumption bit for bit, and results that do not depend on how a batch was cut.
"""

from __future__ import annotations

import pytest
import torch

from deepfit.engine.minimise import Minimiser
from deepfit.errors import OptionError


def assert_same_weights(one, other):
    first, second = one.state_dict(), other.state_dict()
    assert first.keys() == second.keys()
    different = [name for name in first if not torch.equal(first[name], second[name])]
    assert not different


def test_stop_and_resume_equals_no_stop_bit_for_bit(tiny, tmp_path):
    task = tiny.with_options(epochs=3, patience=0, ema=0.9)
    undisturbed = tiny.train(tmp_path / "whole", task)
    for events in (1, 3):
        folder = tmp_path / f"stopped{events}"
        tiny.train(folder, task, stop_after=events)
        assert_same_weights(tiny.train(folder, task), undisturbed)


def test_the_same_seed_gives_the_same_weights(tiny):
    task = tiny.with_options(epochs=1)
    assert_same_weights(tiny.train(None, task), tiny.train(None, task))


def test_a_batch_in_pieces_gives_the_gradient_of_the_whole(tiny):
    """In evaluation mode, since dropout, batch statistics and augmentation see the pieces."""
    gradients = []
    for pieces in (1, 4):
        task = tiny.with_options(accumulate=pieces)
        run = tiny.run(None, task)
        net = tiny.network(run, task)
        phase = next(iter(task.plan(net, tiny.data, tiny.facts, run)))
        if phase.coupled and pieces > 1:
            with pytest.raises(OptionError, match="accumulate"):
                Minimiser(phase, net, run)
            return
        minimise = Minimiser(phase, net.eval(), run)
        before = [parameter.detach().clone() for parameter in net.parameters()]
        list(minimise(next(iter(phase.batches(0))), 0.5))
        gradients.append(torch.cat([p.grad.flatten() for p in net.parameters() if p.grad is not None]))
        assert any(not torch.equal(old, new) for old, new in zip(before, net.parameters(), strict=True))
    whole, cut = gradients
    assert (whole - cut).norm() < 1e-4 * whole.norm()  # float32 sums in another order
