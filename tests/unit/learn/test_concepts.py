"""The list of lessons, the glossary, and `deepfit learn`."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepfit import cli, learn
from deepfit.errors import OptionError
from deepfit.learn.glossary import TERMS

OTHER_MODULES = {"__init__", "glossary", "page", "samples", "training", "walk"}


def test_every_lesson_has_its_module_and_every_module_its_lesson():
    found = {path.stem for path in Path(learn.__file__).parent.glob("*.py")} - OTHER_MODULES
    assert found == {name.replace("-", "_") for name in learn.CONCEPTS}


def test_every_term_of_the_glossary_leads_to_a_lesson_and_every_lesson_has_a_term():
    assert {concept for _, concept in TERMS.values()} == set(learn.CONCEPTS)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("depth", "depth"),
        ("Gradient_Descent", "gradient-descent"),
        ("learning rate", "gradient-descent"),
        ("vanishing-gradient", "recurrence"),
        ("SGD", "gradient-descent"),
    ],
)
def test_a_lesson_is_found_by_its_name_in_any_spelling_and_by_the_terms_that_it_explains(written, name):
    assert learn.spelled(written) == name


def test_a_misspelt_name_is_refused_with_a_suggestion():
    with pytest.raises(OptionError, match=r"no lesson 'attntion'. Did you mean 'attention'"):
        learn.spelled("attntion")


def test_learn_alone_lists_the_lessons_in_reading_order(capsys):
    assert cli.status(["learn"], debug=False) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()[: len(learn.CONCEPTS)]]
    assert listed == list(learn.CONCEPTS)
    assert listed[0] == "neuron"


def test_learn_runs_a_lesson_and_says_where_its_page_is(toy_lesson, tmp_path, capsys, monkeypatch):
    import webbrowser

    monkeypatch.setattr(webbrowser, "open", lambda *given: pytest.fail("opened a browser without a terminal"))
    assert cli.status(["learn", "toy", "--seed", "1", "--out", str(tmp_path / "out")], debug=False) == 0
    told = capsys.readouterr()
    assert "Six is 9." in told.out
    assert "[picture] A long caption" in told.out
    page = tmp_path / "out" / "toy.html"
    assert str(page) in told.err
    assert "Six is 9." in page.read_text()


def test_a_folder_in_use_is_refused_before_the_lesson_runs(toy_lesson, tmp_path, capsys):
    (tmp_path / "mine").write_text("precious")
    assert cli.status(["learn", "toy", "--out", str(tmp_path)], debug=False) == 2
    told = capsys.readouterr()
    assert "in use" in told.err
    assert told.out == ""


def test_a_misspelt_lesson_ends_with_status_2(capsys):
    assert cli.status(["learn", "backpropogation"], debug=False) == 2
    assert "Did you mean 'backpropagation'" in capsys.readouterr().err


def test_the_glossary_and_every_lesson_get_a_page_of_the_documentation(toy_lesson, tmp_path, monkeypatch):
    import runpy

    script = tmp_path / "scripts" / "concept_pages"
    script.parent.mkdir()
    script.write_bytes((Path(__file__).parents[3] / "scripts" / "concept_pages").read_bytes())
    runpy.run_path(str(script))["main"](["toy"])
    folder = tmp_path / "docs" / "concepts"
    index = (folder / "index.md").read_text()
    assert "1. [What a neuron and a layer are](neuron.md)" in index
    assert "| mini-batch |" in index
    assert "Six is 6." in (folder / "toy.md").read_text()
    style = (folder / "charts.css").read_text()
    assert '[data-md-color-scheme="slate"] {' in style
    assert "prefers-color-scheme" not in style
    assert style.count("{") == style.count("}")
