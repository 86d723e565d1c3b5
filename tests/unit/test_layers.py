"""The rooms of docs/design.md: what may import what, and what must not be loaded at start-up."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = {
    "torch",
    "numpy",
    "polars",
    "pydantic",
    "sklearn",
    "pandas",
    "matplotlib",
    "PIL",
    "rich",
    "yaml",
    "scipy",
}


def loaded_by(code):
    """The heavy packages that a fresh interpreter has loaded after running the code."""
    watched = f"{code}\nimport sys\nprint(*({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", watched], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_imports_point_down_the_rooms_and_tasks_never_import_each_other():
    check = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"
    done = subprocess.run(
        [sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_every_room_of_the_package_has_its_place_in_the_layers():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    placed = set(re.findall(r"deepfit\.(\w+)", " ".join(contracts[0]["layers"])))
    found = {
        path.stem for path in (ROOT / "src" / "deepfit").iterdir() if path.is_dir() or path.suffix == ".py"
    }
    assert found - placed - {"__init__", "__pycache__"} == set()


LISTS = [["--help"], ["tasks"], ["networks"], ["networks", "--help"], ["learn"], ["learn", "--help"]]


@pytest.mark.parametrize("words", [*LISTS, ["--version"]])
def test_help_and_the_lists_of_tasks_networks_and_lessons_load_nothing_heavy(words):
    assert loaded_by(f"from deepfit.cli import status\nstatus({words}, debug=False)") == set()


def test_import_deepfit_loads_nothing_heavy_before_a_public_name_is_used():
    assert loaded_by("import deepfit, deepfit.catalog, deepfit.errors") == set()


def test_importing_every_task_loads_no_torch():
    code = "from deepfit import catalog\nfor name in catalog.names(): catalog.find(name)"
    assert "torch" not in loaded_by(code)


def test_every_public_name_is_there_and_others_are_refused():
    import deepfit

    assert [name for name in deepfit.__all__ if getattr(deepfit, name, None) is None] == []
    with pytest.raises(AttributeError, match="its public names are"):
        deepfit.nonsense  # noqa: B018 (reading the attribute is the test)
