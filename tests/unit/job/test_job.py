"""A job checks everything before it writes anything, and leaves a run folder that others can read."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
import yaml

from deepfit.errors import ArtifactError, DataError, OptionError
from deepfit.job.prepare import prepare, resume

FAST = {"epochs": 3, "batch_size": 32, "network": "mlp", "threads": 1}


def prices(rows=200, seed=0):
    rng = np.random.default_rng(seed)
    area = rng.uniform(20, 150, rows)
    district = rng.choice(["north", "south"], rows)
    return pl.DataFrame({"area": area, "district": district, "price": 10 * area + rng.normal(0, 20, rows)})


@pytest.fixture
def csv(tmp_path):
    path = tmp_path / "prices.csv"
    prices().write_csv(path)
    return path


@pytest.fixture
def finished(csv, tmp_path):
    job = prepare(csv, options={"target": "price", **FAST}, out=tmp_path / "run")
    for _ in job.events():
        pass
    return job


def test_a_run_leaves_a_model_a_config_a_history_and_metrics(finished):
    run = finished.out
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["task"] == "tabular-regression"
    assert config["epochs"] == 3
    assert (run / "model" / "model.safetensors").exists()
    assert len((run / "history.jsonl").read_text().splitlines()) == 3
    card = json.loads((run / "metrics.json").read_text())
    assert card["rows"] == {"train": 136, "valid": 24, "test": 40}
    assert set(card["baselines"]) == {"mean", "linear", "gradient_boosting"}


def test_every_row_lands_in_one_part_and_the_test_rows_stay_unseen(finished):
    rows = json.loads((finished.out / "metrics.json").read_text())["rows"]
    assert sum(rows.values()) == 200
    assert len(finished.result.test) == rows["test"]


def test_an_output_folder_in_use_is_refused_and_left_alone(csv, tmp_path):
    (tmp_path / "busy").mkdir()
    (tmp_path / "busy" / "letter.txt").write_text("dear")
    with pytest.raises(OptionError, match="in use"):
        prepare(csv, options={"target": "price"}, out=tmp_path / "busy")
    assert [path.name for path in (tmp_path / "busy").iterdir()] == ["letter.txt"]


def test_a_folder_that_holds_a_run_is_to_be_resumed_not_overwritten(finished, csv):
    with pytest.raises(OptionError, match="deepfit resume"):
        prepare(csv, options={"target": "price"}, out=finished.out)


@pytest.mark.parametrize(
    ("target", "content", "words"),
    [
        ("pirce", "area,price\n1,2\n2,3\n", "price"),
        ("price", "area,price\n", "row"),
        ("price", "area,price\n1,5\n2,5\n3,5\n4,5\n5,5\n", "every row"),
    ],
)
def test_bad_data_is_found_before_a_folder_is_made(tmp_path, target, content, words):
    path = tmp_path / "bad.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=words):
        list(
            prepare(
                path, task="tabular-regression", options={"target": target}, out=tmp_path / "run"
            ).events()
        )
    assert not (tmp_path / "run").exists()


def test_a_finished_run_can_be_extended(finished):
    job = resume(finished.out, options={"epochs": 5})
    for _ in job.events():
        pass
    epochs = [record["epoch"] for record in job.result.history]
    assert epochs == [1, 2, 3, 4, 5]


def test_resuming_on_other_rows_is_refused(finished, csv):
    prices(seed=1).write_csv(csv)
    with pytest.raises(DataError, match="not those"):
        list(resume(finished.out).events())


def test_resuming_a_folder_that_is_no_run_says_so(tmp_path):
    with pytest.raises(ArtifactError, match="no run"):
        resume(tmp_path)


def test_a_run_from_memory_is_resumed_with_the_same_rows(tmp_path):
    job = prepare(prices(), options={"target": "price", **FAST}, out=tmp_path / "run")
    for _ in job.events():
        pass
    with pytest.raises(OptionError, match="in memory"):
        resume(tmp_path / "run")
    again = resume(tmp_path / "run", source=prices())
    for _ in again.events():
        pass
    before, after = job.result.model.net.state_dict(), again.result.model.net.state_dict()
    assert all((before[name] == after[name]).all() for name in before)


def test_test_rows_may_lack_classes_and_have_further_columns(tmp_path):
    rng = np.random.default_rng(0)
    size = rng.normal(size=120)
    train = pl.DataFrame({"size": size, "kind": np.where(size > 0, "big", "small")})
    test = pl.DataFrame({"size": [1.0, 2.0], "kind": ["big", "big"], "note": ["a", "b"]})
    job = prepare(train, options={"target": "kind", **FAST}, test=test, out=tmp_path / "run")
    for _ in job.events():
        pass
    assert len(job.result.answers) == 2


def test_a_share_of_test_rows_beside_named_test_rows_would_have_no_effect(csv, tmp_path):
    with pytest.raises(OptionError, match="--test-fraction has no effect"):
        prepare(csv, options={"target": "price", "test_fraction": 0.3}, test=csv, out=tmp_path / "run")


def test_without_test_rows_the_verdict_says_that_nothing_is_known(csv, tmp_path):
    job = prepare(csv, options={"target": "price", "test_fraction": 0.0, **FAST}, out=tmp_path / "run")
    for _ in job.events():
        pass
    assert "nothing is known" in job.result.scorecard["verdict"]
