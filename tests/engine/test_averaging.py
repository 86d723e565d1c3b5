"""Weights that an optimizer averages are scored and kept, beside another optimizer, after a crash too."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from running import Crash, Crashing
from torch import nn

from deepfit.contract import Loss, Phase, Splits
from deepfit.engine import Run, packing, train
from deepfit.nn.optimizers import ScheduleFree
from deepfit.options import Options


class Halves:
    """Two layers, each with a loss and an optimizer of its own; the first keeps its average."""

    def __init__(self, *, best: bool, averaged: bool = True) -> None:
        self.best, self.averaged = best, averaged
        self.scored: list[torch.Tensor] = []
        self.free: ScheduleFree | None = None

    def plan(self, net: Any, data: Any, facts: Any, run: Any) -> Iterator[Phase]:
        def step(batch: Any) -> Iterator[Loss]:
            hidden = net[0](batch["x"]).tanh()
            yield Loss((hidden.mean(1) - batch["y"]).square().sum(), len(hidden), by="first")
            said = net[1](net[0](batch["x"]).tanh().detach()).squeeze(1)
            yield Loss((said - batch["y"]).square().sum(), len(hidden), by="second")

        def score() -> dict[str, float]:
            self.scored.append(net[0].weight.detach().clone())
            said = net[1](net[0](data.valid["x"]).tanh()).squeeze(1)
            return {"error": float((said - data.valid["y"]).square().mean())}

        self.free = ScheduleFree(net[0].parameters(), 0.05)
        optimizers = {"first": self.free, "second": torch.optim.AdamW(net[1].parameters(), 0.05)}
        yield Phase(
            "train",
            lambda epoch: [
                {"x": data.train["x"][i : i + 10], "y": data.train["y"][i : i + 10]} for i in (0, 10, 20)
            ],
            step,
            optimizers,
            3,
            score=score,
            best="-error" if self.best else None,
            averaged=self.averaged,
        )


def halves(*, best: bool = False, **more: Any) -> tuple[Halves, nn.Module, Splits[Any]]:
    torch.manual_seed(0)
    x = torch.randn(40, 4)
    rows = {"x": x, "y": x[:, 0].sin()}
    net = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 1))
    part = lambda s: {name: value[s] for name, value in rows.items()}  # noqa: E731
    return Halves(best=best, **more), net, Splits(part(slice(0, 30)), part(slice(30, 40)))


def run(task: Any, net: nn.Module, data: Any, folder: Path | None = None, **given: Any) -> None:
    options = Options(
        **{"device": "cpu", "precision": "float32", "compile": "off", "checkpoint_minutes": 1e-9, **given}
    )
    for _ in train(task, net, data, {}, Run(options, folder)):
        pass


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_the_optimizers_own_average_is_scored_and_kept(ema: float) -> None:
    task, net, data = halves()
    run(task, net, data, ema=ema)
    assert torch.equal(net[0].weight, task.scored[-1])
    moving, other, data = halves(averaged=False)
    run(moving, other, data, ema=ema)  # the same course without averaging leaves what moved
    assert not torch.equal(net[0].weight, other[0].weight)
    with moving.free.applied():
        torch.testing.assert_close(other[0].weight, net[0].weight, rtol=0, atol=0)
    assert torch.equal(net[1].weight, other[1].weight), "the other optimizer's weights are as they would be"


def test_the_best_epochs_average_is_what_is_kept() -> None:
    task, net, data = halves(best=True)
    run(task, net, data)
    assert any(torch.equal(net[0].weight, scored) for scored in task.scored)


@pytest.mark.parametrize("best", [True, False])
@pytest.mark.parametrize("at_loss", [3, 8, 11, 17])
def test_a_crash_leaves_no_trace_in_the_average(at_loss: int, best: bool, tmp_path: Path) -> None:
    task, whole, data = halves(best=best)
    run(task, whole, data)
    task, net, data = halves(best=best)
    with pytest.raises(Crash):
        run(Crashing(task, at_loss), net, data, tmp_path)
    task, net, data = halves(best=best)
    run(task, net, data, tmp_path)
    assert all(torch.equal(value, net.state_dict()[name]) for name, value in whole.state_dict().items())


class Counter:
    """Something that a phase keeps."""

    def __init__(self) -> None:
        self.count = 0

    def state_dict(self) -> dict[str, Any]:
        return {"count": self.count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.count = state["count"]


class Two:
    """What the first phase keeps decides how fast the second learns."""

    def plan(self, net: Any, data: Any, facts: Any, run: Any) -> Iterator[Phase]:
        kept = Counter()

        def step(batch: Any) -> Iterator[Loss]:
            yield Loss(net(batch["x"]).square().sum(), len(batch["x"]))

        def counted(epoch: int) -> Iterator[Any]:
            yield data.train
            kept.count += 1

        first = {"main": torch.optim.SGD(net.parameters(), 0.01)}
        yield Phase("count", counted, step, first, 2, keeps={"counter": kept}, live=True)
        second = {"main": torch.optim.SGD(net.parameters(), 0.1 * kept.count)}
        yield Phase("use", lambda epoch: [data.train], step, second, 2)


def two() -> tuple[Two, nn.Module, Splits[Any]]:
    torch.manual_seed(0)
    return Two(), nn.Linear(3, 2), Splits({"x": torch.randn(9, 3)}, None)


def test_code_between_phases_sees_what_a_finished_phase_kept(tmp_path: Path) -> None:
    task, whole, data = two()
    run(task, whole, data)
    task, net, data = two()
    with pytest.raises(Crash):
        run(Crashing(task, 4), net, data, tmp_path)
    task, net, data = two()
    run(task, net, data, tmp_path)
    assert torch.equal(net.weight, whole.weight)


def test_a_finished_phase_of_the_first_checkpoint_format_still_gives_its_weights(tmp_path: Path) -> None:
    task, net, data = two()
    run(task, net, data, tmp_path)
    folder = tmp_path / "checkpoint"
    for name in ("end-0.safetensors", "end-1.safetensors"):
        packing.save_atomically(folder / name, packing.load(folder / name)["net"])
    packing.save_atomically(
        folder / "last.safetensors", {**packing.load(folder / "last.safetensors"), "format": 1}
    )
    task, again, data = two()
    run(task, again, data, tmp_path)
    assert torch.equal(again.weight, net.weight)
