"""How a loss is minimised.

Precision, backward, accumulation, the sum over ranks, clipping, the optimizer's step, the schedule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from deepfit.contract import Batch, Loss, Phase
from deepfit.data.batches import pieces
from deepfit.engine.run import Run
from deepfit.engine.speed import choose_dtype
from deepfit.errors import OptionError, suggest

Sums = dict[str, tuple[Tensor, int | Tensor]]
"""Name -> (sum, count) of what one minimisation saw; still on the device, so that nothing waits for it."""


class Minimiser:
    """Walks the steps of a batch's pieces in lockstep and minimises each round of losses.

    The pieces' gradients add up and are divided once by the global count, so one batch gives the same step
    whole, in pieces, and over ranks. `backward` is given the parameters of the optimizer that answers, so it
    touches nothing else.
    """

    def __init__(self, phase: Phase, net: nn.Module, run: Run) -> None:
        self.phase = phase
        self.run = run
        self.pieces = run.options.accumulate
        if phase.coupled and self.pieces > 1:
            raise OptionError(
                f"--accumulate {self.pieces} has no place in '{phase.name}': its loss looks across the "
                "batch, so pieces of it "
                "would give another loss. Choose a smaller --batch-size instead."
            )
        self.clip_norm = run.options.clip_norm
        self.dtype = choose_dtype(run.options.precision, run.device)
        self.owned = {
            name: [
                parameter
                for group in optimizer.param_groups
                for parameter in group["params"]
                if parameter.requires_grad
            ]
            for name, optimizer in phase.optimizers.items()
        }
        trained = {id(parameter) for parameter in net.parameters() if parameter.requires_grad}
        self.inputs = {
            name: None if {*map(id, owned)} == trained else owned for name, owned in self.owned.items()
        }
        for optimizer in phase.optimizers.values():
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])

    def __call__(self, batch: Batch, progress: float) -> Iterator[Sums]:
        """Minimise every loss that the batch's step yields; what each was, in order."""
        if not self.phase.coupled:
            batch = self.run.share(batch)
        walks = [
            self.phase.step(piece) for piece in (pieces(batch, self.pieces) if self.pieces > 1 else [batch])
        ]
        alone = len(walks) == 1 and self.run.ranks.size == 1
        while True:
            sums: Sums = {}
            answerer = None
            count: int | Tensor = 0
            for place, walk in enumerate(walks):
                loss = self.proceed(walk)
                if place and (loss and loss.by) != answerer:
                    raise RuntimeError(
                        f"'{self.phase.name}': the pieces of one batch yielded different losses"
                    )
                if loss is None:
                    continue
                if answerer is None:
                    answerer = loss.by
                    self.clear(answerer)
                count = count + loss.count
                self.backward(loss, alone)
                note(sums, loss)
            if answerer is None:
                return
            self.update(answerer, count, alone, progress)
            yield sums

    def clear(self, by: str) -> None:
        """Drop the old gradients of the optimizer that answers."""
        if by not in self.owned:
            raise RuntimeError(
                f"'{self.phase.name}': a loss names the optimizer '{by}'. {suggest(by, self.owned)}"
            )
        for parameter in self.owned[by]:
            parameter.grad = None

    def proceed(self, walk: Iterator[Loss]) -> Loss | None:
        """The step's next loss, computed in the run's precision; None at its end."""
        if self.dtype is None:
            return next(walk, None)
        with torch.autocast(self.run.device.type, self.dtype):
            return next(walk, None)

    def backward(self, loss: Loss, alone: bool) -> None:
        """Add the loss's gradient to that of its optimizer's parameters.

        Alone in its batch it is divided here, which saves a pass over the gradients: backward starts from 1 /
        count.
        """
        if loss.total.requires_grad:
            weight = 1.0 / divisor(loss.count) if alone else 1.0
            start = (
                weight.to(loss.total) if isinstance(weight, Tensor) else torch.full_like(loss.total, weight)
            )
            torch.autograd.backward(loss.total, start, inputs=self.inputs[loss.by])

    def update(self, by: str, count: int | Tensor, alone: bool, progress: float) -> None:
        """One step of the optimizer that answers, at the learning rate of this moment."""
        optimizer, owned = self.phase.optimizers[by], self.owned[by]
        if not alone:
            total: Tensor = divisor(self.run.ranks.reduce_gradients(owned, torch.as_tensor(count)))
            gradients = [parameter.grad for parameter in owned if parameter.grad is not None]
            by_all = float(total) if total.device.type == "cpu" else total.float()
            torch._foreach_div_(gradients, by_all)  # pyright: ignore[reportPrivateUsage, reportPrivateImportUsage]  (PyTorch has no public name for it)
        if self.clip_norm:
            nn.utils.clip_grad_norm_(owned, self.clip_norm)
        factor = self.phase.rate(progress)
        for group in optimizer.param_groups:
            group["lr"] = group["initial_lr"] * factor
        optimizer.step()

    def learning_rates(self) -> Mapping[str, float]:
        """The present rate of each optimizer's first group."""
        return {
            name: float(optimizer.param_groups[0]["lr"]) for name, optimizer in self.phase.optimizers.items()
        }


def note(sums: Sums, loss: Loss) -> None:
    """Add a loss and its parts to the sums, as numbers without a graph."""
    name = "loss" if loss.by == "main" else f"loss_{loss.by}"
    for key, value in ((name, loss.total), *loss.parts.items()):
        value, before = value.detach(), sums.get(key)
        sums[key] = (before[0] + value, before[1] + loss.count) if before else (value, loss.count)


def divisor(count: Any) -> Any:
    """What a sum over `count` items is divided by: 1 for none, since 0 / 0 would spoil every weight."""
    return count + (count == 0)
