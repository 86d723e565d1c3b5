"""Training as lessons need it: deepfit's own plan and engine, in memory, on the processor."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from types import SimpleNamespace
from typing import Any

from torch import Tensor, nn

from deepfit.contract import Batch, Progress, Splits
from deepfit.engine import Run, train
from deepfit.options import Options
from deepfit.plans.supervised import supervised


def fit(
    net: nn.Module,
    rows: Batch,
    options: Options,
    *,
    loss: Callable[[Tensor, Tensor], Tensor],
    forward: Callable[[Batch], Tensor] | None = None,
    score: Callable[[], Mapping[str, float]] | None = None,
    best: str | None = None,
) -> Generator[Progress, None, list[Progress]]:
    """Train a network on rows with an array "x" and an array "target"; yields progress, returns the epochs.

    loss: (outputs, target) -> sum over the rows. forward: a batch -> outputs; by default `net` of its "x".
    score: called after each epoch. best: the score whose best epoch is kept, "-" before it where less is
    better.
    """
    fixed = {"device": "cpu", "compile": "off", "precision": "float32"}
    run = Run(options.model_copy(update=fixed), None)
    task: Any = SimpleNamespace(
        plan=lambda net, data, facts, run: supervised(
            net,
            data,
            run.options,
            run,
            forward=forward or (lambda batch: net(batch["x"])),
            loss=lambda outputs, batch: loss(outputs, batch["target"]),
            score=score,
            best=best,
        )
    )
    history = []
    for event in train(task, net, Splits(rows, rows), {}, run):
        if event.kind == "epoch":
            history.append(event)
        yield event
    return history
