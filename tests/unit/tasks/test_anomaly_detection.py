"""Anomaly detection end to end: training without a target, reasons, thresholds, what is left out and said."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from deepfit import catalog, report
from deepfit.contract import Splits
from deepfit.engine import Run, train
from deepfit.errors import DataError, OptionError
from deepfit.job.prepare import prepare
from deepfit.model import load
from deepfit.nn.masked import Flat, MaskedTable, MaskedWindow, hidden_halves, spread_out
from deepfit.options import resolve

TABLE, SERIES = "tabular-anomaly-detection", "time-series-anomaly-detection"
FAST = {"threads": 1, "seed": 0, "epochs": 20, "batch_size": 32, "width": 32}


def machines(count=300):
    rng = np.random.default_rng(0)
    power = rng.uniform(20, 100, count)
    heat = 2 * power + rng.normal(0, 3, count)
    fuel = np.where(power > 60, "diesel", "petrol")
    return {"power": power, "heat": heat, "fuel": fuel}


def run(source, folder, task=TABLE, **options):
    job = prepare(source, task=task, options={**FAST, **options}, out=folder)
    for _ in job.events():
        pass
    return job.result


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory):
    return run(machines(), tmp_path_factory.mktemp("run") / "run")


def test_without_a_target_all_rows_train_and_the_scorecard_says_that_nothing_can_be_scored(unlabelled):
    card = unlabelled.scorecard
    assert card["verdict"].startswith("Nothing can be scored")
    assert card["metrics"] == card["baselines"] == {}
    assert any("no --target says" in each for each in card["warnings"])
    assert len(unlabelled.answers) == card["rows"]["test"]


def test_without_a_target_the_report_ranks_the_rows_and_evaluate_is_refused(unlabelled):
    page = report.write(unlabelled).read_text()
    assert "Most anomalous rows" in page
    assert "Precision and recall" not in page
    with pytest.raises(DataError, match="trained without --target"):
        unlabelled.model.evaluate(machines())


def test_a_broken_agreement_of_columns_is_flagged_and_the_reason_says_what_was_expected(unlabelled):
    odd = {"power": [50.0, 50.0, 50.0], "heat": [100.0, 190.0, 100.0], "fuel": ["petrol", "petrol", "coal"]}
    answers = unlabelled.model.answers(odd)
    score = answers.columns["score"]
    assert answers.columns["prediction"].tolist() == ["ordinary", "anomaly", "anomaly"]
    assert score[0] < min(score[1:])
    assert answers.columns["why"][2] == "fuel"
    assert answers.columns["expected"][2] == "petrol"


def test_an_extreme_value_scores_higher_the_more_extreme_it_is(unlabelled):
    heat = np.array([120.0, 200.0, 400.0, 4e3, 4e6])
    score = unlabelled.model.answers({"power": [60.0] * 5, "heat": heat, "fuel": ["petrol"] * 5}).columns[
        "score"
    ]
    assert (np.diff(score) > 0).all()
    assert np.isfinite(score).all()


def test_a_saved_model_keeps_what_it_knows_of_ordinary_errors(unlabelled):
    again = load(unlabelled.run)
    source = {name: column[:20] for name, column in machines().items()}
    ours, theirs = unlabelled.model.answers(source), again.answers(source)
    np.testing.assert_array_equal(ours.columns["score"], theirs.columns["score"])
    assert ours.columns["prediction"].tolist() == theirs.columns["prediction"].tolist()


def test_labelled_anomalies_are_left_out_of_training_and_that_is_said(tmp_path):
    frame = machines()
    state = np.where(np.arange(300) % 10 == 0, "broken", "fine")
    frame["heat"] = np.where(state == "broken", 400 - frame["heat"], frame["heat"])
    result = run({**frame, "state": state}, tmp_path / "run", target="state", epochs=60)
    assert any("are left out of training" in each for each in result.scorecard["warnings"])
    assert result.model.facts["anomaly"] == ["broken"]
    assert "state" not in {record["name"] for record in result.model.facts["columns"]}
    assert result.scorecard["metrics"]["average_precision"]["value"] > 0.7
    page = report.write(result).read_text()
    assert "Precision and recall" in page
    assert result.model.evaluate({**frame, "state": state})["metrics"]["roc_auc"]["value"] > 0.8


def test_a_column_that_never_changes_in_training_gives_another_value_away(tmp_path):
    frame = {**machines(), "version": np.where(np.arange(300) == 299, 8.0, 7.0)}
    job = prepare(frame, task=TABLE, options={**FAST, "kinds": "version=number"}, out=tmp_path / "run")
    kind = catalog.find(TABLE)
    task = kind(job.task.options)
    rows = task.read(frame)
    facts = task.learn(rows.take(np.arange(299)))
    numbers = task.encode(rows.take(np.array([0, 299])), facts)["numbers"]
    place = next(each["numbers"][0] for each in facts["columns"] if each["name"] == "version")
    assert numbers[0, place] == 0 != numbers[1, place]


@pytest.mark.parametrize("network", ["mlp", "gru", "lstm", "temporal_cnn"])
def test_every_network_finds_a_sensor_that_jumps(network):
    rng = np.random.default_rng(0)
    volt = np.sin(np.arange(800) / 5) + rng.normal(0, 0.05, 800)
    fault = np.zeros(800, int)
    fault[[690, 691, 740]] = 1
    volt[fault == 1] += 4
    options = {"window": 12, "hidden": "1,3", "width": 16, "network": network, "epochs": 6, "target": "fault"}
    kind = catalog.find(SERIES)
    task = kind(resolve(kind.Options, {**FAST, **options}))
    rows = task.read({"volt": volt, "fault": fault})
    facts = dict(task.learn(rows.take(np.arange(500))))
    data = Splits(*(task.encode(rows.take(np.arange(*part)), facts) for part in ((0, 500), (500, 650))))
    engine = Run(task.options, None)
    engine.seed("build")
    net = task.build(facts)
    list(train(task, net, data, facts, engine))
    facts = task.calibrate(task.outputs(net, data.valid, facts), data.valid, facts)
    test = rows.take(np.arange(650, 800))
    answers = task.decode(task.outputs(net, task.encode(test, facts), facts), facts)
    scores = task.metrics(answers, test)
    assert scores["event_recall"] == 1.0
    assert scores["average_precision"] > 0.5
    assert set(answers.columns["why"]) == {"volt"}


def test_the_report_of_readings_draws_events_and_says_that_nothing_is_adjusted(tmp_path):
    rng = np.random.default_rng(0)
    fault = (np.arange(300) > 290).astype(int)
    frame = {"volt": rng.normal(size=300), "heat": rng.normal(size=300) + 9 * fault, "fault": fault}
    result = run(frame, tmp_path / "run", SERIES, target="fault", window=6, hidden="1,2", epochs=3)
    page = report.write(result).read_text()
    assert "1 of 1 events are found" in page or "0 of 1 events are found" in page
    assert "No point adjustment is made" in page
    assert result.scorecard["metrics"]["average_precision"]["value"] > 0.3
    assert json.loads(json.dumps(result.answers[0])).keys() >= {"prediction", "score", "why", "expected"}


def test_series_without_a_target_are_ranked_and_the_first_reading_is_never_flagged(tmp_path):
    rng = np.random.default_rng(0)
    frame = {"volt": rng.normal(size=300).cumsum(), "heat": rng.normal(size=300)}
    result = run(frame, tmp_path / "run", SERIES, window=8, hidden="1,2", epochs=2)
    assert result.scorecard["verdict"].startswith("Nothing can be scored")
    answers = result.model.answers({"volt": [1e6, None], "heat": [None, None]})
    assert answers.columns["score"].tolist() == [0.0, 0.0]
    assert answers.columns["prediction"].tolist() == ["ordinary", "ordinary"]


@pytest.mark.parametrize(
    ("task", "options", "message"),
    [
        (TABLE, {"anomaly": "bad"}, "--anomaly has no effect without --target"),
        (SERIES, {"anomaly": "bad"}, "--anomaly has no effect without --target"),
        (SERIES, {"hidden": "1,40"}, "--hidden: expected different whole numbers from 1 to 31"),
        (SERIES, {"hidden": "one"}, "--hidden: expected different whole numbers"),
        (SERIES, {"hidden": "2,2"}, "--hidden: expected different whole numbers"),
        (SERIES, {"network": "gru", "activation": "relu"}, "--activation has no effect with --network gru"),
    ],
)
def test_a_setting_without_an_effect_is_refused(task, options, message):
    with pytest.raises(OptionError, match=message):
        resolve(catalog.find(task).Options, options)


def test_neither_task_is_ever_inferred():
    for task in (TABLE, SERIES):
        assert catalog.find(task).suits(machines(), None) is None
        assert catalog.find(task).suits({"unique_id": [1], "ds": [1], "y": [1.0]}, "y") is None


def test_what_is_hidden_does_not_reach_the_network():
    torch.manual_seed(0)

    class Body(torch.nn.Module):
        def forward(self, numbers, categories):
            return torch.cat([numbers, categories.float()], 1).unsqueeze(1)

    net = MaskedTable(
        Body(), number_places=[0, 1, 1], category_places=[2], category_sizes=[3], flag_of=[-1, 2, -1],
        mean=[0.0] * 3, deviation=[1.0] * 3,
    )  # fmt: skip
    numbers, categories = torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[2]])
    hidden = torch.tensor([[False, True, True]])
    assert net(numbers, categories, hidden).tolist() == [[1, 0, 0, 0, 1, 1, 0]]


def test_errors_of_a_column_are_those_of_its_places_and_a_missing_number_counts_by_its_flag_alone():
    net = MaskedTable(
        torch.nn.Identity(), number_places=[0, 0], category_places=[1], category_sizes=[2], flag_of=[1, -1],
        mean=[0.0, 0.0], deviation=[1.0, 1.0],
    )  # fmt: skip
    said = torch.tensor([[1.0, 0.5, 0.0, 0.0]]).expand(2, -1)
    numbers = torch.tensor([[0.0, 0.0], [0.0, 1.0]])  # the second is missing
    errors = net.errors(said, numbers, torch.tensor([[1], [0]]))
    flag = torch.asinh(1 / torch.tensor(1 - 1 / 9).sqrt())
    torch.testing.assert_close(errors[:, 0], torch.stack([torch.tensor(1.25), (0.5 - flag) ** 2]))
    torch.testing.assert_close(errors[:, 1], torch.full((2,), float(np.log(2))))


def test_numbers_are_told_on_the_scale_of_asinh_of_what_was_bent():
    z = torch.tensor([-50.0, -1.0, 0.0, 0.5, 200.0], dtype=torch.float64)
    bent = z / (1 + (z / 3) ** 2).sqrt()
    torch.testing.assert_close(spread_out(bent), torch.asinh(z), rtol=1e-6, atol=1e-9)


def test_every_column_is_hidden_as_often_as_any_other_and_never_all_at_once():
    for columns in (2, 5, 8):
        masks = hidden_halves(columns)
        assert masks.sum(0).unique().tolist() == [8]
        assert not masks.all(1).any()
    assert hidden_halves(1).tolist() == [[True]]


def test_a_window_is_told_from_what_is_neither_hidden_nor_missing():
    torch.manual_seed(0)
    net = MaskedWindow(Flat(2 * 2 * 6, 8), width=8, channels=2, lengths=[1, 3], flat=True)
    window = torch.randn(4, 6, 4)
    window[..., 2:] = 1
    window[0, 2, 2] = 0  # missing
    hidden = torch.full((4,), 3)
    said, known = net(window, hidden)
    changed = window.clone()
    changed[:, 3:, :2] += 100  # hidden
    changed[0, 2, 0] += 100
    torch.testing.assert_close(net(changed, hidden)[0], said)
    assert known.all()
    window[1, :3, 3] = 0
    assert net(window, hidden)[1].tolist() == [[True, True], [True, False], [True, True], [True, True]]
