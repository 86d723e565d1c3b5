"""What a loss means for a task: links that invert, answers of the right kind, refusals by the data."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepfit import catalog
from deepfit.contract import Splits
from deepfit.engine import Run, channels_last, train
from deepfit.errors import DataError, OptionError
from deepfit.nn import losses
from deepfit.options import resolve
from deepfit.plans import objectives

COUNT = 600


def task_of(name, **options):
    kind = catalog.find(name)
    return kind(resolve(kind.Options, {"target": "y", "network": "mlp", "threads": 1, **options}))


def table(target, rng):
    return {"x": rng.normal(size=len(target)), "y": target}


def trained(task, frame):
    rows = task.read(frame)
    parts = [rows.take(np.arange(len(rows))[part]) for part in (slice(0, 400), slice(400, 500))]
    facts = task.learn(parts[0])
    data = Splits(*(task.encode(part, facts) for part in parts))
    run = Run(task.options, None)
    run.seed("build")
    net = channels_last(task.build(facts))
    scores = [p.scores for p in train(task, net, data, facts, run) if p.kind == "epoch"]
    return net, facts, data, rows, scores


class Said(torch.nn.Module):
    """A network of two members that says what it was given."""

    def __init__(self, outputs_NKO):
        super().__init__()
        self.outputs_NKO = outputs_NKO

    def forward(self, numbers, categories):
        return self.outputs_NKO[: len(numbers)]


def test_poisson_answers_are_the_mean_of_the_members_rates_in_the_unit_of_the_target():
    rng = np.random.default_rng(0)
    visits = rng.poisson(7.0, COUNT).astype(float)
    task = task_of("tabular-regression", loss="poisson")
    rows = task.read(table(visits, rng))
    facts = task.learn(rows)
    batch = task.encode(rows, facts)
    np.testing.assert_allclose(batch["target"], visits / visits.mean(), rtol=1e-6)
    np.testing.assert_allclose(task.in_units(batch["target"], facts), visits, rtol=1e-6)
    log_rates = torch.tensor([[0.3], [-0.8]]).expand(COUNT, 2, 1)
    answers = task.decode(task.outputs(Said(log_rates), batch, facts), facts)
    expected = visits.mean() * (np.exp(0.3) + np.exp(-0.8)) / 2
    np.testing.assert_allclose(answers.columns["prediction"], expected, rtol=1e-6)


def test_the_validation_loss_of_poisson_is_that_of_the_log_of_its_rates():
    task = task_of("tabular-regression", loss="poisson")
    rates, target = np.array([0.5, 2.0], np.float32), np.array([1.0, 0.0], np.float32)
    expected = np.mean(rates - target * np.log(rates))
    assert task.loss_of(rates, target) == pytest.approx(expected, rel=1e-6)
    assert np.isfinite(task.loss_of(np.zeros(2, np.float32), target))


def test_poisson_learns_rates_that_grow_exponentially_and_are_never_below_zero():
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, COUNT)
    visits = rng.poisson(np.exp(1 + x)).astype(float)
    task = task_of("tabular-regression", loss="poisson", epochs=15, batch_size=32, learning_rate=0.01)
    net, facts, _, rows, _ = trained(task, {"x": x, "y": visits})
    test = rows.take(np.arange(500, COUNT))
    said = task.decode(task.outputs(net, task.encode(test, facts), facts), facts).columns["prediction"]
    assert said.min() > 0
    assert np.corrcoef(np.log(said), x[500:])[0, 1] > 0.95
    assert said.mean() == pytest.approx(visits[500:].mean(), rel=0.2)


def test_poisson_refuses_negative_targets_with_their_number_and_the_first_row():
    visits = np.ones(50)
    visits[[7, 30]] = -2
    task = task_of("tabular-regression", loss="poisson")
    with pytest.raises(DataError, match=r"column 'y': expected a number from 0 up .*-2\. 2 of 50 rows"):
        task.read(table(visits, np.random.default_rng(0)))


@pytest.mark.parametrize("share", [0.1, 0.9])
def test_quantile_answers_lie_above_that_share_of_targets_and_are_judged_by_pinball(share):
    rng = np.random.default_rng(0)
    amounts = 100 + 10 * rng.exponential(size=COUNT)  # skewed, so the logarithm is learned
    options = {"loss": "quantile", "quantile": share, "epochs": 15, "batch_size": 32, "learning_rate": 0.005}
    task = task_of("tabular-regression", **options)
    net, facts, _, rows, scores = trained(task, table(amounts, rng))
    said = task.decode(task.outputs(net, task.encode(rows, facts), facts), facts)
    assert (amounts < said.columns["prediction"]).mean() == pytest.approx(share, abs=0.07)
    assert task.main_metric == "-pinball"
    assert task.metrics(said, rows)["pinball"] > 0
    assert next(concern.kind for concern in rows.concerns()) == "quantile"
    assert all(np.isfinite(score["loss"]) for score in scores)
    assert [each.name for each in task.baselines(Splits(rows, rows, rows))] == [
        "constant",
        "gradient_boosting",
    ]


def test_the_epoch_is_kept_by_the_loss_itself_and_by_the_root_mean_square_for_squared_error():
    rng = np.random.default_rng(0)
    for loss in ("mean_absolute_error", "huber", "log_cosh", "mean_squared_error"):
        task = task_of("tabular-regression", loss=loss, epochs=1)
        rows = task.read(table(rng.normal(size=100), rng))
        facts = task.learn(rows)
        data = Splits(task.encode(rows, facts), task.encode(rows, facts))
        run = Run(task.options, None)
        net = task.build(facts)
        phase = next(iter(task.plan(net, data, facts, run)))
        scores = phase.score()
        if loss == "mean_squared_error":
            assert phase.best == "-scaled_rmse"
            assert "loss" not in scores
            continue
        said = torch.from_numpy(task.outputs(net, data.valid, facts)["value"])
        expected = losses.LOSSES[loss](said, torch.from_numpy(data.valid["target"])) / 100
        assert phase.best == "-loss"
        assert scores["loss"] == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("loss", ["hinge", "binary_crossentropy"])
@pytest.mark.parametrize("classes", [1, 3])
def test_a_loss_of_two_classes_refuses_another_number_of_them_by_name(loss, classes):
    labels = np.array(["ant", "bee", "cow"])[np.arange(60) % classes]
    task = task_of("tabular-classification", loss=loss)
    shown = "ant, bee, cow" if classes == 3 else "ant"
    with pytest.raises(
        OptionError, match=rf"--loss {loss} tells two classes apart.*{classes}: {shown}\. Use"
    ):
        task.learn(task.read(table(labels, np.random.default_rng(0))))


def test_pictures_of_three_classes_refuse_a_loss_of_two():
    kind = catalog.find("image-classification")
    _, rows, _ = kind.tiny(seed=0)
    with pytest.raises(OptionError, match="have 3: leaning, lying, standing"):
        kind(resolve(kind.Options, {"loss": "hinge"})).learn(rows.train)


def options_of(**given):
    return task_of("tabular-classification", **given).options


def test_two_class_losses_look_at_the_difference_of_the_logits():
    generator = torch.Generator().manual_seed(0)
    logits, target = torch.randn(9, 2, generator=generator), torch.arange(9) % 2
    labels = target.numpy()
    plain = objectives.of_classes(options_of(), labels, 2)(logits, target)
    binary = objectives.of_classes(options_of(loss="binary_crossentropy"), labels, 2)(logits, target)
    shares = objectives.of_classes(options_of(loss="categorical_crossentropy"), labels, 2)(logits, target)
    torch.testing.assert_close(binary, plain)
    torch.testing.assert_close(shares, plain)
    crammer = objectives.of_classes(options_of(loss="categorical_hinge"), labels, 2)(logits, target)
    hinge = objectives.of_classes(options_of(loss="hinge"), labels, 2)(logits, target)
    torch.testing.assert_close(hinge, crammer)


def test_balanced_weights_let_a_rare_class_be_found():
    rng = np.random.default_rng(0)
    x = rng.normal(size=COUNT)
    rare = (x + rng.normal(size=COUNT) > 2.2).astype(int)  # one row in sixteen, and never the likelier class
    recalls = {}
    for weight in ("none", "balanced"):
        task = task_of("tabular-classification", class_weight=weight, epochs=20, learning_rate=0.01)
        net, facts, _, rows, scores = trained(task, {"x": x, "y": rare})
        answers = task.decode(task.outputs(net, task.encode(rows, facts), facts), facts)
        recalls[weight] = (answers.columns["prediction"][rare == 1] == 1).mean()
        assert ("loss" in scores[0]) == (weight == "balanced")
    assert recalls["balanced"] > recalls["none"] + 0.2


def test_hinge_answers_are_members_mean_margins_and_become_calibrated_probabilities():
    rng = np.random.default_rng(0)
    x = rng.normal(size=COUNT)
    label = np.where(x + 0.7 * rng.normal(size=COUNT) > 0, "yes", "no")
    task = task_of("tabular-classification", loss="hinge", epochs=10)
    net, facts, data, rows, scores = trained(task, {"x": x, "y": label})
    margins = torch.tensor([[[0.0, 2.0], [0.0, -1.0]]]).expand(100, 2, 2)
    np.testing.assert_allclose(task.outputs(Said(margins), data.valid, facts)["logits"], [[0.0, 0.5]] * 100)
    outputs = task.outputs(net, data.valid, facts)
    facts = task.calibrate(outputs, data.valid, facts)
    before, after = (
        task.metrics(task.decode(outputs, each), rows.take(np.arange(400, 500)))["log_loss"]
        for each in ({**facts, "temperature": 1.0}, facts)
    )
    assert after <= before
    assert all(np.isfinite(score["loss"]) for score in scores)
