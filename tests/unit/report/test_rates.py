"""The curve of the range test as a picture and as a section."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

from deepfit.report import charts, rates

CURVE = {
    "learning_rate": 0.01,
    "rates": [1e-4, 1e-3, 1e-2, 1e-1, 1.0],
    "losses": [1.0, 0.9, 0.5, 0.4, None],
    "smoothed": [1.0, 0.95, 0.7, 0.6, 40.0],
}


def test_the_picture_is_a_whole_svg_file_that_draws_what_it_uses(tmp_path: Path) -> None:
    text = rates.picture(CURVE, tmp_path / "a.svg").read_text()
    root = ElementTree.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    style = root.find("{http://www.w3.org/2000/svg}style").text
    used = {name for each in re.findall(r'class="([^"]+)"', text) for name in each.split()}
    assert all(f".{name}" in style for name in used - {"tick", "label"})


def test_powers_of_ten_are_equally_far_apart_and_named() -> None:
    chart = str(rates.chart(CURVE))
    assert [tick for tick in ("1e-4", "0.001", "0.01", "0.1") if f">{tick}<" not in chart] == []
    across = charts.PowerScale(-4, 0, 0, 100)
    assert [round(across(10.0**power)) for power in range(-4, 1)] == [0, 25, 50, 75, 100]


def test_a_loss_far_above_the_least_one_does_not_squeeze_the_curve() -> None:
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", str(rates.chart(CURVE)))]
    assert max(heights) - min(heights) > 100


def test_a_test_whose_losses_are_no_numbers_is_drawn_empty() -> None:
    nothing = {**CURVE, "losses": [None] * 5, "smoothed": [None] * 5}
    assert "<svg" in str(rates.chart(nothing))


def test_the_section_is_there_only_where_the_rate_was_tested(tmp_path: Path) -> None:
    view = type("View", (), {"result": type("Result", (), {"run": tmp_path})})
    assert rates.section(view) is None
    (tmp_path / "rate_test.json").write_text(json.dumps(CURVE))
    section = rates.section(view)
    assert "0.01" in section.sentences[0]
    assert "5 steps" in section.sentences[0]
