"""The learning rate by a range test: alone, and before a training that says what it found."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
import yaml

from deepfit import cli
from deepfit.api import follow
from deepfit.job.prepare import prepare
from deepfit.job.tune_rate import tune_rate

FAST = {"epochs": 2, "batch_size": 32, "network": "mlp", "threads": 1, "device": "cpu"}


@pytest.fixture
def csv(tmp_path):
    rng = np.random.default_rng(0)
    area = rng.uniform(20, 150, 200)
    path = tmp_path / "prices.csv"
    pl.DataFrame({"area": area, "price": 10 * area + rng.normal(0, 20, 200)}).write_csv(path)
    return str(path)


def test_a_run_at_an_automatic_rate_says_in_all_its_files_what_it_found(csv, tmp_path):
    job = prepare(csv, options={"target": "price", "learning_rate": "auto", **FAST}, out=tmp_path / "run")
    follow(job, quiet=True)
    curve = json.loads((job.out / "rate_test.json").read_text())
    found = curve["learning_rate"]
    history = [json.loads(line) for line in (job.out / "history.jsonl").read_text().splitlines()]
    assert [(record["phase"], record["learning_rates"]["main"]) for record in history[1:]] == [
        ("train", found)
    ] * 2
    assert yaml.safe_load((job.out / "config.yaml").read_text())["learning_rate"] == "auto"
    page = (job.out / "report.html").read_text()
    assert "was chosen by a range test" in page
    assert "2 epochs." in page, "the test is no epoch of the learning curves"


def test_the_test_alone_finds_the_rate_that_training_would_take(csv, tmp_path):
    options = {"target": "price", "learning_rate": "auto", **FAST}
    curve = tune_rate(prepare(csv, options=options, out=tmp_path / "alone"))
    job = prepare(csv, options=options, out=tmp_path / "run")
    for _ in job.events():
        pass
    assert curve == json.loads((job.out / "rate_test.json").read_text())
    assert not (tmp_path / "alone").exists()


def test_the_command_prints_one_line_of_json_and_draws_the_picture(csv, tmp_path, capsys):
    words = [
        "tune-rate",
        csv,
        "--target",
        "price",
        "--network",
        "mlp",
        "--out",
        str(tmp_path / "rates"),
        "--json",
    ]
    assert cli.status(words, debug=False) == 0
    shown = json.loads(capsys.readouterr().out)
    assert list(shown) == ["learning_rate", "rates", "losses", "picture"]
    assert len(shown["rates"]) == len(shown["losses"])
    assert shown["rates"][0] < shown["learning_rate"] < shown["rates"][-1]
    assert (tmp_path / "rates" / "rate_test.svg").read_text().startswith("<svg xmlns=")
    assert str(tmp_path / "rates" / "rate_test.svg") == shown["picture"]


def test_the_command_prints_a_table_and_the_rate(csv, tmp_path, capsys):
    words = ["tune-rate", csv, "--target", "price", "--network", "mlp", "--out", str(tmp_path / "rates")]
    assert cli.status(words, debug=False) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["learning", "rate", "loss"]
    assert 6 < len(lines) < 20
    assert lines[-2].startswith("learning rate: ")


def test_a_rate_that_is_given_has_no_effect_on_the_command(csv, capsys):
    assert cli.status(["tune-rate", csv, "--target", "price", "--learning-rate", "0.1"], debug=False) == 2
    assert "--learning-rate has no effect on tune-rate" in capsys.readouterr().err
