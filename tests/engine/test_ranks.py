"""Two ranks with parts of unequal size give the result of one process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import ranks_script
import torch
from hypothesis import given
from hypothesis import strategies as st
from running import COUPLED, NAMES, make

from deepfit.data.batches import Selection
from deepfit.engine import packing
from deepfit.engine.ranks import Ranks

pytestmark = [pytest.mark.ranks, pytest.mark.slow]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What each of two ranks found, in one run of torchrun for all tests here."""
    folder = tmp_path_factory.mktemp("ranks")
    script = str(Path(__file__).with_name("ranks_script.py"))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc-per-node",
            "2",
            script,
            str(folder),
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [packing.load(folder / f"rank-{rank}") for rank in range(2)]


def assert_close(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor], tolerance: float) -> None:
    for name, value in one.items():
        torch.testing.assert_close(
            value, other[name], rtol=0, atol=tolerance, msg=lambda said, name=name: f"{name}: {said}"
        )


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("name", NAMES)
def test_two_uneven_ranks_give_the_weights_and_losses_of_one_process(name: str, told: Any) -> None:
    alone = ranks_script.learn(name)
    start = make(name, still=True).net.state_dict()
    assert any((value - alone["net"][key]).abs().max() > 1e-3 for key, value in start.items()), (
        "it must have moved"
    )
    for rank in told:
        assert_close(alone["net"], rank[name]["net"], 1e-9)
        for mine, theirs in zip(alone["losses"], rank[name]["losses"], strict=True):
            assert theirs == pytest.approx(mine, rel=1e-8)
        assert rank[name]["scores"] == told[0][name]["scores"]


def test_ranks_hold_the_same_weights_bit_for_bit(told: Any) -> None:
    for name in NAMES:
        for key, value in told[0][name]["net"].items():
            assert torch.equal(value, told[1][name]["net"][key])


@pytest.mark.usefixtures("double")
def test_pieces_on_ranks_give_the_weights_of_the_whole_batch(told: Any) -> None:
    assert_close(ranks_script.learn("seq2seq")["net"], told[0]["pieces"]["net"], 1e-9)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("name", ["muon", "schedule_free"])
def test_ranks_find_the_learning_rate_of_one_process_and_train_at_it(name: str, told: Any) -> None:
    alone = ranks_script.rated(name)
    for rank in told:
        assert rank["rated"][name]["rate"] == alone["rate"]
        assert_close(alone["net"], rank["rated"][name]["net"], 1e-9)


def test_ranks_that_crashed_in_the_middle_of_an_epoch_go_on_bit_for_bit(told: Any) -> None:
    for rank in told:
        for name, value in rank["whole"].items():
            assert torch.equal(value, rank["crashed"][name])


@pytest.mark.usefixtures("double")
def test_gathered_rows_and_their_gradients_are_those_of_one_process(told: Any) -> None:
    alone = ranks_script.gathered(Ranks())
    for rows, expected in alone.items():
        for rank in told:
            torch.testing.assert_close(rank["gathered"][rows]["seen"], expected["seen"], rtol=0, atol=0)
        gradient = torch.cat([rank["gathered"][rows]["gradient"] for rank in told])
        torch.testing.assert_close(gradient, expected["gradient"], rtol=0, atol=1e-12)


def test_running_statistics_are_the_mean_over_ranks(told: Any) -> None:
    means = torch.stack([rank["normed"]["parts"] for rank in told])
    assert (means[0] - means[1]).abs().min() > 1.0
    for rank in told:
        torch.testing.assert_close(rank["normed"]["mean"], means.mean(0))


def test_sums_are_over_ranks_also_of_a_name_that_one_rank_lacks(told: Any) -> None:
    assert told[0]["sums"] == {"loss": [3.0, 4.0], "only": [3.0, 1.0]}
    assert told[1]["sums"] == {"loss": [3.0, 4.0]}


def test_ranks_agree_on_the_values_of_the_first(told: Any) -> None:
    assert [rank["agreed"] for rank in told] == [{"score": 0.0}] * 2


@given(rows=st.integers(0, 40), size=st.integers(1, 9))
def test_parts_cover_every_row_once_in_order_and_differ_by_one_row_at_most(rows: int, size: int) -> None:
    whole = torch.arange(rows)
    parts = [Ranks(rank, size).share(whole) for rank in range(size)]
    assert torch.equal(torch.cat(parts), whole)
    lengths = [len(part) for part in parts]
    assert max(lengths) - min(lengths) <= 1
    batch = Selection({"x": 10 * whole}, whole.flip(0))
    shared = torch.cat([Ranks(rank, size).share(batch)["x"] for rank in range(size)])
    assert torch.equal(shared, 10 * whole.flip(0))


def test_the_coupled_toys_are_those_whose_phases_say_so() -> None:
    from deepfit.engine import Run

    for name in NAMES:
        toy = make(name, epochs=1)
        phases = list(toy.task.plan(toy.net, toy.data, {}, Run(toy.options, None)))
        assert any(phase.coupled for phase in phases) == (name in COUPLED)
