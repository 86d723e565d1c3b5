from __future__ import annotations

import re
from pathlib import Path

import pytest

import deepfit.tasks
from deepfit import catalog
from deepfit.cli.describe import describe
from deepfit.cli.flags import PLACES
from deepfit.cli.train import COMMON
from deepfit.errors import DataError, OptionError

FIXTURE_TASKS = Path(__file__).parent / "fixture_tasks"


@pytest.fixture
def toy_tasks(monkeypatch):
    monkeypatch.setattr(deepfit.tasks, "__path__", [str(FIXTURE_TASKS)])


def test_one_more_folder_with_one_more_file_is_one_more_task(monkeypatch):
    before = catalog.names()
    monkeypatch.setattr(deepfit.tasks, "__path__", [*deepfit.tasks.__path__, str(FIXTURE_TASKS)])
    assert set(catalog.names()) - set(before) == {"toy-pictures", "toy-prices"}


@pytest.mark.usefixtures("toy_tasks")
def test_a_task_is_found_by_its_id_with_hyphens_or_underscores_in_any_case():
    classes = {catalog.find(name).__name__ for name in ("toy-prices", "toy_prices", "Toy-Prices")}
    assert classes == {"ToyPrices"}


@pytest.mark.usefixtures("toy_tasks")
def test_a_misspelt_task_gets_a_suggestion():
    with pytest.raises(OptionError, match=r"no task 'toy-price'\. Did you mean 'toy-prices'"):
        catalog.find("toy-price")


def test_the_summary_of_a_task_is_read_without_importing_its_file(tmp_path, monkeypatch):
    (tmp_path / "explosive.py").write_text('"""Blows up.\n\nData: none."""\nraise SystemExit("imported")\n')
    monkeypatch.setattr(deepfit.tasks, "__path__", [str(tmp_path)])
    assert catalog.summary("explosive") == "Blows up."
    assert catalog.docstring("explosive") == "Blows up.\n\nData: none."


@pytest.mark.usefixtures("toy_tasks")
def test_the_one_task_that_suits_is_inferred_with_its_reason(tmp_path):
    table = tmp_path / "toys.csv"
    table.write_text("price\n1\n")
    assert catalog.infer(str(table), "price") == ("toy-prices", "'price' is a number")
    assert catalog.infer(tmp_path) == ("toy-pictures", "it is a folder")


@pytest.mark.usefixtures("toy_tasks")
def test_where_no_task_suits_the_error_says_what_each_task_is_for(tmp_path):
    table = tmp_path / "toys.csv"
    table.write_text("price\n1\n")
    with pytest.raises(DataError, match=r"A table needs --target COLUMN") as raised:
        catalog.infer(str(table))
    assert "toy-prices: Guess the price of toys from their size." in str(raised.value)


@pytest.mark.usefixtures("toy_tasks")
def test_where_several_tasks_suit_the_error_asks_for_one(tmp_path, monkeypatch):
    monkeypatch.setattr(catalog.find("toy-prices"), "suits", lambda source, target: "it is anything")
    with pytest.raises(
        OptionError, match="--task toy-pictures: it is a folder\n  --task toy-prices: it is anything"
    ):
        catalog.infer(tmp_path)


@pytest.mark.usefixtures("toy_tasks")
def test_a_missing_file_is_named_with_its_nearest_neighbour(tmp_path):
    (tmp_path / "prices.csv").write_text("price\n1\n")
    with pytest.raises(DataError, match=r"no file or folder '.*pirces.xlsx'\. Did you mean 'prices.csv'"):
        catalog.infer(str(tmp_path / "pirces.xlsx"), None)


def test_an_option_is_a_switch_or_a_value_alike_in_all_tasks():
    kinds: dict[str, set[str]] = {}
    for name in catalog.names():
        for option in describe(catalog.find(name).Options):
            kinds.setdefault(option.name, set()).add(option.kind)
    assert {name: found for name, found in kinds.items() if len(found) > 1} == {}


def test_no_option_of_a_task_takes_the_name_of_a_flag_that_train_itself_has():
    reserved = {option.name for option in COMMON} | set(PLACES) | {"debug"}
    clashes = {name: reserved & set(catalog.find(name).Options.model_fields) for name in catalog.names()}
    assert {name: found for name, found in clashes.items() if found} == {}


@pytest.mark.parametrize("name", catalog.names())
def test_every_option_of_a_task_says_what_it_means_and_the_summary_is_one_sentence(name):
    unexplained = [option.name for option in describe(catalog.find(name).Options) if not option.meaning]
    assert unexplained == []
    assert re.fullmatch(r"[A-Z].{10,120}\.", catalog.summary(name))
