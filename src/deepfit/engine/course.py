"""One phase under way: where it stands, what it has seen, which weights are the best so far."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator, Mapping, Sized
from contextlib import ExitStack
from typing import Any

import torch
from torch import nn

from deepfit.contract import Averaging, Batch, Phase, Progress
from deepfit.engine.averages import Averages
from deepfit.engine.minimise import Minimiser, Sums
from deepfit.engine.run import Run
from deepfit.engine.speed import compiling_pays
from deepfit.errors import OptionError, TrainingError

REPORT_EVERY_S = 0.25
PLACE = ("epoch", "batch", "best_score", "best_epoch", "compiled")
"""The attributes that say where a course stands."""


class Course:
    """The state of a phase while the engine runs it.

    `state_dict` and `load_state_dict` carry it over a restart.
    """

    def __init__(self, index: int, phase: Phase, net: nn.Module, run: Run) -> None:
        self.index, self.phase, self.net, self.run = index, phase, net, run
        self.minimise = Minimiser(phase, net, run)
        own: list[Averaging] = [each for each in phase.optimizers.values() if isinstance(each, Averaging)]
        averages = phase.averaged and run.options.ema and not own
        self.averages = Averages(net, run.options.ema) if averages else None
        self.averaging: list[Averaging] = [self.averages] if self.averages else own if phase.averaged else []
        self.epoch = 0  # epochs that are done
        self.batch = 0  # batches of the present epoch that are done
        self.batches_per_epoch: int | None = None
        self.best_score: float | None = None
        self.best_epoch = 0
        self.best_weights: dict[str, torch.Tensor] | None = None
        self.compiled = False
        self._epoch_sums: dict[str, list[float]] = {}
        self._unread: list[tuple[int, Sums]] = []
        self._started = self._reported = time.monotonic()
        if run.options.compile == "on":
            self.compile()

    def goes_on(self) -> bool:
        """Whether another epoch is due: the budget is not spent and patience has not run out."""
        patience = self.run.options.patience
        tired = patience and self.best_score is not None and self.epoch - self.best_epoch >= patience
        return self.epoch < self.phase.epochs and not tired

    def batches(self) -> Iterator[Batch]:
        """The batches of the present epoch that are still to do.

        Each batch begins with a seed of its own in the global generators, so an epoch that is entered in its
        middle draws what it would have drawn.
        """
        self.net.train()
        seed = self.run.seed("epoch", self.index, self.epoch)
        batches: Iterable[Batch] = self.phase.batches(self.epoch)
        self.batches_per_epoch = len(batches) if isinstance(batches, Sized) else None
        self._started = self._reported = time.monotonic()
        walk, done = iter(batches), self.batch
        end: Any = object()
        for place in itertools.count():
            self.run.reseed(seed + place + 1)
            try:
                batch = next(walk, end)
            except Exception:
                self.check()  # a batch drawn with a network of broken numbers fails: say what broke first
                raise
            if batch is end:
                return
            if place >= done:
                yield batch

    def learn(self, batch: Batch) -> None:
        """Minimise what the batch's step yields."""
        within = self.batch / self.batches_per_epoch if self.batches_per_epoch else 0.0
        progress = min(1.0, (self.epoch + within) / self.phase.epochs)
        for sums in self.minimise(batch, progress):
            self._unread.append((self.batch, sums))
        if self.averages:
            self.averages.update()
        self.batch += 1

    def report_due(self) -> bool:
        """Whether those who watch have waited long enough."""
        return time.monotonic() - self._reported > REPORT_EVERY_S

    def report(self) -> Progress:
        """The mean losses since the last report."""
        seconds = time.monotonic() - self._reported
        sums = self.read()
        items = max((count for _, count in sums.values()), default=0.0)
        self._reported = time.monotonic()
        return self.progress("step", means(sums), items_per_s=items / max(seconds, 1e-9), seconds=seconds)

    def read(self) -> dict[str, list[float]]:
        """Bring unread losses from the device; TrainingError at the first that is not finite."""
        fresh: dict[str, list[float]] = {}
        for batch, sums in self._unread:
            for name, (total, count) in sums.items():
                value = float(total)
                if value != value or abs(value) == float("inf"):
                    self._unread = []
                    raise TrainingError(self.broken(batch + 1, f"{name} is {value}, not a finite number"))
                pair = fresh.setdefault(name, [0.0, 0.0])
                pair[0] += value
                pair[1] += float(count)
        self._unread = []
        for name, (total, count) in fresh.items():
            pair = self._epoch_sums.setdefault(name, [0.0, 0.0])
            pair[0] += total
            pair[1] += count
        return fresh

    def check(self) -> None:
        """TrainingError where a loss or a weight is not finite.

        A finite loss can have a gradient that is not.
        """
        self.read()
        for name, parameter in self.net.named_parameters():
            if not bool(parameter.isfinite().all()):
                raise TrainingError(self.broken(self.batch, f"the gradient of '{name}' was not finite"))

    def broken(self, step: int, what: str) -> str:
        """The message for numbers that are not finite."""
        kept = (
            f" The last good checkpoint is kept in {self.run.folder / 'checkpoint'}."
            if self.run.folder
            else ""
        )
        return (
            f"'{self.phase.name}', epoch {self.epoch + 1}, step {step}: {what}.{kept} "
            "Try a lower --learning-rate, or --clip-norm 1, and look for extreme values in the data."
        )

    def close_epoch(self) -> Progress:
        """Score the epoch and keep its weights if they are the best so far."""
        self.check()
        if not self.batch:
            raise TrainingError(f"'{self.phase.name}': epoch {self.epoch + 1} had no batch to learn from.")
        seconds = time.monotonic() - self._started
        sums = self.run.ranks.sum_up(self._epoch_sums)
        self.run.ranks.mean_buffers(self.net)
        self.epoch += 1
        scores, best = self.score()
        ahead = seconds * (self.phase.epochs - self.epoch)
        pays = compiling_pays(self.run.device, self.run.ranks.agree({"ahead": ahead})["ahead"])
        if self.run.options.compile == "auto" and not (self.compiled or self.phase.varied) and pays:
            self.compile()
        items = max((count for _, count in sums.values()), default=0.0)
        shown = self.progress(
            "epoch",
            means(sums),
            scores=scores,
            items_per_s=items / max(seconds, 1e-9),
            seconds=seconds,
            best=best,
        )
        self.batch, self._epoch_sums = 0, {}
        return shown

    def score(self) -> tuple[Mapping[str, float], bool]:
        """Held-out metrics with the weights that would be kept, and whether they are the best so far."""
        if self.phase.score is None:
            return {}, False
        with ExitStack() as averaged:
            for each in self.averaging:
                averaged.enter_context(each.applied())
            self.net.eval()
            with torch.no_grad():
                scores = self.run.ranks.agree(self.phase.score())
            self.net.train()
            if self.phase.best is None:
                return scores, False
            name = self.phase.best.removeprefix("-")
            if name not in scores:
                raise OptionError(
                    f"'{self.phase.name}' keeps the best epoch by '{name}', but scores only "
                    f"{', '.join(scores)}."
                )
            value = -scores[name] if self.phase.best.startswith("-") else scores[name]
            best = value == value and (self.best_score is None or value > self.best_score)
            if best:
                self.best_score, self.best_epoch = value, self.epoch
                self.best_weights = weights(self.net)
            return scores, best

    def finish(self) -> Progress:
        """Leave the network with the weights to keep.

        The best epoch's, else the averaged ones, else the last.
        """
        if self.best_weights is not None:
            self.net.load_state_dict(self.best_weights)
        else:
            for each in self.averaging:
                each.give()
        return self.progress("phase", {})

    def compile(self) -> None:
        """Compile the network's forward in place; its parameters and their names stay.

        What fails to compile stops a run that was told to compile; any other goes on with it as it is.
        """
        if self.run.options.compile == "auto":
            from torch import _dynamo  # costs 2 s, which only a run that compiles pays

            _dynamo.config.suppress_errors = True
        self.net.compile()  # pyright: ignore[reportUnknownMemberType]  (PyTorch leaves its arguments untyped)
        self.compiled = True

    def progress(self, kind: Any, losses: Mapping[str, float], **more: Any) -> Progress:
        """Where the phase stands."""
        epoch = self.epoch if kind != "step" else self.epoch + 1
        rates = self.minimise.learning_rates()
        return Progress(
            kind,
            self.phase.name,
            epoch,
            self.phase.epochs,
            self.batch,
            self.batches_per_epoch,
            losses,
            learning_rates=rates,
            **more,
        )

    def state_dict(self) -> dict[str, Any]:
        """All that a restart needs.

        The network included and the best weights not (they have a file of their own).
        """
        return {
            "net": weights(self.net),
            "averages": self.averages.state_dict() if self.averages else None,
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.phase.optimizers.items()},
            "keeps": {name: kept.state_dict() for name, kept in self.phase.keeps.items()},
            "place": {name: getattr(self, name) for name in PLACE},
            "sums": self._epoch_sums,
            "epochs": self.phase.epochs,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Stand where a saved course stood."""
        self.net.load_state_dict(state["net"])
        if self.averages and state["averages"]:
            self.averages.load_state_dict(state["averages"])
        for name, optimizer in self.phase.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
            for parameter, kept in optimizer.state.items():
                for (
                    key,
                    value,
                ) in kept.items():  # in the layout of the parameter, as the optimizer itself made it
                    if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                        kept[key] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
        for name, kept in self.phase.keeps.items():
            kept.load_state_dict(state["keeps"][name])
        for name in PLACE:
            setattr(self, name, state["place"][name])
        self._epoch_sums = state["sums"]
        if self.compiled:
            self.compile()
        if state["epochs"] < self.phase.epochs:  # the budget was extended: patience starts anew
            self.best_epoch = max(self.best_epoch, self.epoch)


def weights(net: nn.Module) -> dict[str, torch.Tensor]:
    """A copy of the network's state."""
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def means(sums: Mapping[str, Iterable[float]]) -> dict[str, float]:
    """Sum over count, by name."""
    return {name: total / count if count else 0.0 for name, (total, count) in sums.items()}
