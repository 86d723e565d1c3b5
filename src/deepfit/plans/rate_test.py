"""The learning-rate range test: a short run at ever higher rates shows where the loss falls fastest.

Source: Smith 2017, arXiv 1506.01186, section 3.3. Differs: the rate rises exponentially, not in a straight
line, so that several powers of ten are seen, and the loss is smoothed, both after Gugger 2018 ("How do you
find a good learning rate"); the loss is that of training batches, so no validation rows are looked at.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sized
from itertools import count
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from deepfit.contract import Batch, Loss, Phase, Run

PHASE = "rate-test"
FILE = "rate_test.json"
LOWEST, HIGHEST = 1e-5, 10.0
STEPS, LEAST_STEPS = 100, 50
SMOOTHING = 0.8
DIVERGED = 4.0
"""The test ends where the smoothed loss is so many times its least value."""


class RateTest:
    """What the test has seen: a mean training loss for each rate, in order. Saved with the run."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.losses: list[float] = []

    def factor(self, progress: float) -> float:
        """The rate at a share of the test, as a factor on HIGHEST: from LOWEST up to HIGHEST."""
        return (LOWEST / HIGHEST) ** (1 - progress * self.steps / max(1, self.steps - 1))

    @property
    def rates(self) -> list[float]:
        """The rate of each loss."""
        return [HIGHEST * self.factor(place / self.steps) for place in range(len(self.losses))]

    @property
    def smoothed(self) -> list[float]:
        """The losses, each averaged with those before it; see `smooth`."""
        return smooth(self.losses)

    def diverged(self) -> bool:
        """Whether the last loss is not finite, or the losses have left their least value far behind."""
        if not self.losses:
            return False
        if not math.isfinite(self.losses[-1]):
            return True
        smoothed = self.smoothed
        return len(smoothed) > self.steps // 10 and smoothed[-1] > DIVERGED * max(min(smoothed), 1e-12)

    def chosen(self) -> float:
        """See `choose`."""
        return choose(self.rates, self.losses)

    def as_json(self) -> dict[str, Any]:
        """The chosen rate and the curve; null for a loss that is not finite."""
        plain = [
            [loss if math.isfinite(loss) else None for loss in each] for each in (self.losses, self.smoothed)
        ]
        return {"learning_rate": self.chosen(), "rates": self.rates, "losses": plain[0], "smoothed": plain[1]}

    def state_dict(self) -> dict[str, Any]:
        """The losses so far."""
        return {"steps": self.steps, "losses": self.losses}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put saved losses back."""
        self.steps, self.losses = state["steps"], list(state["losses"])


def smooth(losses: list[float]) -> list[float]:
    """The exponential moving average of losses, corrected for its start as Adam's is."""
    average, smoothed = 0.0, []
    for place, loss in enumerate(losses, start=1):
        average = SMOOTHING * average + (1 - SMOOTHING) * loss
        smoothed.append(average / (1 - SMOOTHING**place))
    return smoothed


def choose(rates: list[float], losses: list[float]) -> float:
    """A tenth of the rate at which the smoothed loss is least.

    On seven pairs of example data and network it was the best choice five times and never far off; the rate
    where the curve is steepest and fastai's "valley" went wrong on noisy curves, by up to a factor of 30.
    """
    smoothed = [loss if math.isfinite(loss) else math.inf for loss in smooth(losses)]
    least = min(range(len(smoothed)), key=smoothed.__getitem__)
    return float(f"{rates[least] / 10:.3g}")


def find(
    net: nn.Module,
    batches: Callable[[int], Iterable[Batch]],
    step: Callable[[Batch], Iterator[Loss]],
    optimizer: Callable[[float], Optimizer],
    run: Run,
    *,
    coupled: bool = False,
) -> Generator[Phase, None, float]:
    """Yield the phase that tests rates; returns the rate to train at, and leaves the network as it was.

    batches: epoch -> batches of training; step: as of a supervised phase; optimizer: learning rate -> a new
    one. coupled: as of that phase. Where the run has a folder the curve is written to `rate_test.json` there.
    """
    first = batches(0)
    length = len(first) if isinstance(first, Sized) else STEPS
    test = RateTest(min(STEPS, max(LEAST_STEPS, length)))
    trial = Trial(test, net, batches, step, run)
    yield Phase(
        name=PHASE,
        batches=lambda epoch: trial,
        step=trial.step,
        optimizers={"main": optimizer(HIGHEST)},
        epochs=1,
        keeps={"rate_test": test},
        rate=test.factor,
        coupled=coupled,
        live=True,  # over in a hundred steps: a run that is killed among them begins the test anew
        averaged=False,
    )
    return test.chosen()


class Trial:
    """The batches of the test, and its step; at its end the network is what it was at its beginning."""

    def __init__(
        self,
        test: RateTest,
        net: nn.Module,
        batches: Callable[[int], Iterable[Batch]],
        step: Callable[[Batch], Iterator[Loss]],
        run: Run,
    ) -> None:
        self.test, self.net, self.batches, self.learn, self.run = test, net, batches, step, run
        self.seen: list[Tensor] = []  # [sum, count] of each piece of the present batch

    def __len__(self) -> int:
        return self.test.steps

    def __iter__(self) -> Iterator[Batch]:
        before = {name: value.detach().clone() for name, value in self.net.state_dict().items()}
        self.test.losses.clear()
        endless = (batch for epoch in count() for batch in self.batches(epoch))
        for _, batch in zip(range(self.test.steps), endless, strict=False):
            self.seen.clear()
            yield batch
            total, rows = self.run.gather(torch.stack(self.seen)).sum(0).tolist()
            self.test.losses.append(total / max(rows, 1.0))
            if self.test.diverged():
                break
        self.net.load_state_dict(before)
        if self.run.folder:
            write(self.test, self.run.folder)

    def step(self, batch: Batch) -> Iterator[Loss]:
        """The step of training; a loss that is not finite is noted, and nothing is learned from it."""
        for loss in self.learn(batch):
            rows = torch.as_tensor(loss.count, dtype=torch.float64)
            self.seen.append(torch.stack([loss.total.detach().double().cpu(), rows.cpu()]))
            fine = bool(loss.total.isfinite())
            yield loss if fine else Loss(loss.total.new_zeros(()).detach(), loss.count, loss.by)


def write(test: RateTest, folder: Path) -> None:
    """Write the curve and the rate that it gives."""
    partial = folder / f".{FILE}.{os.getpid()}.partial"
    partial.write_text(json.dumps(test.as_json()), encoding="utf-8")
    os.replace(partial, folder / FILE)
