"""A run that was stopped, crashed or killed, and then went on, ends bit for bit like one that never was."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from running import LIVE, NAMES, Crash, assert_same, finish, left_behind, make
from torch import nn

from deepfit.contract import Loss, Phase, Splits
from deepfit.data.batches import Selection
from deepfit.engine import Run, channels_last, checkpoint, packing, train
from deepfit.options import Options

SHORT = {"whole_graph": 6, "sampled_graph": 6}
LOSSES = {"classifier": 24, "seq2seq": 48, "gan": 96, "deep_clustering": 60, "contrastive": 24}
LOSSES |= {"whole_graph": 6, "sampled_graph": 17, "ppo": 24, "dqn": 60}
"""How many losses a toy minimises in its SHORT number of epochs (3 where not said otherwise)."""
WHOLE_EPOCHS = ("whole_graph", "deep_clustering")
"""Toys in which some of the crashes come between epochs: one batch an epoch, or a live second phase."""


def short(name: str, **options: Any) -> Any:
    return make(name, epochs=SHORT.get(name, 3), ema=0.9, clip_norm=1.0, **options)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What each toy's undisturbed run leaves behind; made when first asked for."""
    made: dict[str, Any] = {}

    def of(name: str) -> Any:
        if name not in made:
            toy, folder = short(name), tmp_path_factory.mktemp(name)
            finish(toy, folder)
            made[name] = left_behind(toy, folder)
        return made[name]

    return of


@pytest.mark.parametrize("name", NAMES)
def test_a_run_left_after_an_epoch_goes_on_as_if_never_left(
    name: str, undisturbed: Any, tmp_path: Path
) -> None:
    toy = short(name)
    for shown in train(toy.task, toy.net, toy.data, {}, Run(toy.options, tmp_path)):
        if shown.kind == "epoch" and shown.epoch == 2:
            break
    toy = short(name)
    again = finish(toy, tmp_path)
    assert again[-1].kind == "phase"
    assert_same(undisturbed(name), left_behind(toy, tmp_path))


@pytest.mark.parametrize("share", [0.3, 0.55, 0.8, 1.0])
@pytest.mark.parametrize("name", NAMES)
def test_a_crash_in_the_middle_of_an_epoch_leaves_no_trace(
    name: str, share: float, undisturbed: Any, tmp_path: Path
) -> None:
    """Checkpoints after each batch where an epoch can be entered in its middle, so the crash follows one
    closely."""
    with pytest.raises(Crash):
        finish(short(name, checkpoint_minutes=1e-9), tmp_path, crash_at_loss=round(share * LOSSES[name]))
    if checkpoint.exists(tmp_path):  # none yet in the first epoch of a live phase
        place = packing.load(tmp_path / "checkpoint" / "last.safetensors")["course"]["place"]
        assert (
            (place["batch"] == 0)
            if name in LIVE
            else (place["batch"] > 0 or share == 1.0 or name in WHOLE_EPOCHS)
        )
    toy = short(name, checkpoint_minutes=1e-9)
    finish(toy, tmp_path)
    assert_same(undisturbed(name), left_behind(toy, tmp_path))


@pytest.mark.parametrize("name", NAMES)
def test_many_crashes_leave_no_trace(name: str, undisturbed: Any, tmp_path: Path) -> None:
    for _ in range(4):
        try:
            finish(short(name, checkpoint_minutes=1e-9), tmp_path, crash_at_loss=max(2, LOSSES[name] // 3))
        except Crash:
            continue
        break
    toy = short(name, checkpoint_minutes=1e-9)
    finish(toy, tmp_path)
    assert_same(undisturbed(name), left_behind(toy, tmp_path))


class Pictures:
    """Convolutions laid out channels-last, running statistics, momentum, and batches drawn from the global
    generator."""

    def plan(self, net: nn.Module, data: Any, facts: Any, run: Any) -> Iterator[Phase]:
        def batches(epoch: int) -> Iterator[Any]:
            order = torch.randperm(len(data.train["x"]))
            for part in order.split(7):
                yield Selection(data.train, part[torch.randint(len(part), (len(part),))])

        def step(batch: Any) -> Iterator[Loss]:
            logits = net(batch["x"])
            yield Loss(nn.functional.cross_entropy(logits, batch["y"], reduction="sum"), len(logits))

        optimizer = torch.optim.SGD(net.parameters(), 0.05, momentum=0.9, nesterov=True, fused=True)
        for name in ("one", "two"):  # the second phase shares the first one's optimizer, momentum and all
            yield Phase(name, batches, step, {"main": optimizer}, 2)


def pictures(folder: Path, *, minutes: float, crash_after: int = 0) -> nn.Module:
    torch.manual_seed(0)
    x = torch.randn(40, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    net = channels_last(
        nn.Sequential(
            nn.Conv2d(3, 8, 3),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Conv2d(8, 8, 3),
            nn.Flatten(),
            nn.Linear(128, 2),
        )
    )
    data = Splits({"x": x, "y": (x.mean((1, 2, 3)) > 0).long()}, None)
    run = Run(Options(device="cpu", precision="float32", checkpoint_minutes=minutes, ema=0.5), folder)
    shown = 0
    for progress in train(Pictures(), net, data, {}, run):
        shown += progress.kind in ("epoch", "phase")
        if shown == crash_after:
            break
    return net


@pytest.mark.parametrize("minutes", [1e-9, 5.0])
@pytest.mark.parametrize("crash_after", [1, 2, 3, 4, 5])
def test_running_statistics_layouts_and_shared_optimizers_survive(
    crash_after: int, minutes: float, tmp_path: Path
) -> None:
    whole = pictures(tmp_path / "whole", minutes=5.0)
    pictures(tmp_path / "parts", minutes=minutes, crash_after=crash_after)
    parts = pictures(tmp_path / "parts", minutes=5.0)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, parts.state_dict()[name]), name


def test_what_a_killed_process_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / ".last.safetensors.123.partial").write_bytes(b"half")
    finish(short("whole_graph"), tmp_path)
    assert not list((tmp_path / "checkpoint").glob(".*"))


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Every toy run in processes that are really killed, by one nursery that has PyTorch loaded already."""
    folder = tmp_path_factory.mktemp("killed")
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, str(here / "nursery.py"), str(folder)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_kills_at_random_moments_leave_no_trace(name: str, killed: Any) -> None:
    folder, kills = killed
    assert kills[name] >= 2, "too few kills hit a running process to prove anything"
    tables = []
    for kind in ("whole", "killed"):
        tensors: dict[str, torch.Tensor] = {}
        last, net = (
            packing.load(folder / f"{name}-{kind}" / path)
            for path in ("checkpoint/last.safetensors", "net.safetensors")
        )
        tables.append((packing.pack({"last": last, "net": net}, tensors), tensors))
    assert_same(*tables)
