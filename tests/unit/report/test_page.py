"""The page that a run leaves: self-contained, safe with any text, honest about what it shows."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
import yaml

from deepfit import report
from deepfit.contract import Answers
from deepfit.judge.intervals import Interval
from deepfit.report.page import _scores, render

HOSTILE = "<script>alert(1)</script>"


class Outline(HTMLParser):
    """Tags with their attributes, and the text outside style sheets."""

    def __init__(self):
        super().__init__()
        self.tags, self.text, self.open = [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "img", "br", "input"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)


def outlined(page):
    outline = Outline()
    outline.feed(page)
    assert not outline.open, f"never closed: {outline.open}"
    return outline, " ".join(" ".join(outline.text).split())


def test_a_page_is_one_small_file_that_loads_nothing(runs, tmp_path):
    path = report.write(runs.clothes(tmp_path / "run", ["coat", "dress", "shirt"]))
    page = path.read_text(encoding="utf-8")
    outline, _ = outlined(page)
    assert path.name == "report.html"
    assert path.stat().st_size < 3_000_000
    loads = [
        value
        for _, each in outline.tags
        for name, value in each.items()
        if name in ("src", "href", "data", "action")
    ]
    assert loads
    assert all(value.startswith("data:image/png;base64,") for value in loads)
    assert not {tag for tag, _ in outline.tags} & {"script", "link", "iframe", "object", "form", "base"}
    assert not re.search(r"url\(|@import|https?:", page)


def test_text_from_data_is_never_markup(runs, tmp_path):
    pages = [
        render(runs.clothes(tmp_path, [HOSTILE, "shirt", "'\" onload=x"], kind=runs.PictureRows)),
        render(runs.clothes(tmp_path, [HOSTILE, "shirt"], kind=runs.TableRows)),
        render(
            runs.house_prices(tmp_path / HOSTILE, column=HOSTILE),
            importance={HOSTILE: Interval(3.0, 1.0, 4.0)},
        ),
    ]
    for page in pages:
        outline, text = outlined(page)
        assert "script" not in {tag for tag, _ in outline.tags}
        assert not [name for _, each in outline.tags for name in each if name.startswith("on")]
        assert HOSTILE in text


def test_the_verdict_comes_first_and_in_its_colour(runs, tmp_path):
    run = runs.house_prices(tmp_path)
    outline, text = outlined(render(run))
    assert ("h1", {"class": "better"}) in outline.tags
    assert text.startswith(run.scorecard["verdict"])
    worse = run.scorecard | {"verdict": "NOT better than the best baseline, linear"}
    object.__setattr__(run, "scorecard", worse)
    assert ("h1", {"class": "worse"}) in outlined(render(run))[0].tags


def test_the_scorecard_shows_every_score_with_its_interval(runs, tmp_path):
    _, text = outlined(render(runs.house_prices(tmp_path)))
    for name in (
        "network",
        "mean",
        "linear",
        "gradient boosting",
        "RMSE ↓",
        "R² ↑",
        "Median absolute error ↓",
    ):
        assert name in text
    score = runs.house_prices(tmp_path).scorecard["metrics"]["rmse"]
    assert f"{score['value']:,.0f} {score['low']:,.0f} \N{EN DASH} {score['high']:,.0f}" in text


def test_coverage_is_best_where_it_is_what_it_promises():
    def scores(value):
        return {"coverage_80": {"value": value, "low": None, "high": None}}

    card = {"metrics": scores(0.79), "baselines": {"seasonal_naive": scores(0.93), "linear": scores(0.7)}}
    table = _scores(card, "mase")
    assert table["header"] == [("Coverage of the 80 % interval", "→ 0.8")]
    assert [(who, cells[0][2]) for who, cells in table["rows"]] == [
        ("network", True),
        ("seasonal naive", False),
        ("linear", False),
    ]


def test_a_regression_has_its_sections_and_a_classification_its_own(runs, tmp_path):
    prices, clothes = (
        re.findall(r"<h2>(.*?)</h2>", render(run))
        for run in (runs.house_prices(tmp_path), runs.clothes(tmp_path, ["coat", "dress"]))
    )
    assert prices == [
        "Scorecard",
        "What to know about the data",
        "Learning curves",
        "Predicted and actual",
        "Most wrong",
        "Use the model",
    ]
    assert clothes == [
        "Scorecard",
        "Learning curves",
        "Classes",
        "Calibration",
        "Most wrong pictures",
        "Most wrong",
        "Use the model",
    ]


def test_the_most_wrong_rows_are_those_with_the_largest_errors(runs, tmp_path):
    run = runs.house_prices(tmp_path)
    error = np.abs(run.answers.columns["prediction"] - run.test.target())
    _, text = outlined(render(run))
    table = text.partition("Row Actual Predicted Error Lot_Area Street")[2].split()
    assert table[:3] == ["test", "row", str(int(error.argmax()) + 1)]


def test_rows_are_called_as_their_source_calls_them(runs, tmp_path):
    run = runs.house_prices(tmp_path)
    object.__setattr__(run.test, "where", lambda row: f"row {row + 2} of the file")
    worst = int(np.abs(run.answers.columns["prediction"] - run.test.target()).argmax())
    assert f"row {worst + 2} of the file" in render(run)


def test_options_are_shown_as_resolved_and_the_changed_ones_stand_out(runs, tmp_path):
    (tmp_path / "config.yaml").write_text(
        yaml.safe_dump({"source": "/data/prices.csv", "target": "price", "epochs": 20}), encoding="utf-8"
    )
    page = render(runs.house_prices(tmp_path))
    assert "/data/prices.csv" in page
    assert re.search(r'<tr class="changed"><td>target</td><td>price</td>', page)
    assert re.search(r"<tr><td>epochs</td><td>20</td><td>passes over the training rows</td>", page)


def test_the_commands_name_the_real_paths_quoted(runs, tmp_path):
    place = tmp_path / "my runs"
    _, text = outlined(render(runs.house_prices(place)))
    assert f"deepfit predict '{place}' new.csv --out answers.csv" in text
    assert f"deepfit.load('{place}')" in text


def test_column_importance_appears_where_it_was_measured(runs, tmp_path):
    page = render(runs.house_prices(tmp_path), importance={"Lot_Area": Interval(3000.0, 2500.0, 3600.0)})
    assert "<h2>Which columns matter</h2>" in page
    assert "RMSE worse by" in page


def test_a_run_without_test_rows_still_has_a_page(runs, tmp_path):
    from dataclasses import replace

    from deepfit.judge.scorecard import assemble

    card = assemble("tabular-regression", {"train": 9}, seconds={}, peak_mb=1, paths={})
    run = replace(runs.house_prices(tmp_path), test=None, answers=None, baseline_answers={}, scorecard=card)
    headings = re.findall(r"<h2>(.*?)</h2>", render(run))
    assert headings == ["What to know about the data", "Learning curves", "Use the model"]


@pytest.mark.parametrize("classes", [1, 2, 11, 70])
def test_any_number_of_classes_fits_the_page(runs, tmp_path, classes):
    names = [f"class {number:03}" for number in range(classes)]
    _, text = outlined(render(runs.clothes(tmp_path, names, rows=300, kind=runs.TableRows)))
    assert ("Actual \\ predicted" in text) == (classes <= 20)
    assert f"class {classes - 1:03}" in text
    assert ("ROC curve" in text) == (1 < classes <= 10)


def test_a_perfect_network_has_no_wrong_rows_to_show(runs, tmp_path):
    from dataclasses import replace

    run = runs.clothes(tmp_path, ["coat", "dress"])
    truth = run.test.target() == "dress"
    perfect = Answers(
        {"prediction": run.test.target(), "probability_coat": 1.0 - truth, "probability_dress": 0.0 + truth}
    )
    _, text = outlined(render(replace(run, answers=perfect)))
    assert "gets every test picture right" in text


def test_constant_values_make_no_broken_chart(runs, tmp_path):
    from dataclasses import replace

    run = runs.house_prices(tmp_path, rows=30)
    same = runs.TableRows({"price": np.full(30, 5.0), "Lot_Area": np.zeros(30)}, "price")
    page = render(replace(run, test=same, answers=Answers({"prediction": np.full(30, 5.0)})))
    assert "nan" not in page.lower().replace("nano", "")


def test_a_section_that_does_not_exist_names_those_that_do(runs, tmp_path):
    run = runs.house_prices(tmp_path)
    run.task.sections = ("curvs",)
    with pytest.raises(KeyError, match="'curvs'; known: curves, predicted_actual"):
        render(run)


def test_importing_the_report_loads_neither_torch_nor_matplotlib():
    code = "import sys, deepfit.report; print({'torch', 'matplotlib', 'sklearn'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"


def test_the_scorecard_behind_a_page_is_plain_json(runs, tmp_path):
    assert (
        json.loads(json.dumps(runs.house_prices(tmp_path).scorecard, allow_nan=False))["task"]
        == "tabular-regression"
    )
