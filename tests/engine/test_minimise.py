"""How a loss is minimised: the same step however the batch is cut, by one optimizer, with a bounded
gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from running import COUPLED, NAMES, finish, largest_difference, make
from torch import nn

from deepfit.contract import Loss, Phase, Splits
from deepfit.engine import Run, packing, train
from deepfit.engine.checkpoint import exists
from deepfit.engine.minimise import Minimiser
from deepfit.errors import OptionError, TrainingError
from deepfit.options import Options


class Written:
    """A task of one phase, written in the test."""

    def __init__(self, **phase: Any) -> None:
        self.phase = phase

    def plan(self, *given: Any) -> Iterator[Phase]:
        yield Phase(**{"name": "written", "epochs": 1, **self.phase})


def learn(
    net: nn.Module, folder: Path | None = None, *, options: dict[str, Any] | None = None, **phase: Any
) -> list[Any]:
    run = Run(Options(precision="float32", device="cpu", **(options or {})), folder)
    return list(train(Written(**phase), net, Splits(None, None), {}, run))


def squares(net: nn.Module) -> Callable[[Any], Iterator[Loss]]:
    def step(batch: Any) -> Iterator[Loss]:
        yield Loss((net(batch["x"]) - batch["y"]).square().sum(), len(batch["x"]))

    return step


def linear() -> tuple[nn.Module, dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    return nn.Linear(3, 1), {"x": torch.randn(11, 3), "y": torch.randn(11, 1)}


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize("clip", [0.0, 0.05])
@pytest.mark.parametrize("name", [name for name in NAMES if name not in COUPLED])
def test_a_batch_in_four_pieces_gives_the_step_of_the_whole(name: str, clip: float) -> None:
    whole, pieces = (make(name, still=True, epochs=2, clip_norm=clip, accumulate=count) for count in (1, 4))
    shown, shown_pieces = finish(whole, None), finish(pieces, None)
    assert largest_difference(whole.net, pieces.net) < 1e-9
    assert largest_difference(whole.net, make(name, still=True).net) > 1e-3, "it must have moved"
    epochs, epochs_pieces = (
        [each for each in told if each.kind == "epoch"] for told in (shown, shown_pieces)
    )
    for one, other in zip(epochs, epochs_pieces, strict=True):
        assert other.losses == pytest.approx(one.losses, rel=1e-9)


@pytest.mark.parametrize("name", COUPLED)
def test_a_coupled_loss_in_pieces_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(OptionError, match=r"--accumulate 4 .* looks across the batch.*--batch-size"):
        finish(make(name, accumulate=4), None)


@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize("clip_norm", [0.1, 1e6])
def test_the_gradient_is_clipped_as_pytorch_clips_that_of_the_mean_loss(
    accumulate: int, clip_norm: float
) -> None:
    net, batch = linear()
    other, _ = linear()
    learn(
        net,
        options={"clip_norm": clip_norm, "accumulate": accumulate},
        batches=lambda epoch: [batch],
        step=squares(net),
        optimizers={"main": torch.optim.SGD(net.parameters(), 1.0)},
    )
    (other(batch["x"]) - batch["y"]).square().mean().backward()
    norm = nn.utils.clip_grad_norm_(other.parameters(), clip_norm)
    torch.optim.SGD(other.parameters(), 1.0).step()
    assert 0.1 < norm < 1e6, "the first bound must bind and the second must not"
    for mine, theirs in zip(net.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("accumulate", [1, 4])
def test_a_loss_touches_only_the_parameters_of_the_optimizer_that_answers(accumulate: int) -> None:
    toy = make("gan", epochs=1, accumulate=accumulate)
    nets = {name: toy.net[name] for name in ("discriminator", "generator")}
    plan, moved = toy.task.plan, []

    def watch(*given: Any) -> Iterator[Phase]:
        for phase in plan(*given):

            def step(batch: Any, inner: Any = phase.step) -> Iterator[Loss]:
                for loss in inner(batch):
                    before = {
                        name: [p.detach().clone() for p in net.parameters()] for name, net in nets.items()
                    }
                    other = next(name for name in nets if name != loss.by)
                    gradients = [None if p.grad is None else p.grad.clone() for p in nets[other].parameters()]
                    yield loss
                    changed = {
                        name: any(
                            not torch.equal(a, b) for a, b in zip(before[name], net.parameters(), strict=True)
                        )
                        for name, net in nets.items()
                    }
                    assert changed == {loss.by: True, other: False}
                    for kept, parameter in zip(gradients, nets[other].parameters(), strict=True):
                        if accumulate == 1:  # of several pieces the first has gone on to its next loss by now
                            assert (
                                parameter.grad is None if kept is None else torch.equal(kept, parameter.grad)
                            )
                    moved.append(loss.by)

            phase.step = step
            yield phase

    toy.task.plan = watch
    finish(toy, None)
    assert moved[: 2 * accumulate] == ["discriminator"] * accumulate + ["generator"] * accumulate


def test_a_misspelt_optimizer_is_named_with_a_suggestion() -> None:
    toy = make("gan", epochs=1)
    plan = toy.task.plan

    def misspelt(*given: Any) -> Iterator[Phase]:
        for phase in plan(*given):
            phase.optimizers = {
                "discriminators": phase.optimizers["discriminator"],
                "generator": phase.optimizers["generator"],
            }
            yield phase

    toy.task.plan = misspelt
    with pytest.raises(RuntimeError, match=r"'play'.*'discriminator'.*Did you mean 'discriminators'\?"):
        finish(toy, None)


def test_pieces_that_yield_different_losses_are_an_error() -> None:
    net, batch = linear()

    def uneven(piece: Any) -> Iterator[Loss]:
        yield from squares(net)(piece)
        if len(piece["x"]) > 5:
            yield from squares(net)(piece)

    optimizers = {"main": torch.optim.SGD(net.parameters(), 0.1)}
    with pytest.raises(RuntimeError, match="different losses"):
        learn(
            net, options={"accumulate": 2}, batches=lambda epoch: [batch], step=uneven, optimizers=optimizers
        )


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("as_tensor", [False, True])
def test_a_loss_over_no_items_leaves_the_weights_finite(accumulate: int, as_tensor: bool) -> None:
    net, batch = linear()
    before = net.weight.detach().clone()

    def masked(piece: Any) -> Iterator[Loss]:
        yield Loss((net(piece["x"]) * 0.0).sum(), torch.tensor(0) if as_tensor else 0)

    optimizers = {"main": torch.optim.SGD(net.parameters(), 0.1)}
    learn(
        net,
        options={"accumulate": accumulate},
        batches=lambda epoch: [batch],
        step=masked,
        optimizers=optimizers,
    )
    assert torch.equal(net.weight, before)


def test_frozen_weights_in_an_optimizer_stay_as_they_are() -> None:
    net, batch = linear()
    net.bias.requires_grad_(False)
    bias, weight = net.bias.clone(), net.weight.detach().clone()
    optimizers = {"main": torch.optim.SGD([net.weight, net.bias], 0.1)}
    learn(net, batches=lambda epoch: [batch], step=squares(net), optimizers=optimizers)
    assert torch.equal(net.bias, bias)
    assert not torch.equal(net.weight, weight)


def test_a_step_equals_the_hand_written_one_bit_for_bit() -> None:
    net, batch = linear()
    other, _ = linear()
    optimizers = {"main": torch.optim.Adam(net.parameters(), 0.1)}
    learn(net, batches=lambda epoch: [batch] * 5, step=squares(net), optimizers=optimizers)
    optimizer = torch.optim.Adam(other.parameters(), 0.1)
    for _ in range(5):
        optimizer.zero_grad()
        ((other(batch["x"]) - batch["y"]).square().sum() / 11).backward()
        optimizer.step()
    assert torch.equal(net.weight, other.weight)
    assert torch.equal(net.bias, other.bias)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("spoilt", ["loss", "gradient"])
def test_numbers_that_are_not_finite_stop_the_run_and_the_last_good_checkpoint_stays(
    name: str, spoilt: str, tmp_path: Path
) -> None:
    toy = make(name, epochs=4, ema=0.5)
    plan, losses, place = toy.task.plan, 0, {}

    def spoil(*given: Any) -> Iterator[Phase]:
        for phase in plan(*given):

            def step(batch: Any, phase: Any = phase) -> Iterator[Loss]:
                nonlocal losses
                for loss in phase_steps[phase.name](batch):
                    losses += 1
                    if losses >= spoil_at[name]:
                        place.setdefault("phase", phase.name)
                        total = (
                            loss.total * float("nan")
                            if spoilt == "loss"
                            else loss.total + bad_gradient(loss.total)
                        )
                        loss = Loss(total, loss.count, loss.by)
                    yield loss

            phase_steps[phase.name], phase.step = phase.step, step
            yield phase

    def bad_gradient(total: torch.Tensor) -> torch.Tensor:
        return (total - total.detach()).abs().sqrt()  # 0, with an infinite slope

    phase_steps: dict[str, Any] = {}
    spoil_at = {"whole_graph": 3, "ppo": 20, "dqn": 50, "sampled_graph": 8, "deep_clustering": 50, "gan": 60}
    spoil_at |= {"classifier": 20, "seq2seq": 40, "contrastive": 20}
    toy.task.plan = spoil
    with pytest.raises(
        TrainingError, match=r"epoch \d+, step \d+: .*last good checkpoint.*--learning-rate"
    ) as caught:
        finish(toy, tmp_path)
    assert f"'{place['phase']}'" in str(caught.value)
    if spoilt == "loss":
        assert "nan" in str(caught.value)
    assert exists(tmp_path)
    state = packing.load(tmp_path / "checkpoint" / "last.safetensors")
    tensors: dict[str, torch.Tensor] = {}
    packing.pack(state, tensors)
    assert all(tensor.isfinite().all() for tensor in tensors.values())
    assert not list((tmp_path / "checkpoint").glob(".*"))


def test_the_error_names_the_step_whose_loss_was_not_finite() -> None:
    net, batch = linear()

    def breaks(piece: Any) -> Iterator[Loss]:
        yield Loss(net(piece["x"]).sum() * piece["factor"][0], 11)

    batches = [
        {**batch, "factor": torch.full((11,), float("inf") if place == 6 else 1.0)} for place in range(9)
    ]
    optimizers = {"main": torch.optim.SGD(net.parameters(), 0.1)}
    with pytest.raises(TrainingError, match=r"'written', epoch 1, step 7: loss is -?inf"):
        learn(net, batches=lambda epoch: batches, step=breaks, optimizers=optimizers)


def test_an_epoch_without_a_batch_is_an_error() -> None:
    net, _ = linear()
    optimizers = {"main": torch.optim.SGD(net.parameters(), 0.1)}
    with pytest.raises(TrainingError, match="epoch 1 had no batch"):
        learn(net, batches=lambda epoch: [], step=squares(net), optimizers=optimizers)


def test_parts_are_logged_as_means_over_the_count() -> None:
    net, batch = linear()

    def step(piece: Any) -> Iterator[Loss]:
        total = (net(piece["x"]) - piece["y"]).square().sum()
        yield Loss(total, len(piece["x"]), parts={"ones": torch.tensor(len(piece["x"]))})

    optimizers = {"main": torch.optim.SGD(net.parameters(), 0.0)}
    for accumulate in (1, 4):
        shown = learn(
            net,
            options={"accumulate": accumulate},
            batches=lambda epoch: [batch] * 3,
            step=step,
            optimizers=optimizers,
        )
        epoch = next(each for each in shown if each.kind == "epoch")
        assert epoch.losses["ones"] == 1.0
        assert epoch.losses["loss"] == pytest.approx(
            (net(batch["x"]) - batch["y"]).square().mean().item(), rel=1e-6
        )


def test_bfloat16_is_used_when_asked_for() -> None:
    net, batch = linear()
    seen = []

    def step(piece: Any) -> Iterator[Loss]:
        outputs = net(piece["x"])
        seen.append(outputs.dtype)
        yield Loss((outputs.float() - piece["y"]).square().sum(), 11)

    phase = Phase("p", lambda epoch: [batch], step, {"main": torch.optim.SGD(net.parameters(), 0.1)}, 1)
    for precision in ("bfloat16", "float32"):
        list(Minimiser(phase, net, Run(Options(precision=precision, device="cpu"), None))(batch, 0.0))
    assert seen == [torch.bfloat16, torch.float32]
    assert net.weight.dtype == torch.float32
