"""Every optimizer trains every task by the defaults that come with its name."""

from __future__ import annotations

import pytest

from deepfit.options import resolve
from deepfit.vocabulary import OPTIMIZERS

FALLEN = 0.9
"""Of the first epoch's loss. Two epochs in a row below it settle the matter, past the peak of the rate."""


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_loss_falls_with_every_optimizer_left_at_its_defaults(tiny, name):
    from deepfit.engine import train

    given = {
        option: getattr(tiny.task.options, option) for option in ("epochs", "batch_size", "seed", "threads")
    }
    named = getattr(tiny.task.options, "target", None)
    target = {"target": named} if named else {}
    options = resolve(type(tiny.task.options), {**given, **target, "optimizer": name, "patience": 0})
    task = type(tiny.task)(options)
    run = tiny.run(None, task)
    net = tiny.network(run, task)
    losses = []
    for each in train(task, net, tiny.data, tiny.facts, run):
        if each.kind == "epoch":
            assert each.scores
            losses.append(next(iter(each.losses.values())))
            if max(losses[-2:]) < FALLEN * losses[0]:
                break
    assert losses[-1] < FALLEN * losses[0]
