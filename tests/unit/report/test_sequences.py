"""Logos and coloured strings: what is tall, which way it points, and that text from data is escaped."""

from __future__ import annotations

import re

import numpy as np

from deepfit.report.sequences import coloured, logo

LETTER = re.compile(
    r'class="letter c(\d)" transform="translate\(([\d.]+) ([\d.]+)\) scale\(([\d.]+) ([\d.]+)\)">(.)'
)


def letters(chart):
    return [(sign, float(x), float(y), float(tall)) for _, x, y, _, tall, sign in LETTER.findall(str(chart))]


def test_letters_are_as_tall_as_they_speak_and_stand_above_or_below_the_line():
    grid = np.array([[2.0, 1.0, 0, 0], [0, 0, -1.0, 0]])
    first, second, third = letters(logo(grid, "ACGT", (2, 0, 4, 5), most=3.0))
    assert (first[0], second[0], third[0]) == ("C", "A", "G")
    assert second[3] / first[3] == 2
    assert first[1] == second[1] < third[1]
    assert second[2] < first[2] < third[2]  # the tallest on top; what speaks against, below the line


def test_a_logo_counts_positions_from_the_first_shown():
    chart = str(logo(np.ones((30, 4)), "ACGT", (2, 0, 4, 5), first=91, most=4.0))
    assert [each for each in re.findall(r">(\d+)</text>", chart) if int(each) > 4] == ["100", "110", "120"]


def test_a_long_string_is_shown_where_it_says_most_and_its_signs_are_escaped():
    said = np.zeros(500)
    said[300:310] = 1.0
    chart = str(coloured("<" * 500, said))
    assert "&lt;" in chart
    assert ">&lt;<" in chart.replace("</text>", "<")
    assert chart.count("<rect") == 10
    start = int(re.search(r">(\d+)</text>", chart).group(1))
    assert 211 <= start <= 301


def test_a_string_that_says_nothing_has_no_ground():
    assert "<rect" not in str(coloured("ACGT", np.zeros(4)))
