"""Made rows end to end: scorecard, report, collapse, sampling by condition, what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from deepfit import catalog, report
from deepfit.answers.made_rows import MADE
from deepfit.api import follow
from deepfit.contract import Splits
from deepfit.engine import Run
from deepfit.errors import DataError, DeepfitError, OptionError
from deepfit.job.prepare import prepare
from deepfit.model import load
from deepfit.options import resolve
from deepfit.plans.made_rows import made_cells
from deepfit.report.made_rows import collapses

TASK = "tabular-generation"
FAST = {"threads": 1, "seed": 0, "epochs": 2, "batch_size": 100, "width": 64, "noise": 16, "ema": 0.98}


def loans(count=500):
    rng = np.random.default_rng(0)
    job = rng.choice(["fixed", "free", "none"], count, p=[0.6, 0.3, 0.1])
    income = np.round(
        np.select([job == "fixed", job == "free"], [220.0, 150.0], 60.0) + rng.normal(0, 25, count)
    )
    paid = income + rng.normal(0, 25, count) > 140
    income[rng.random(count) < 0.1] = np.nan
    return {
        "id": [f"c{row}" for row in range(count)],
        "job": job,
        "income": income,
        "children": rng.integers(0, 4, count),
        "since": np.datetime64("2020-01-01") + rng.integers(0, 900, count),
        "paid": paid,
        "country": ["de"] * count,
    }


def run(source, folder, **options):
    return follow(prepare(source, task=TASK, options={**FAST, **options}, out=folder))


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    return run(loans(), tmp_path_factory.mktemp("run") / "run", target="paid")


def test_the_scorecard_sets_made_rows_beside_baselines_and_real_rows(judged):
    card = judged.scorecard
    assert list(card["baselines"]) == ["independent_columns", "gaussian_copula", "real_rows"]
    for scores in (card["metrics"], *card["baselines"].values()):
        assert {"tstr", "likeness", "detection_auc", "copied", "exact_copies"} <= set(scores)
        assert scores["tstr"]["low"] <= scores["tstr"]["value"] <= scores["tstr"]["high"]
    assert card["baselines"]["real_rows"]["copied"]["value"] == 1
    assert card["metrics"]["copied"]["value"] < 0.3
    assert card["metrics"]["tstr"]["value"] > card["baselines"]["independent_columns"]["tstr"]["value"]
    assert "real rows" not in card["verdict"]
    assert any("'id' is left out" in each for each in card["warnings"])


def test_the_report_draws_columns_pairs_copies_and_rows(judged):
    page = report.write(judged).read_text()
    for title in ("Columns, made and real", "Pairs of columns", "Copies", "Made rows"):
        assert title in page
    assert "nearer to a training row" in page


def test_made_rows_are_named_columns_in_the_types_of_the_data_and_of_the_seed_alone(judged):
    model = judged.model
    made = model.sample(50, seed=3)
    assert list(made) == ["job", "income", "children", "since", "paid", "country"]
    assert made["children"].dtype == np.int64
    assert set(made["children"].tolist()) <= {0, 1, 2, 3}
    assert made["paid"].dtype == bool
    assert made["since"].dtype.kind == "M"
    assert set(made["country"].tolist()) == {"de"}
    again, other = model.sample(50, seed=3), model.sample(50, seed=4)
    assert made["income"].tolist() == pytest.approx(again["income"].tolist(), nan_ok=True)
    assert made["income"].tolist() != other["income"].tolist()
    torch.manual_seed(1)  # the global generators have no say
    assert model.sample(50, seed=3)["job"].tolist() == made["job"].tolist()


def test_fewer_rows_of_a_seed_are_the_first_of_more(judged):
    more, fewer = judged.model.sample(40, seed=1), judged.model.sample(7, seed=1)
    assert fewer["job"].tolist() == more["job"][:7].tolist()


def test_rows_made_to_a_condition_meet_it(judged):
    made = judged.model.sample(30, seed=0, prompts=["job=none", "paid=true"])
    assert len(made["job"]) == 60
    assert set(made["job"][:30].tolist()) == {"none"}
    assert made["paid"][30:].all()
    with pytest.raises(OptionError, match="no training row has job=boss"):
        judged.model.sample(3, prompts=["job=boss"])


def test_a_network_that_cannot_make_what_is_asked_says_so(judged):
    task, facts = judged.task, judged.model.facts
    net = task.build(facts).eval()
    with torch.no_grad():
        net.generator.last.weight.zero_()
        net.generator.last.bias.zero_()
        net.generator.last.bias[facts["num_offsets"]] = 100  # the first choice of the first column, always
    word = facts["columns"][0]["values"][2]
    with pytest.raises(DeepfitError, match=f"only 0 of .* made rows meet job={word}"):
        task.sample(net, facts, count=5, seed=0, prompts=[f"job={word}"])


def test_a_collapsed_generator_is_named(judged):
    facts = judged.model.facts
    sound = made_cells(judged.model.net, 400, facts, seed=0)
    fixed = np.tile(sound[:1], (400, 1))
    said = " ".join(collapses(fixed, facts))
    assert "COLLAPSED" in said
    assert "'children'" in said
    lost = sound.copy()
    lost[lost[:, 0] == 2, 0] = 0
    assert "NEVER MADE, though not rare: job = none" in " ".join(collapses(lost, facts))


def test_a_loaded_model_makes_the_same_rows_and_is_scored_without_copies(judged, tmp_path):
    again = load(judged.model.save(tmp_path / "model"))
    assert again.sample(20)["job"].tolist() == judged.model.sample(20)["job"].tolist()
    card = again.evaluate(loans(120))
    assert card["metrics"]["tstr"]["low"] is not None
    assert "copied" not in card["metrics"]


def test_no_cell_of_a_training_row_but_words_and_ends_is_in_the_model(judged):
    """Facts hold what encoding needs: no row."""
    facts = judged.model.facts
    assert "cells" not in facts
    assert "c17" not in json.dumps(facts)


def test_answers_hold_one_made_row_each_as_json(judged):
    answers = judged.model.answers(loans(30))
    first = json.loads(answers.columns["prediction"][0])
    assert list(first) == ["job", "income", "children", "since", "paid", "country"]
    assert len(answers) == 30


def test_without_a_target_likeness_decides_and_all_is_still_scored(tmp_path):
    source = {name: values for name, values in loans(300).items() if name in ("job", "income", "children")}
    result = run(source, tmp_path / "run", epochs=1)
    assert result.task.main_metric == "likeness"
    assert "Likeness" in result.scorecard["verdict"]
    assert {"tstr", "likeness"} <= set(result.scorecard["metrics"])


def test_a_table_of_numbers_alone_and_a_single_column_are_made_too(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    for name, source in {"numbers": {"x": x, "y": 2 * x + rng.normal(size=200)}, "one": {"x": x}}.items():
        result = run(source, tmp_path / name, epochs=1)
        assert result.scorecard["metrics"]["likeness"]["value"] > 0.3
        with pytest.raises(OptionError, match="no column of the training rows is a category"):
            result.model.sample(2, prompts=["x=1"])
        report.write(result)


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        (loans(20), {}, "received 20 rows.*at least 50"),
        ({"id": [f"c{row}" for row in range(80)], "same": [1] * 80}, {}, "no column is left to learn from"),
        (loans(), {"target": "paidd"}, "no column 'paidd' to predict. Did you mean 'paid'"),
        (loans(), {"target": "country"}, "the target 'country' is constant"),
    ],
)
def test_what_nothing_can_be_learned_from_is_refused_before_training(source, options, said, tmp_path):
    with pytest.raises(DataError, match=said):
        run(source, tmp_path / "run", **options)


def test_a_batch_of_broken_packs_is_refused():
    with pytest.raises(OptionError, match=r"no multiple of --pack 10.*Use 100"):
        resolve(catalog.find(TASK).Options, {"batch_size": 104})


def test_the_weight_of_a_target_that_is_not_named_is_refused():
    with pytest.raises(OptionError, match="--target-weight has no effect without --target"):
        resolve(catalog.find(TASK).Options, {"target_weight": 2})


def test_plain_ctgan_is_a_matter_of_options():
    task, rows, _ = catalog.find(TASK).tiny(0)
    plain = type(task)(task.options.model_copy(update={"target_weight": 0.0}))
    facts = plain.learn(rows.train)
    net = plain.build(facts)
    assert not hasattr(net, "predictor")
    data = Splits(*(plain.encode(part, facts) for part in (rows.train, rows.valid, rows.test)))
    phase = next(iter(plain.plan(net, data, facts, Run(plain.options, None))))
    assert list(phase.optimizers) == ["critic", "generator"]
    losses = list(phase.step(phase.batches(0)[0]))
    assert [loss.by for loss in losses] == ["critic", "generator"]


def test_a_baselines_rows_are_appraised_like_the_networks(judged):
    model, test = judged.model, judged.test
    given = {each.name: each.answers for each in model.task.baselines(Splits(test, test, test))}
    found = model.appraised(given["real_rows"], test, train=test)
    assert MADE in found.columns
    assert model.task.metrics(found, test).keys() == judged.scorecard["metrics"].keys()
