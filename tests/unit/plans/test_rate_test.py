"""The learning-rate range test: what it records, when it stops, what it chooses, what it leaves."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from deepfit.contract import Loss, Phase, Splits
from deepfit.engine import Run, checkpoint, packing, train
from deepfit.job import folder
from deepfit.options import Options
from deepfit.plans import rate_test
from deepfit.plans.supervised import supervised


class Line:
    """Points near a plane, learned by a network with dropout and running statistics."""

    def __init__(self, options: Options, *, spoilt_at: int = 0) -> None:
        self.options, self.spoilt_at = options, spoilt_at
        self.phases: list[Phase] = []
        self.losses_seen = 0
        self.crash_at = 0

    def plan(self, net: nn.Module, data: Any, facts: Any, run: Any) -> Any:
        def loss(outputs: torch.Tensor, batch: Any) -> torch.Tensor:
            self.losses_seen += 1
            if self.losses_seen == self.crash_at:
                raise ZeroDivisionError
            total = (outputs.squeeze(1) - batch["target"]).square().sum()
            return total * math.nan if self.losses_seen == self.spoilt_at else total

        plan = supervised(net, data, self.options, run, forward=lambda batch: net(batch["x"]), loss=loss)
        for phase in plan:
            self.phases.append(phase)
            yield phase


def problem(*, spoilt_at: int = 0, **given: Any) -> tuple[Line, nn.Module, Splits[Any]]:
    fixed = {"device": "cpu", "precision": "float32", "compile": "off", "threads": 1, "epochs": 2}
    options = Options(**{**fixed, "batch_size": 16, "learning_rate": "auto", **given})
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(200, 5, generator=generator)
    data = {"x": x, "target": x @ torch.tensor([1.0, -2.0, 0.5, 3.0, 0.0])}
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 1))
    return Line(options, spoilt_at=spoilt_at), net, Splits(data, data)


def finish(task: Line, net: nn.Module, data: Any, folder: Path | None = None) -> list[Any]:
    if folder:
        folder.mkdir(exist_ok=True)
    return list(train(task, net, data, {}, Run(task.options, folder)))  # pyright: ignore[reportArgumentType]


def test_the_test_leaves_weights_and_running_statistics_as_they_were() -> None:
    task, net, data = problem(ema=0.9)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    for shown in train(task, net, data, {}, Run(task.options, None)):  # pyright: ignore[reportArgumentType]
        if shown.kind == "phase":
            assert shown.phase == rate_test.PHASE
            break
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_rates_rise_by_the_same_factor_from_the_lowest_to_the_highest() -> None:
    test = rate_test.RateTest(100)
    test.losses = [1.0] * 100
    steps = [later / earlier for earlier, later in zip(test.rates, test.rates[1:], strict=False)]
    assert test.rates[0] == pytest.approx(rate_test.LOWEST)
    assert test.rates[-1] == pytest.approx(rate_test.HIGHEST)
    assert max(steps) == pytest.approx(min(steps))


def test_the_optimizer_really_takes_the_recorded_rates() -> None:
    task, net, data = problem(optimizer="sgd", momentum=0.0, weight_decay=0.0)
    moves = []

    class Watched(torch.optim.SGD):
        def step(self, closure: Any = None) -> None:
            moves.append(self.param_groups[0]["lr"])
            super().step()

    def make(rate: float) -> Any:
        return Watched(net.parameters(), rate)

    class Task:
        def plan(self, *given: Any) -> Any:
            batch = {"x": data.train["x"][:16], "y": data.train["target"][:16]}

            def step(batch: Any) -> Any:
                yield Loss((net(batch["x"]).squeeze(1) - batch["y"]).square().sum(), 16)

            self.found = yield from rate_test.find(net, lambda epoch: [batch], step, make, run)

    run, plan = Run(task.options, None), Task()
    progress = list(train(plan, net, data, {}, run))  # pyright: ignore[reportArgumentType]
    assert len(progress) >= 2
    assert moves == pytest.approx(
        [
            rate_test.HIGHEST * (rate_test.LOWEST / rate_test.HIGHEST) ** (1 - i / 49)
            for i in range(len(moves))
        ]
    )
    assert rate_test.LOWEST < plan.found < rate_test.HIGHEST


def test_it_stops_when_the_loss_has_left_its_least_value_behind() -> None:
    task, net, data = problem(optimizer="sgd")
    finish(task, net, data)
    test = task.phases[0].keeps["rate_test"]
    assert isinstance(test, rate_test.RateTest)
    assert len(test.losses) < test.steps
    assert test.diverged()


def test_a_loss_that_is_not_finite_ends_the_test_and_not_the_run(tmp_path: Path) -> None:
    task, net, data = problem(spoilt_at=31)
    shown = finish(task, net, data, tmp_path)
    test = task.phases[0].keeps["rate_test"]
    assert isinstance(test, rate_test.RateTest)
    assert len(test.losses) == 31
    assert math.isnan(test.losses[-1])
    assert shown[-1].phase == "train"
    assert json.loads((tmp_path / rate_test.FILE).read_text())["losses"][-1] is None


@pytest.mark.parametrize("accumulate", [1, 3])
def test_a_batch_in_pieces_gives_the_losses_of_the_whole(accumulate: int) -> None:
    task, net, data = problem(accumulate=accumulate)
    net = nn.Sequential(nn.Linear(5, 1))  # neither dropout nor batch statistics, which depend on the pieces
    nn.init.zeros_(net[0].weight)
    nn.init.zeros_(net[0].bias)
    finish(task, net, data)
    test = task.phases[0].keeps["rate_test"]
    assert isinstance(test, rate_test.RateTest)
    first = data.train["target"][task_order(task)[:15]].square().mean()
    assert test.losses[0] == pytest.approx(float(first), rel=1e-5)


def task_order(task: Line) -> torch.Tensor:
    """The rows in the order of the first epoch."""
    return torch.randperm(200, generator=Run(task.options, None).rng("shuffle", 0))


def test_training_goes_on_at_the_chosen_rate() -> None:
    task, net, data = problem(schedule="constant", warmup=0.0)
    shown = finish(task, net, data)
    test = task.phases[0].keeps["rate_test"]
    assert isinstance(test, rate_test.RateTest)
    assert shown[-1].learning_rates["main"] == test.chosen()


def test_of_a_smooth_valley_a_rate_well_before_its_ground_is_chosen() -> None:
    rates = [10 ** (-5 + 6 * i / 99) for i in range(100)]
    losses = [1.0 + min(0.0, -(math.log10(rate) + 4)) * 0.3 if rate < 0.1 else 10 * rate for rate in rates]
    assert 1e-3 < rate_test.choose(rates, losses) < 0.05


def test_of_losses_that_are_never_finite_or_never_fall_a_low_rate_is_chosen() -> None:
    rates = [10 ** (-5 + 6 * i / 99) for i in range(100)]
    assert 0 < rate_test.choose(rates, [math.nan] * 100) <= 1e-5
    assert 0 < rate_test.choose(rates, [1.0 + i for i in range(100)]) <= 1e-5


@pytest.mark.parametrize("crash_at", [20, 60, 80, 90])
@pytest.mark.parametrize("optimizer", ["adamw", "muon", "schedule_free"])
def test_a_crash_in_either_phase_leaves_no_trace(optimizer: str, crash_at: int, tmp_path: Path) -> None:
    """The test takes about 50 losses and the training 26 after it."""
    task, whole, data = problem(optimizer=optimizer)
    finish(task, whole, data, tmp_path / "whole")
    losses = task.losses_seen
    task, net, data = problem(optimizer=optimizer, checkpoint_minutes=1e-9)
    task.crash_at = min(crash_at, losses - 2)
    with pytest.raises(ZeroDivisionError):
        finish(task, net, data, tmp_path / "parts")
    again, parts, data = problem(optimizer=optimizer, checkpoint_minutes=1e-9)
    finish(again, parts, data, tmp_path / "parts")
    assert all(torch.equal(value, parts.state_dict()[name]) for name, value in whole.state_dict().items())
    for name in ("whole", "parts"):
        assert checkpoint.exists(tmp_path / name)
    one, other = (
        packing.load(tmp_path / each / "checkpoint" / "end-0.safetensors") for each in ("whole", "parts")
    )
    assert one["keeps"] == other["keeps"]
    assert (tmp_path / "whole" / rate_test.FILE).read_text() == (
        tmp_path / "parts" / rate_test.FILE
    ).read_text()


def test_a_finished_run_is_extended_at_the_rate_that_was_found(tmp_path: Path) -> None:
    task, net, data = problem(schedule="constant", warmup=0.0)
    rate = finish(task, net, data, tmp_path)[-1].learning_rates["main"]
    again, net, data = problem(schedule="constant", warmup=0.0, epochs=3)
    shown = finish(again, net, data, tmp_path)
    assert [each.epoch for each in shown if each.kind == "epoch"] == [3]
    assert shown[-1].learning_rates["main"] == rate
    assert again.losses_seen < 20, "the test was not made again"


def test_the_job_reads_the_file_that_the_plan_writes() -> None:
    assert folder.RATE_TEST == rate_test.FILE
