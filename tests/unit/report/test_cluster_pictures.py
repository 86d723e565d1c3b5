"""Pictures of clusters in a report: means, the nearest to the centre, the least sure, a map."""

from __future__ import annotations

import base64
import io
import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from deepfit.answers.clusters import of_belonging
from deepfit.nn.clusters import Clusters
from deepfit.report import sections
from deepfit.report.clusters import MAP
from deepfit.report.view import View

ROWS, SIDE = 30, 4


class Rows:
    """Flat grey pictures, told apart by their grey."""

    def __init__(self, labels=None):
        self.levels = np.arange(ROWS, dtype=np.uint8) * 8
        self.labels = labels

    def pixels(self, size, channels):
        return np.broadcast_to(self.levels[:, None, None, None], (ROWS, *size, channels)).copy()

    def target(self):
        return self.labels


def view_of(rows, shares):
    """A view whose codes are the grey levels, with the centres of two clusters at 0 and 200."""
    clusters = Clusters(2, 1)
    clusters.settle(torch.tensor([[0.0], [200.0]]), 1.0)
    task = SimpleNamespace(
        encode=lambda test, facts: {"images": test.pixels((SIDE, SIDE), 1)},
        codes=lambda net, batch, facts: batch["images"][:, 0, 0].astype(np.float32),
    )
    model = SimpleNamespace(task=task, net=SimpleNamespace(clusters=clusters), facts={})
    return View(SimpleNamespace(answers=of_belonging(shares), test=rows, model=model, history=[], task=task))


@pytest.fixture
def shares():
    first = np.where(np.arange(ROWS) < 20, 0.6 + np.arange(ROWS) / 100, 0.1)
    return np.stack([first, 1 - first], axis=1)


def drawn(passage):
    """The pixels of a picture on the page."""
    found = re.search(r"base64,([^\"]+)", str(passage))
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(found[1]))))


def tiles(passage):
    """The grey in the middle of each picture of a strip."""
    return drawn(passage)[SIDE // 2, SIDE // 2 :: SIDE].tolist()


def test_means_are_those_of_the_clusters_and_what_is_lighter_than_the_rest_is_light(shares):
    rows = Rows()
    section = sections.make("cluster_means", view_of(rows, shares))
    means = [rows.levels[:20].mean(), rows.levels[20:].mean()]
    assert tiles(section.passages[0]) == [int(np.rint(mean)) for mean in means]
    apart = np.array(means) - rows.levels.mean()
    wanted = np.rint(127.5 + 127.5 * apart / np.abs(apart).max())
    assert tiles(section.passages[1]) == wanted.tolist()


def test_the_nearest_pictures_come_first_and_the_least_sure_last(shares):
    rows = Rows(np.where(np.arange(ROWS) < 15, "dark", "light"))
    first, second = sections.make("cluster_pictures", view_of(rows, shares)).passages
    nearest = [0, 8, 16, 24, 32, 40, 48]
    # among the others rows 7, 8, 9 belong to the cluster least
    assert tiles(first) == [*nearest, 255, 56, 64, 72, 255]
    assert "Cluster 0: 20 test pictures (67%)" in first
    assert "mostly &#39;dark&#39; (75%)" in first
    assert tiles(second)[:3] == [200, 192, 208]


def test_without_known_groups_none_is_named(shares):
    passages = sections.make("cluster_pictures", view_of(Rows(), shares)).passages
    assert "mostly" not in "".join(passages)


def test_the_map_shows_one_picture_for_each_place(shares):
    view = view_of(Rows(), shares)
    assert sections.make("cluster_picture_map", view) is None
    points = np.array([[0.0, 0.0], [0.001, 0.001], [1.0, 1.0]])
    view.found[MAP] = (np.array([3, 4, 25]), points, np.array([0, 0, 1]))
    chart = str(sections.make("cluster_picture_map", view).figures[0].chart)
    assert chart.count("<image") == 2
    assert re.findall(r"<title>cluster (\d)", chart) == ["0", "1"]


def test_a_table_has_no_pictures(shares):
    view = view_of(SimpleNamespace(target=lambda: None), shares)
    for name in ("cluster_means", "cluster_pictures", "cluster_picture_map"):
        assert sections.make(name, view) is None
