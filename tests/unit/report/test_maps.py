"""Heat maps, regions, contours and graphs: the right colour, strength and place."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from deepfit.report.charts import HEIGHT, LEFT, RIGHT, WIDTH, Line, PowerScale, lines
from deepfit.report.graphs import Node, graph
from deepfit.report.maps import contours, heat, regions, tiles


def test_a_heat_map_shows_size_as_strength_and_sign_as_colour():
    chart = heat(np.array([[0.0, 1.0], [-2.0, 2.0]]))
    cells = re.findall(r'class="cell c(\d)".*?fill-opacity="([\d.]+)"', chart)
    assert [colour for colour, _ in cells] == ["0", "0", "1", "0"]
    nothing, half, whole, same = (float(strength) for _, strength in cells)
    assert nothing < half < whole == same == 1.0


def test_a_heat_map_of_zeros_is_pale_everywhere():
    assert set(re.findall(r'fill-opacity="([\d.]+)"', heat(np.zeros((2, 3))))) == {"0.040"}


def test_names_at_a_heat_map_are_escaped():
    chart = heat(np.ones((1, 1)), rows=["<b>"], columns=["a&b"])
    assert "<b>" not in chart
    assert "a&amp;b" in chart


def test_the_contour_of_a_cone_is_a_circle():
    x = np.linspace(-1, 1, 41)
    height = np.hypot(*np.meshgrid(x, x))
    chart = contours(x, x, height, [], levels=[0.5], x_label="x", y_label="y")
    path = re.search(r'class="level" d="([^"]+)"', chart).group(1)
    ends = np.array(re.findall(r"[ML]([\d.]+) ([\d.]+)", path), dtype=float)
    half_wide, half_high = (WIDTH - RIGHT - LEFT) / 2, (HEIGHT - 42 - 10) / 2
    across = (ends[:, 0] - LEFT - half_wide) / half_wide
    up = (ends[:, 1] - 10 - half_high) / half_high
    np.testing.assert_allclose(np.hypot(across, up), 0.5, atol=0.01)  # a tenth of a pixel, a cell of 1 / 20
    assert len(ends) > 60


def test_a_path_that_leaves_the_chart_is_cut_at_its_edge():
    x = np.linspace(0, 1, 5)
    path = Line("wild", [0.5, 0.5, 9.0], [0.5, 0.75, 0.75])
    chart = contours(x, x, np.zeros((5, 5)), [path], levels=[], x_label="x", y_label="y")
    drawn = re.search(r'class="line c0" d="([^"]+)"', chart).group(1)
    places = [float(each) for each in re.findall(r"[ML]([\d.]+) ", drawn)]
    assert len(places) == 3
    assert places[-1] == WIDTH - RIGHT


def test_regions_are_coloured_by_the_likelier_class_and_stronger_where_it_is_sure():
    x = np.linspace(0, 1, 4)
    share = np.tile([0.02, 0.4, 0.6, 0.98], (4, 1))
    chart = regions(x, x, share, [("a", [0.5], [0.5]), ("b", [5.0], [0.5])], x_label="x", y_label="y")
    areas = re.findall(r'class="area c(\d)" fill-opacity="([\d.]+)"', chart)
    assert areas == [("0", "0.34"), ("0", "0.1"), ("1", "0.1"), ("1", "0.34")]
    dots = re.findall(r'class="dots firm c\d" d="([^"]*)"', chart)
    assert dots[0].count("M") == 1
    assert dots[1] == ""  # outside


def test_a_tile_is_the_picture_from_black_to_white():
    chart = tiles([np.array([[-1.0, 0.0], [1.0, 3.0]])], ["a"])
    data = base64.b64decode(re.search(r"base64,([^\"]+)", chart).group(1))
    assert np.asarray(Image.open(io.BytesIO(data))).tolist() == [[0, 64], [128, 255]]


def test_a_graph_shows_value_and_gradient_of_each_node_and_the_slope_of_each_arrow():
    chart = graph([Node("x", 0, 0, "1.5", "-2"), Node("y<", 1, 0, "3", "+1")], [("x", "y<", "w = 2")])
    assert [chart.count(words) for words in (">1.5<", ">-2<", ">w = 2<", "y&lt;")] == [1, 1, 1, 1]


def test_powers_of_ten_are_equally_far_apart_on_a_logarithmic_scale():
    scale = PowerScale(-3, 1, 0, 400)
    assert [scale(10.0**power) for power in (-3, -2, 0, 1)] == pytest.approx([0, 100, 300, 400])
    assert scale.ticks() == pytest.approx([1e-3, 1e-2, 1e-1, 1, 10])
    assert PowerScale(0.1, 0.9, 0, 1).ticks() == [2, 5]


def test_a_value_that_has_no_logarithm_breaks_a_line():
    chart = lines([Line("loss", [1, 2, 3, 4], [1.0, 0.0, 0.1, 10.0])], x_label="x", y_label="y", log_y=True)
    path = re.search(r'class="line c0" d="([^"]+)"', chart).group(1)
    assert re.sub(r"[\d. ]", "", path) == "MML"


def test_a_span_hides_what_lies_beyond_it():
    chart = lines([Line("loss", [1, 2, 3], [1.0, 50.0, 2.0])], x_label="x", y_label="y", y_span=(0.0, 4.0))
    path = re.search(r'class="line c0" d="([^"]+)"', chart).group(1)
    assert re.sub(r"[\d. ]", "", path) == "MM"
