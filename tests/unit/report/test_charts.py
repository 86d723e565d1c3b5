"""Scales and ticks, worked by hand; points where they belong."""

import re

import pytest

from deepfit.report.charts import HEIGHT, Line, Scale, columns, intervals, lines, points


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (-0.3, 1.1, [0, 0.5, 1]),
        (12, 13, [12, 12.2, 12.4, 12.6, 12.8, 13]),
        (9e5, 2.1e6, [1e6, 1.5e6, 2e6]),
    ],
)
def test_ticks_are_round_numbers_within_the_scale(low, high, expected):
    assert Scale(low, high, 0, 100).ticks() == pytest.approx(expected)


def test_ticks_of_something_counted_are_whole():
    assert Scale(0.5, 2.2, 0, 100).ticks(whole=True) == [1, 2]


def test_larger_values_are_drawn_higher_and_further_right():
    found = re.search(
        r'class="dots c0" d="M([\d.]+) ([\d.]+)h0M([\d.]+) ([\d.]+)h0"',
        points([1, 2], [10, 30], x_label="x", y_label="y"),
    )
    left, low, right, high = (float(each) for each in found.groups())
    assert left < right
    assert high < low < HEIGHT


def test_a_missing_value_breaks_a_line_instead_of_bridging_it():
    chart = lines(
        [Line("loss", [1, 2, 3, 4], [1.0, float("nan"), 3.0, 4.0])], x_label="epoch", y_label="loss"
    )
    path = re.search(r'class="line c0" d="([^"]+)"', chart).group(1)
    assert re.sub(r"[\d. ]", "", path) == "MML"


def test_equal_values_are_drawn_on_the_diagonal():
    chart = points([1, 5, 9], [1, 5, 9], x_label="x", y_label="y", diagonal=True)
    (x1, y1), (x2, y2), (x3, y3) = [
        (float(a), float(b)) for a, b in re.findall(r"M([\d.]+) ([\d.]+)h0", chart)
    ]
    assert (y1 - y2) / (x2 - x1) == pytest.approx((y2 - y3) / (x3 - x2), rel=0.01)


def test_names_are_escaped_and_long_ones_shortened_with_the_whole_as_a_tooltip():
    chart = intervals(["<b>" * 20], [1.0], [None], [None], label="x")
    assert "<b>" not in chart
    assert "<title>" + "&lt;b&gt;" * 20 + "</title>" in chart


def test_a_histogram_of_nothing_is_flat():
    chart = columns([0.0, 0.5, 1.0], [0, 0], x_label="x", y_label="rows")
    assert re.findall(r'height="([\d.]+)"/>', chart) == ["0.0", "0.0"]
