"""The commands from words to output, with a small stand-in for the work that other rooms do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import polars
import pytest

from deepfit import cli
from deepfit.contract import Answers, Concern
from deepfit.errors import DataError, TrainingError

SCORE = {"value": 0.5, "low": 0.4, "high": 0.6}
SCORECARD = {
    "task": "toy-prices",
    "rows": {"train": 700, "valid": 100, "test": 200},
    "metrics": {"rmse": SCORE},
    "baselines": {"mean": {"rmse": {"value": 1.0, "low": 0.9, "high": 1.1}}},
    "verdict": "The network beats the best baseline.",
    "seconds": {"read": 1, "train": 2, "total": 3},
    "peak_mb": 100,
    "warnings": ["'id' identifies rows"],
    "paths": {"run": "runs/x", "model": "runs/x/model", "report": "runs/x/report.html"},
}


@pytest.fixture
def asked(monkeypatch):
    """Stand-ins for the rooms below; what they were asked for is collected in the list that this returns."""
    calls = []

    def prepare(source, **settings):
        calls.append({"source": source, **settings})
        return types.SimpleNamespace(out=Path("runs/x"), task_name=settings["task"])

    def resume(run, **settings):
        calls.append({"run": run, **settings})
        return types.SimpleNamespace(out=Path(run))

    def follow(job):
        print("a chatty library")
        return types.SimpleNamespace(scorecard=SCORECARD)

    def check(source, **settings):
        calls.append({"source": source, **settings})
        columns = [("size", "number", "3 different values", "1.5"), ("note", "text", "long words", "x" * 40)]
        concerns = [Concern("leak", "size", "predicts the target almost alone.")]
        return types.SimpleNamespace(
            task=settings["task"], reason=None, rows=1234, columns=columns, concerns=concerns
        )

    class Model:
        def answers(self, source):
            if source == "bad.csv":
                raise DataError("bad.csv: column 'size' is missing.")
            words = np.array(["a,b", "c"], dtype=object)
            return Answers({"prediction": words, "probability_c": np.array([0.25, 0.75], dtype=np.float32)})

        def evaluate(self, source):
            return SCORECARD

    def stand_in(name, **members):
        module = types.ModuleType(name)
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, name, module)

    stand_in("deepfit.job.prepare", prepare=prepare, resume=resume)
    stand_in("deepfit.job.check", check=check)
    stand_in("deepfit.api", follow=follow)
    stand_in("deepfit.model", load=lambda run: Model())
    return calls


def run(*words):
    return cli.status(list(words), debug=False)


@pytest.mark.usefixtures("toy_tasks")
def test_train_prints_one_line_of_json_on_stdout_and_everything_else_on_stderr(asked, prices, capsys):
    assert run("train", prices, "--target", "price", "--json", "--epochs", "3", "--test", "t.csv") == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == SCORECARD
    assert out.count("\n") == 1
    assert "a chatty library" in err
    assert asked == [
        {
            "source": prices,
            "task": "toy-prices",
            "options": {"target": "price", "epochs": "3"},
            "test": "t.csv",
            "valid": None,
            "out": None,
        }
    ]


@pytest.mark.usefixtures("toy_tasks", "asked")
def test_train_says_why_it_chose_the_task_then_the_verdict_before_the_numbers_then_the_report(prices, capsys):
    run("train", prices, "--target", "price")
    out, err = capsys.readouterr()
    assert out == ""
    wanted = [
        "task: toy-prices, because 'price' is a number",
        "The network beats the best baseline.",
        "rmse      0.5     0.4 to 0.6     1",
        "note: 'id' identifies rows",
        "report: runs/x/report.html",
    ]
    places = [err.find(line) for line in wanted]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.usefixtures("toy_tasks", "asked")
def test_ctrl_c_ends_with_130_and_says_how_to_go_on(prices, tmp_path, capsys, monkeypatch):
    def stopped(job):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["deepfit.api"], "follow", stopped)
    monkeypatch.chdir(tmp_path)
    assert run("train", prices, "--target", "price") == 130
    assert "Stopped. Nothing was written yet." in capsys.readouterr().err
    (tmp_path / "runs" / "x").mkdir(parents=True)
    (tmp_path / "runs" / "x" / "config.yaml").touch()
    assert run("train", prices, "--target", "price") == 130
    assert "`deepfit resume runs/x` goes on from the last checkpoint" in capsys.readouterr().err


@pytest.mark.usefixtures("toy_tasks", "asked")
@pytest.mark.parametrize(
    ("error", "status", "shown"),
    [
        (DataError("prices.csv, row 3: ragged."), 2, "DataError: prices.csv, row 3: ragged.\n"),
        (TrainingError("loss is nan."), 2, "TrainingError: loss is nan.\n"),
        (
            ZeroDivisionError("division"),
            1,
            "that is a fault of deepfit, not yours: ZeroDivisionError: division",
        ),
    ],
)
def test_the_status_is_2_for_what_the_user_can_fix_and_1_for_our_faults(
    prices, capsys, monkeypatch, error, status, shown
):
    def fails(job):
        raise error

    monkeypatch.setattr(sys.modules["deepfit.api"], "follow", fails)
    words = ["train", prices, "--target", "price"]
    assert cli.status(words, debug=False) == status
    first = capsys.readouterr().err
    assert shown in first
    assert "Traceback" not in first
    cli.status(words, debug=True)
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.usefixtures("toy_tasks")
def test_help_of_a_task_lists_each_option_with_default_range_unit_and_meaning(capsys):
    assert run("train", "--task", "toy-prices", "--help") == 0
    lines = " ".join(capsys.readouterr().out.split())
    for wanted in [
        "--target TEXT column to predict [required]",
        "--crop-px PIXELS border that is cut off [default 4, >= 0 and <= 64]",
        "--colour [red|blue] paint of the toys [default red]",
        "--polish / --no-polish rub the toys first [default on]",
        "--numbers TEXT ... columns to read as numbers [default none]",
        "--kinds NAME=TEXT ... kind of a column [default none]",
        "--limit NUMBER highest price [default none, > 0]",
        "--epochs N passes over the training rows [default 7, >= 1 and <= 1000000]",
        "--checkpoint-minutes MINUTES longest time between checkpoints",
        "deepfit train prices.csv --target price --test test.csv",
    ]:
        assert wanted in lines


@pytest.mark.usefixtures("toy_tasks")
def test_help_without_a_task_lists_the_common_options_and_says_how_to_see_the_others(capsys):
    assert run("train", "--help") == 0
    text = capsys.readouterr().out
    assert "--learning-rate" in text
    assert "--crop-px" not in text
    assert "toy-pictures  Name the toy in a picture." in text
    assert "`deepfit train --task NAME --help`" in text


@pytest.mark.parametrize("command", ["train", "check", "evaluate", "predict", "resume", "tasks", "demo"])
def test_every_command_shows_examples_in_its_help(command, capsys):
    assert run(command, "--help") == 0
    assert re.search(rf"\n +deepfit {command}", capsys.readouterr().out.partition("Examples:")[2])


@pytest.mark.usefixtures("toy_tasks", "asked")
def test_check_shows_each_column_and_each_concern(prices, capsys):
    assert run("check", prices, "--target", "price") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["task: toy-prices, because 'price' is a number", "rows: 1,234"]
    assert "size    number  1.5                       3 different values" in lines
    assert lines[-1] == "leak: size: predicts the target almost alone."


@pytest.mark.usefixtures("toy_tasks", "asked")
def test_check_as_json_names_every_field(prices, capsys):
    run("check", prices, "--target", "price", "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["columns"][0] == {
        "name": "size",
        "kind": "number",
        "reason": "3 different values",
        "example": "1.5",
    }
    assert found["concerns"] == [
        {"kind": "leak", "where": "size", "message": "predicts the target almost alone."}
    ]


@pytest.mark.usefixtures("asked")
def test_evaluate_prints_a_table_or_the_scorecard_as_json(capsys):
    assert run("evaluate", "runs/x", "test.csv") == 0
    assert "rmse      0.5     0.4 to 0.6     1" in capsys.readouterr().out
    run("evaluate", "runs/x", "test.csv", "--json")
    assert json.loads(capsys.readouterr().out) == SCORECARD


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    ("ending", "read"),
    [("csv", polars.read_csv), ("parquet", polars.read_parquet), ("jsonl", polars.read_ndjson)],
)
def test_predict_writes_every_column_in_the_format_that_the_ending_names(tmp_path, ending, read):
    path = tmp_path / f"answers.{ending}"
    assert run("predict", "runs/x", "new.csv", "--out", str(path)) == 0
    assert read(path).to_dict(as_series=False) == {"prediction": ["a,b", "c"], "probability_c": [0.25, 0.75]}
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.usefixtures("asked")
def test_predict_without_out_prints_csv(capsys):
    assert run("predict", "runs/x", "new.csv") == 0
    assert capsys.readouterr().out == 'prediction,probability_c\n"a,b",0.25\nc,0.75\n'


@pytest.mark.usefixtures("asked")
def test_predict_replaces_a_file_only_when_told_to_and_leaves_nothing_half_written(tmp_path, capsys):
    path = tmp_path / "answers.csv"
    path.write_text("precious")
    assert run("predict", "runs/x", "new.csv", "--out", str(path)) == 2
    assert "pass --overwrite" in capsys.readouterr().err
    assert run("predict", "runs/x", "bad.csv", "--out", str(path), "--overwrite") == 2
    assert path.read_text() == "precious"
    assert run("predict", "runs/x", "new.csv", "--out", str(path), "--overwrite") == 0
    assert path.read_text().startswith("prediction,")
    assert [each.name for each in tmp_path.iterdir()] == ["answers.csv"]


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("answers.xlsx", "one of .csv, .parquet, .jsonl"),
        ("absent/answers.csv", "there is no folder 'absent'"),
    ],
)
def test_predict_refuses_a_destination_before_it_works(out, message, capsys):
    assert run("predict", "runs/x", "new.csv", "--out", out) == 2
    assert message in capsys.readouterr().err


def test_resume_passes_on_only_what_was_given(asked):
    assert run("resume", "runs/x", "--epochs", "80") == 0
    assert asked == [{"run": "runs/x", "options": {"epochs": "80"}}]


@pytest.mark.parametrize("name", ["house-prices", "credit", "fashion"])
def test_the_demos_use_files_that_ship(asked, name):
    run("demo", name)
    assert all(Path(asked[0][place]).exists() for place in ("source", "test") if asked[0][place])


def test_a_misspelt_demo_gets_a_suggestion(asked, capsys):
    assert run("demo", "credits") == 2
    assert "Did you mean 'credit'" in capsys.readouterr().err
    assert asked == []


@pytest.mark.usefixtures("toy_tasks")
def test_tasks_lists_a_line_each_and_shows_contract_options_and_an_example_of_one(capsys):
    run("tasks")
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "toy-pictures        Name the toy in a picture.",
        "toy-prices          Guess the price of toys from their size.",
    ]
    assert lines[3] == "Without training of its own:"
    assert lines[4].startswith("feature-extraction  Vectors of texts or pictures")
    run("tasks", "toy_prices")
    text = capsys.readouterr().out
    assert "Data: a table with a column of prices." in text
    assert "--crop-px PIXELS" in text
    assert text.splitlines()[-1] == "  deepfit train SOURCE --task toy-prices --target COLUMN"


def test_a_misspelt_command_ends_with_status_2(capsys):
    assert run("trainn") == 2
    assert "trainn" in capsys.readouterr().err


def test_the_version_is_the_packages():
    import deepfit

    done = subprocess.run(
        [sys.executable, "-m", "deepfit", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"deepfit {deepfit.__version__}\n"
