from __future__ import annotations

import sys
from pathlib import Path

import pytest

import deepfit.tasks

FIXTURE_TASKS = Path(__file__).parents[1] / "fixture_tasks"


@pytest.fixture
def toy_tasks(monkeypatch):
    """Only the tasks of the fixture folder exist: toy-prices and toy-pictures."""
    monkeypatch.setattr(deepfit.tasks, "__path__", [str(FIXTURE_TASKS)])
    yield
    for name in ("toy_prices", "toy_pictures"):
        sys.modules.pop(f"deepfit.tasks.{name}", None)
        if hasattr(deepfit.tasks, name):
            delattr(deepfit.tasks, name)


@pytest.fixture
def prices(tmp_path):
    path = tmp_path / "prices.csv"
    path.write_text("size,price\n1,2\n")
    return str(path)
