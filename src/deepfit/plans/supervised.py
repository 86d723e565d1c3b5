"""Learning from labelled rows: one phase, one loss a batch."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from deepfit.contract import Batch, Loss, Phase, Run, Splits
from deepfit.data.batches import Selection, cut, num_rows
from deepfit.nn import optimizers, schedules
from deepfit.options import Options
from deepfit.plans import rate_test

Forward = Callable[[Batch], Tensor]
"""A batch of tensors on the device -> what the network says of it."""


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
) -> Iterator[Phase]:
    """Yield the one phase of supervised learning.

    forward: a training batch -> outputs (augmentation belongs here); loss: (outputs, batch) -> scalar sum
    over the batch's rows; score: held-out metrics; best: the one that chooses the epoch, "-" before it where
    less is better; betas: of the optimizers that have them.
    Where the learning rate is "auto", a phase "rate-test" that finds it goes before.
    """
    rows = num_rows(data.train)
    arrays = tensors(data.train, run.device)

    def batches(epoch: int) -> Shuffled:
        return Shuffled(arrays, rows, options.batch_size, run.rng("shuffle", epoch))

    def step(batch: Batch) -> Iterator[Loss]:
        batch = on_device(batch, run.device)
        yield Loss(loss(forward(batch), batch), num_rows(batch))

    def optimizer(learning_rate: float) -> Optimizer:
        return optimizers.build(
            options.optimizer,
            net,
            learning_rate=learning_rate,
            weight_decay=options.weight_decay,
            momentum=options.momentum,
            betas=betas,
        )

    rate = options.learning_rate
    if rate == "auto":
        rate = yield from rate_test.find(net, batches, step, optimizer, run)
    yield Phase(
        name="train",
        batches=batches,
        step=step,
        optimizers={"main": optimizer(rate)},
        epochs=options.epochs,
        score=score,
        rate=schedules.build(options.schedule, options.warmup),
        best=best,
    )


class Shuffled(Sequence[Selection]):
    """The rows of named arrays in a new order, in batches of nearly equal size.

    So that none is too small for batch statistics.
    """

    def __init__(
        self, arrays: Mapping[str, Any], rows: int, batch_size: int, generator: torch.Generator
    ) -> None:
        self.arrays = arrays
        self.order = torch.randperm(rows, generator=generator)
        self.num_batches = max(1, math.ceil(rows / batch_size))

    def __len__(self) -> int:
        return self.num_batches

    def __getitem__(self, place: int) -> Selection:
        if not 0 <= place < self.num_batches:
            raise IndexError(place)
        rows = len(self.order)
        return Selection(
            self.arrays, self.order[place * rows // self.num_batches : (place + 1) * rows // self.num_batches]
        )


def tensors(batch: Batch, device: torch.device, *, largest_share: float = 0.25) -> dict[str, Tensor]:
    """Arrays as tensors without a copy.

    Moved to an accelerator now if they fill at most this share of its free memory.
    """
    held = {
        name: torch.from_numpy(array) if isinstance(array, np.ndarray) else array
        for name, array in batch.items()
    }
    if device.type == "cuda":
        size = sum(tensor.numel() * tensor.element_size() for tensor in held.values())
        if size <= largest_share * torch.cuda.mem_get_info(device)[0]:
            return {name: tensor.to(device) for name, tensor in held.items()}
    return held


def on_device(batch: Batch, device: torch.device) -> dict[str, Tensor]:
    """The arrays of a batch gathered, each once, on the device."""
    return {name: batch[name].to(device, non_blocking=True) for name in batch}


def foresee(
    net: nn.Module,
    batch: Batch,
    forward: Forward,
    *,
    rows_at_once: int = 4096,
    answer: Callable[[Tensor], Tensor] | None = None,
) -> np.ndarray:
    """What the network says of encoded rows, in order, as one array.

    [rows, ...] float32, in evaluation mode and without gradients.
    """
    device = next((parameter.device for parameter in net.parameters()), torch.device("cpu"))
    rows = num_rows(batch)
    inputs = tensors(
        {name: array for name, array in batch.items() if name != "target"}, device, largest_share=0.0
    )
    was_training = net.training
    net.eval()
    said = []
    with torch.no_grad():  # not inference_mode, whose tensors would stay in a network's caches
        for start in range(0, max(rows, 1), rows_at_once):
            outputs = forward(on_device(cut(inputs, start, start + rows_at_once), device))
            said.append((answer(outputs) if answer else outputs).float().cpu())
    net.train(was_training)
    return torch.cat(said).numpy()
