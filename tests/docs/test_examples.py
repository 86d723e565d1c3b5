"""The examples of README and the guides, run as they stand: a page's commands in order, then its Python."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "guides").glob("*.md"))]
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_examples_of_a_page_run_as_they_stand(page, tmp_path):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    deepfit = tmp_path / "bin" / "deepfit"
    deepfit.parent.mkdir()
    deepfit.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m deepfit "$@"\n')
    deepfit.chmod(0o755)
    environment = dict(os.environ, PATH=f"{deepfit.parent}:{os.environ['PATH']}")
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    assert blocks, "the page has no example"
    (tmp_path / "page.py").write_text("".join(code for language, code in blocks if language == "python"))
    commands = "\n".join(code for language, code in blocks if language == "console")
    script = f'set -euo pipefail\n{commands}\n"{sys.executable}" page.py'
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"


def test_links_between_pages_lead_somewhere():
    pages = [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "docs" / "index.md"]
    links = [
        (page, link)
        for page in pages
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    ]
    made = {ROOT / "docs" / "tasks" / "index.md", ROOT / "docs" / "assets" / "report.png"}
    lost = [
        f"{page.name}: {link}"
        for page, link in links
        if (page.parent / link).resolve() not in made and not (page.parent / link).exists()
    ]
    assert lost == []
