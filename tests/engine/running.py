"""Ways to run a toy: to its end, up to a crash, on again; and to compare what two runs left behind."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from toys.toy import Toy

from deepfit.contract import Loss, Phase, Progress
from deepfit.engine import Run, packing, train

NAMES = (
    "classifier",
    "seq2seq",
    "gan",
    "deep_clustering",
    "contrastive",
    "whole_graph",
    "sampled_graph",
    "ppo",
    "dqn",
)
COUPLED = ("contrastive", "whole_graph")
LIVE = ("ppo", "dqn")
WITHOUT_DROPOUT = ("gan", "ppo", "dqn")


def make(name: str, *, still: bool = False, **options: Any) -> Toy:
    """A new toy; still: without dropout, whose draws depend on how a batch is cut."""
    if still and name not in WITHOUT_DROPOUT:
        options["dropout"] = 0.0
    return importlib.import_module(f"toys.{name}").make(**options)


class Crash(Exception):
    """Stands for a power cut."""


class Crashing:
    """A toy's task whose power is cut just before the loss of this number is minimised."""

    def __init__(self, task: Any, at_loss: int) -> None:
        self.task = task
        self.left = at_loss

    def plan(self, *given: Any) -> Iterator[Phase]:
        for phase in self.task.plan(*given):
            yield replace(phase, step=lambda batch, phase=phase: self.step(phase, batch))

    def step(self, phase: Phase, batch: Any) -> Iterator[Loss]:
        for loss in phase.step(batch):
            self.left -= 1
            if not self.left:
                raise Crash
            yield loss


def finish(toy: Toy, folder: Path | None, *, crash_at_loss: int = 0) -> list[Progress]:
    """Train to the end, or to a crash; all progress on the way."""
    torch.set_num_threads(1)
    task = Crashing(toy.task, crash_at_loss) if crash_at_loss else toy.task
    return list(train(task, toy.net, toy.data, {}, Run(toy.options, folder)))


def left_behind(toy: Toy, folder: Path) -> tuple[Any, dict[str, torch.Tensor]]:
    """The network and the whole last checkpoint, as an outline of plain values and a table of tensors."""
    tensors: dict[str, torch.Tensor] = {}
    state = packing.load(folder / "checkpoint" / "last.safetensors")
    outline = packing.pack({"net": toy.net.state_dict(), "state": state}, tensors)
    return outline, tensors


def assert_same(one: tuple[Any, dict[str, torch.Tensor]], other: tuple[Any, dict[str, torch.Tensor]]) -> None:
    """Bit for bit."""
    assert one[0] == other[0]
    different = [name for name, tensor in one[1].items() if not torch.equal(tensor, other[1][name])]
    assert not different


def largest_difference(one: torch.nn.Module, other: torch.nn.Module) -> float:
    """Over all weights."""
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return max((a - b).abs().max().item() for a, b in pairs)
