"""Learning from labelled rows: one phase, one loss a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from torch import Tensor, nn
from torch.optim import Optimizer

from deepfit.contract import Batch, Loss, Phase, Run, Splits
from deepfit.data.batches import Selection, num_rows
from deepfit.nn import optimizers, schedules
from deepfit.options import Options
from deepfit.plans import rate_test
from deepfit.plans.batches import Bucketed, Shuffled, cut_by_padding, on_device, tensors
from deepfit.plans.foresight import Forward


def supervised(
    net: nn.Module,
    data: Splits[Batch],
    options: Options,
    run: Run,
    *,
    forward: Forward,
    loss: Callable[[Tensor, Batch], Tensor],
    score: Callable[[], Mapping[str, float]] | None = None,
    best: str | None = None,
    betas: tuple[float, float] = (0.9, 0.999),
    by: str | Sequence[str] | None = None,
    coupled: bool = False,
    count: Callable[[Batch], int | Tensor] = num_rows,
    drawn: Callable[[int, Batch], Batch] | None = None,
    factor: Callable[[str], float] | None = None,
) -> Iterator[Phase]:
    """Yield the one phase of supervised learning.

    forward: a training batch -> outputs (augmentation belongs here); loss: (outputs, batch) -> scalar sum
    over the batch's rows; score: held-out metrics; best: the one that chooses the epoch, "-" before it where
    less is better; betas: of the optimizers that have them; by: the Ragged array (or arrays, added up) by
    whose lengths rows are put into batches, where they differ in length; coupled: the loss looks across the
    batch, so it gets this rank's rows and may `run.gather` what the others found; count: what the loss runs
    over, where not over rows; drawn: (epoch, training arrays) -> those of this epoch, as many rows, where
    each epoch sees another part of them; factor: on the learning rate of the parameter of a name, where not
    all learn as fast.
    Where the learning rate is "auto", a phase "rate-test" that finds it goes before.
    """
    rows = num_rows(data.train)
    arrays = tensors(data.train, run.device)

    names = [] if by is None else [by] if isinstance(by, str) else list(by)

    def batches(epoch: int) -> Sequence[Selection]:
        generator = run.rng("shuffle", epoch)
        seen = drawn(epoch, arrays) if drawn else arrays
        if names:
            lengths = np.sum([seen[name].lengths for name in names], axis=0)
            return Bucketed(seen, lengths, options.batch_size, generator)
        return Shuffled(seen, rows, options.batch_size, generator)

    def step(batch: Batch) -> Iterator[Loss]:
        parts = [run.share(batch)] if coupled else cut_by_padding(batch, names) if names else [batch]
        found = [on_device(part, run.device) for part in parts]
        losses = [loss(forward(part), part) for part in found]
        yield Loss(sum(losses[1:], losses[0]), sum(count(part) for part in found))

    def optimizer(learning_rate: float) -> Optimizer:
        found = optimizers.build(
            options.optimizer,
            net,
            learning_rate=learning_rate,
            weight_decay=options.weight_decay,
            momentum=options.momentum,
            betas=betas,
        )
        return optimizers.paced(found, net, factor) if factor else found

    rate = options.learning_rate
    if rate == "auto":
        rate = yield from rate_test.find(net, batches, step, optimizer, run, coupled=coupled)
    yield Phase(
        name="train",
        batches=batches,
        step=step,
        optimizers={"main": optimizer(rate)},
        epochs=options.epochs,
        score=score,
        rate=schedules.build(options.schedule, options.warmup),
        best=best,
        coupled=coupled,
        varied=by is not None,
    )
