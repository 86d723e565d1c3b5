"""What each of several ranks does in `test_ranks`; started by torchrun. Usage: ranks_script.py FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import torch
import torch.distributed as dist
from running import NAMES, Crash, finish, make
from torch import nn

from deepfit.contract import Loss, Phase, Splits
from deepfit.engine import Run, packing, ranks, train
from deepfit.options import Options
from deepfit.plans import supervised

EPOCHS = {"whole_graph": 6}


def learn(name: str, **options: Any) -> dict[str, Any]:
    """What three epochs of a toy come to: the weights, and the mean losses that are shown."""
    toy = make(name, still=True, epochs=EPOCHS.get(name, 3), clip_norm=1.0, **options)
    shown = finish(toy, None)
    return {
        "net": toy.net.state_dict(),
        "losses": [dict(each.losses) for each in shown if each.kind == "epoch"],
        "scores": [dict(each.scores) for each in shown if each.kind == "epoch"],
    }


def gathered(place: ranks.Ranks) -> dict[str, Any]:
    """Rows of all ranks in one list, and the gradient of something that mixes them all."""
    told = {}
    for rows in (0, 1, 2, 5, 8):
        whole = torch.arange(3.0 * rows).view(rows, 3) / 7
        own = place.share(whole).clone().requires_grad_()
        seen = place.gather(own)
        mixed(seen, place.share(torch.arange(rows))).backward()
        told[f"{rows}"] = {"seen": seen.detach(), "own": own.detach(), "gradient": own.grad}
    return told


def mixed(rows: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    """A sum over some rows that depends on all."""
    weight = torch.cos(torch.arange(float(len(rows) ** 2))).view(len(rows), len(rows))
    return (weight @ rows.square()).sin()[own].sum()


class Normed:
    """Batch statistics, which each rank sees of its own rows only."""

    def plan(self, net: nn.Module, data: Splits, facts: Any, run: Any) -> Any:
        def step(batch: Any) -> Any:
            yield Loss(net(batch["x"]).square().sum(), len(batch["x"]))

        optimizers = {"main": torch.optim.SGD(net.parameters(), 0.1)}
        yield Phase("normed", lambda epoch: [data.train], step, optimizers, 1)


def normed(place: ranks.Ranks) -> dict[str, Any]:
    """The running means after one epoch of one batch, whose parts have different means."""
    net = nn.BatchNorm1d(2, momentum=1.0)
    data = Splits({"x": torch.arange(22.0).view(11, 2)}, None)
    list(train(Normed(), net, data, {}, Run(Options(device="cpu"), None)))
    return {"mean": net.running_mean, "parts": place.share(data.train["x"]).mean(0)}


class Rated:
    """A range test of the learning rate, then training at the rate that it found."""

    def __init__(self, options: Options) -> None:
        self.options = options

    def plan(self, net: nn.Module, data: Splits, facts: Any, run: Any) -> Any:
        def loss(said: torch.Tensor, batch: Any) -> torch.Tensor:
            return (said.squeeze(1) - batch["target"]).square().sum()

        yield from supervised(net, data, self.options, run, forward=lambda batch: net(batch["x"]), loss=loss)


def rated(optimizer: str) -> dict[str, Any]:
    """The weights after that, and the rate."""
    options = Options(device="cpu", learning_rate="auto", optimizer=optimizer, epochs=2, batch_size=11)
    torch.manual_seed(0)
    net, x = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1)), torch.randn(60, 3)
    data = Splits({"x": x, "target": x[:, 0].sin()}, None)
    shown = list(train(Rated(options), net, data, {}, Run(options, None)))
    return {
        "net": net.state_dict(),
        "rate": max(each.learning_rates["main"] for each in shown if each.phase == "train"),
    }


def broken_off(folder: Path, *, crash: bool) -> dict[str, Any]:
    """With dropout, whose draws differ by rank: to the end, or crashed in an epoch's middle and then to the
    end."""
    given = {"epochs": 3, "ema": 0.9, "checkpoint_minutes": 1e-9, "dropout": 0.3}
    if crash:
        try:
            finish(make("classifier", **given), folder, crash_at_loss=12)
        except Crash:
            dist.barrier()  # ranks that crash together are started again together
    toy = make("classifier", **given)
    finish(toy, folder)
    dist.barrier()
    return toy.net.state_dict()


def main(folder: Path) -> None:
    place = ranks.join()
    torch.set_default_dtype(torch.float64)
    told: dict[str, Any] = {name: learn(name) for name in NAMES}
    told["pieces"] = learn("seq2seq", accumulate=3)
    told["gathered"] = gathered(place)
    told["normed"] = normed(place)
    told["rated"] = {name: rated(name) for name in ("muon", "schedule_free")}
    told["whole"] = broken_off(folder / "whole", crash=False)
    told["crashed"] = broken_off(folder / "crashed", crash=True)
    told["sums"] = dict(
        place.sum_up({"loss": [1.0 + place.rank, 2.0], **({"only": [3.0, 1.0]} if not place.rank else {})})
    )
    told["agreed"] = dict(place.agree({"score": float(place.rank)}))
    packing.save_atomically(folder / f"rank-{place.rank}", told)
    if dist.is_initialized():
        dist.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
