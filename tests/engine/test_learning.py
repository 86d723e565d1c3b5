"""Every way of learning learns on the one loop; what is kept at the end is what the options say."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from running import LIVE, NAMES, assert_same, finish, left_behind, make

from deepfit.engine import Run, train
from deepfit.engine.averages import Averages
from deepfit.errors import OptionError


@pytest.mark.parametrize("name", NAMES)
def test_a_toy_learns(name: str) -> None:
    toy = make(name)
    toy.net.eval()
    before = toy.score()
    finish(toy, None)
    toy.net.eval()
    after = toy.score()
    assert before < toy.enough, "untrained, it must not know the answer"
    assert after >= toy.enough


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_gives_the_same_weights_and_another_gives_others(name: str) -> None:
    runs = [make(name, seed=seed, epochs=2) for seed in (3, 3, 4)]
    for toy in runs:
        finish(toy, None)
    same, again, other = (
        torch.cat([value.flatten() for value in toy.net.state_dict().values()]) for toy in runs
    )
    assert torch.equal(same, again)
    assert not torch.equal(same, other)


def test_the_weights_of_the_best_epoch_are_kept() -> None:
    toy = make(
        "classifier", epochs=12, learning_rate=0.3
    )  # jumps about, so that the last epoch is not the best
    shown = [each for each in finish(toy, None) if each.kind == "epoch"]
    scores = [each.scores["accuracy"] for each in shown]
    best = max(range(len(scores)), key=scores.__getitem__)
    assert scores[best] > scores[-1]
    assert toy.score() == scores[best]
    assert [each.best for each in shown] == [
        score > max(scores[:place], default=-1) for place, score in enumerate(scores)
    ]


def test_without_a_score_that_chooses_the_last_weights_are_kept() -> None:
    toy = make("gan", epochs=2)
    for shown in train(toy.task, toy.net, toy.data, {}, Run(toy.options, None)):
        if shown.kind == "epoch":
            last = {name: value.clone() for name, value in toy.net.state_dict().items()}
    assert all(torch.equal(value, last[name]) for name, value in toy.net.state_dict().items())


@pytest.mark.parametrize("name", ["gan", "classifier"])
def test_averaged_weights_are_scored_and_kept(name: str, tmp_path: Path) -> None:
    decay, seen = 0.95, []
    toy = make(name, epochs=3, ema=decay)
    shadow = {key: value.clone() for key, value in toy.net.state_dict().items()}
    watched = toy.task.plan

    def plan(*given):
        """The same plan, while the test averages the weights by itself."""
        for phase in watched(*given):
            inner, score = phase.step, phase.score

            def step(batch, inner=inner):
                yield from inner(batch)
                update = min(decay, (1 + len(seen) + 1) / (10 + len(seen) + 1))
                seen.append(None)
                for key, value in toy.net.state_dict().items():
                    shadow[key] = update * shadow[key] + (1 - update) * value

            def scored(score=score):
                for key, value in toy.net.state_dict().items():
                    torch.testing.assert_close(value, shadow[key])
                return score()

            phase.step, phase.score, phase.best = step, scored, None
            yield phase

    toy.task.plan = plan
    finish(toy, tmp_path)
    assert len(seen) > 10
    for key, value in toy.net.state_dict().items():
        torch.testing.assert_close(value, shadow[key])


def test_averages_of_tied_weights_come_and_go_unharmed() -> None:
    net = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Linear(3, 3))
    net[1].weight = net[0].weight
    averages = Averages(net, 0.5)
    old = net[0].weight.detach().clone()
    with torch.no_grad():
        net[0].weight.add_(1.0)
    averages.update()
    own = net[0].weight.detach().clone()
    for _ in range(2):
        with averages.applied():
            torch.testing.assert_close(net[0].weight.detach(), old * 2 / 11 + own * 9 / 11)
        assert torch.equal(net[0].weight, own)


def test_averages_count_batches_of_running_statistics_too() -> None:
    net = torch.nn.BatchNorm1d(2)
    averages = Averages(net, 0.9)
    net(torch.randn(8, 2) + 5.0)
    averages.update()
    with averages.applied():
        mean = net.running_mean.clone()
    torch.testing.assert_close(mean, net.running_mean * 9 / 11)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_an_extended_budget_goes_on_from_the_last_state(name: str, ema: float, tmp_path: Path) -> None:
    """Under a constant rate, 2 epochs and then 4 is 4 at once (the schedule of some toys falls over the
    budget)."""
    whole, short, longer = (make(name, epochs=epochs, ema=ema) for epochs in (4, 2, 4))
    for toy in (whole, short, longer):
        constant_rate(toy)
    finish(whole, tmp_path / "whole")
    finish(short, tmp_path / "parts")
    first = finish(longer, tmp_path / "parts")
    if name == "deep_clustering":  # its first phase is over, so only its second is extended
        assert [(each.phase, each.epoch) for each in first if each.kind == "epoch"] == [
            ("refine", 3),
            ("refine", 4),
        ]
        return
    assert [each.epoch for each in first if each.kind == "epoch"] == [3, 4]
    one, other = left_behind(whole, tmp_path / "whole"), left_behind(longer, tmp_path / "parts")
    for outline, _ in (one, other):
        drop(
            outline, "best_epoch", "best_file"
        )  # patience starts anew, which moves the name of the best epoch
    assert_same(one, other)


def constant_rate(toy) -> None:
    """Leave the learning rate as it is."""
    plan = toy.task.plan

    def flat(*given):
        for phase in plan(*given):
            phase.rate = lambda progress: 1.0
            yield phase

    toy.task.plan = flat


def drop(outline: object, *names: str) -> None:
    """Take entries out of a packed outline."""
    if isinstance(outline, dict):
        for kind, value in outline.items():
            if kind == "dict":
                value[:] = [pair for pair in value if pair[0] not in names]
            drop(value, *names)
    elif isinstance(outline, list):
        for each in outline:
            drop(each, *names)


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    toy, again = make("deep_clustering", epochs=2, ema=0.9), make("deep_clustering", epochs=2, ema=0.9)
    finish(toy, tmp_path)
    assert finish(again, tmp_path) == []
    assert_same(left_behind(toy, tmp_path), left_behind(again, tmp_path))


def test_training_stops_when_patience_runs_out_and_an_extended_budget_gives_it_anew(tmp_path: Path) -> None:
    def stubborn(epochs: int):
        """A toy whose score gets worse from the second epoch on."""
        toy = make("whole_graph", epochs=epochs, patience=3)
        plan, scores = toy.task.plan, iter([0.5, 0.9] + [0.1] * 50)

        def worse(*given):
            for phase in plan(*given):
                phase.score, phase.best = lambda: {"accuracy": next(scores)}, "accuracy"
                yield phase

        toy.task.plan = worse
        return toy

    assert [each.epoch for each in finish(stubborn(20), tmp_path) if each.kind == "epoch"] == [1, 2, 3, 4, 5]
    assert finish(stubborn(20), tmp_path) == []
    extended = [each for each in finish(stubborn(40), tmp_path) if each.kind == "epoch"]
    assert extended[0].epoch == 6
    assert not extended[0].best, "0.5 is no better than the 0.9 of before"


def test_a_score_that_is_not_a_number_is_never_the_best() -> None:
    toy = make("whole_graph", epochs=3)
    plan, scores = toy.task.plan, iter([float("nan"), 0.2, float("nan")])

    def odd(*given):
        for phase in plan(*given):
            phase.score, phase.best = lambda: {"accuracy": next(scores)}, "accuracy"
            yield phase

    toy.task.plan = odd
    assert [each.best for each in finish(toy, None) if each.kind == "epoch"] == [False, True, False]


def test_a_best_score_that_is_not_among_the_scores_is_an_error() -> None:
    toy = make("whole_graph", epochs=1)
    plan = toy.task.plan

    def misspelt(*given):
        for phase in plan(*given):
            phase.best = "acuracy"
            yield phase

    toy.task.plan = misspelt
    with pytest.raises(OptionError, match=r"acuracy.*accuracy"):
        finish(toy, None)


@pytest.mark.parametrize("name", NAMES)
def test_the_rate_follows_the_schedule_from_0_to_1_also_after_a_stop(name: str, tmp_path: Path) -> None:
    asked, applied = [], []

    def watched():
        toy = make(name, epochs=3, checkpoint_minutes=1e-9)
        plan = toy.task.plan

        def watch(*given):
            for phase in plan(*given):
                phase.rate = lambda progress: asked.append(progress) or 0.25 + 0.5 * progress
                inner, first = (
                    phase.step,
                    {id(o): [g["lr"] for g in o.param_groups] for o in phase.optimizers.values()},
                )

                def step(batch, phase=phase, inner=inner, first=first):
                    for loss in inner(batch):
                        yield loss
                        optimizer = phase.optimizers[loss.by]
                        wanted = [lr * (0.25 + 0.5 * asked[-1]) for lr in first[id(optimizer)]]
                        assert [group["lr"] for group in optimizer.param_groups] == wanted
                        applied.append(loss.by)

                phase.step = step
                yield phase

        toy.task.plan = watch
        return toy

    for shown in train((toy := watched()).task, toy.net, toy.data, {}, Run(toy.options, tmp_path)):
        if shown.kind == "epoch" and shown.epoch == 2 and shown.phase != "pretrain":
            break
    finish(watched(), tmp_path)
    assert applied
    assert all(0.0 <= progress <= 1.0 for progress in asked)
    falls = sum(later < earlier for earlier, later in pairwise(asked))
    # it starts anew in a second phase; a stop before the epoch was saved repeats that epoch
    assert falls <= (1 if name == "deep_clustering" else 0) + 1
    assert max(asked) >= (2 / 3 if name in (*LIVE, "whole_graph", "sampled_graph") else 0.9)
    assert min(asked) == 0.0


@pytest.mark.parametrize(("varied", "compiled"), [(True, False), (False, True)])
def test_batches_of_varied_shapes_are_compiled_only_where_asked(tmp_path, monkeypatch, varied, compiled):
    from deepfit.engine import course

    monkeypatch.setattr(course, "compiling_pays", lambda device, ahead: True)
    toy = make("classifier", compile="auto", epochs=2)
    monkeypatch.setattr(toy.net, "compile", lambda: asked.append(True))
    asked, usual = [], toy.task.plan

    def plan(*given):
        for phase in usual(*given):
            phase.varied = varied
            yield phase

    toy.task.plan = plan
    for _ in train(toy.task, toy.net, toy.data, {}, Run(toy.options, tmp_path)):
        pass
    assert bool(asked) is compiled


@pytest.mark.parametrize(("compiling", "goes_on"), [("auto", True), ("on", False)])
def test_what_does_not_compile_stops_only_a_run_that_was_told_to(tmp_path, monkeypatch, compiling, goes_on):
    from torch import _dynamo

    from deepfit.engine import course

    monkeypatch.setattr(course, "compiling_pays", lambda device, ahead: True)
    toy = make("classifier", compile=compiling, epochs=2)
    monkeypatch.setattr(toy.net, "compile", lambda: None)
    with _dynamo.config.patch(suppress_errors=False):
        for _ in train(toy.task, toy.net, toy.data, {}, Run(toy.options, tmp_path)):
            pass
        assert _dynamo.config.suppress_errors is goes_on
