from __future__ import annotations

import runpy
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.mark.parametrize(("count", "status"), [(600, 0), (601, 1)])
def test_a_file_of_more_than_600_lines_fails_the_check_and_is_named(tmp_path, capsys, count, status):
    script = tmp_path / "scripts" / "lines"
    script.parent.mkdir()
    script.write_bytes((SCRIPTS / "lines").read_bytes())
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "long.py").write_text("x = 1\n" * count)
    assert runpy.run_path(str(script))["main"]() == status
    assert ("src/long.py has 601 lines, over 600" in capsys.readouterr().out) == bool(status)


def test_every_task_gets_a_page_with_its_contract_and_options(tmp_path):
    from deepfit import catalog

    script = tmp_path / "scripts" / "task_pages"
    script.parent.mkdir()
    script.write_bytes((SCRIPTS / "task_pages").read_bytes())
    (tmp_path / "docs").mkdir()
    runpy.run_path(str(script))["main"]()
    for name in catalog.names():
        page = (tmp_path / "docs" / "tasks" / f"{name}.md").read_text()
        assert catalog.docstring(name) in page
        assert "| `--epochs N` |" in page
