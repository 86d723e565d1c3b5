"""What a report shows of clusters of pictures: a map in pictures, means, the nearest and the least sure."""

from __future__ import annotations

from typing import Any

import numpy as np
from markupsafe import Markup

from deepfit.judge.verdict import DASH
from deepfit.report import charts
from deepfit.report.charts import BOTTOM, COLOURS, HEIGHT, LEFT, RIGHT, TOP, WIDTH
from deepfit.report.clusters import MAP
from deepfit.report.examples import data_uri
from deepfit.report.generation import ACROSS, grid, picture
from deepfit.report.view import Figure, Section, View

SHOWN_CLUSTERS = 30
NEAREST, UNSURE = 7, 3
"""Pictures nearest to the centre of a cluster, and those that belong to it least surely, that are shown."""
MAPPED_PX, BORDER_PX = 30, 2
DARK, LIGHT = 0, 255


def cluster_picture_map(view: View) -> Section | None:
    """The map of the clusters with pictures in place of points, as many as have room."""
    images = _images(view)
    if images is None or MAP not in view.found:
        return None
    chosen, points, found = view.found[MAP]
    across = charts.scale(points[:, 0], LEFT - 50, WIDTH - RIGHT - MAPPED_PX)
    up = charts.scale(points[:, 1], HEIGHT - BOTTOM + 30 - MAPPED_PX, TOP)
    taken: set[tuple[int, int]] = set()
    parts = []
    for row, (x, y), cluster in zip(chosen.tolist(), points.tolist(), found.tolist(), strict=True):
        cell = (int(across(x) // MAPPED_PX), int(up(y) // MAPPED_PX))
        if cell in taken:
            continue
        taken.add(cell)
        left, top = cell[0] * MAPPED_PX, cell[1] * MAPPED_PX
        parts.append(
            Markup(
                '<rect class="bar c{}" x="{}" y="{}" width="{}" height="{}"/>'
                '<image x="{}" y="{}" width="{}" height="{}" href="{}"><title>cluster {}</title></image>'
            ).format(
                cluster % COLOURS,
                left,
                top,
                MAPPED_PX - 1,
                MAPPED_PX - 1,
                left + BORDER_PX,
                top + BORDER_PX,
                MAPPED_PX - 1 - 2 * BORDER_PX,
                MAPPED_PX - 1 - 2 * BORDER_PX,
                data_uri(images[row]),
                cluster,
            )
        )
    caption = "The map above with one of the pictures of each place; the frame has the colour of the cluster."
    return Section(
        "Map in pictures", figures=[Figure(charts.figure(parts, "a map of pictures"), caption, wide=True)]
    )


def cluster_means(view: View) -> Section | None:
    """The mean picture of each cluster, and by what it differs from the mean of all."""
    images = _images(view)
    if images is None:
        return None
    found = _found(view)
    shown = _shown(view)
    means = np.stack([images[found == place].mean(0) for place in shown])
    apart = means - images.mean(0)
    most = max(float(np.abs(apart).max()), 1e-9)
    lighter = np.clip(np.rint(127.5 + 127.5 * apart / most), DARK, LIGHT)
    numbers = ", ".join(map(str, shown))
    return Section(
        "What tells the clusters apart",
        [
            "The mean of each cluster's test pictures. What is sharp in it, its pictures share; what is "
            "blurred differs between them, or lies elsewhere in each."
        ],
        passages=[
            picture(grid(np.rint(means).astype(np.uint8)), f"Mean pictures of the clusters {numbers}."),
            picture(
                grid(lighter.astype(np.uint8)),
                "Less the mean of all pictures: light where a cluster is lighter than the others, dark where "
                "it is darker.",
            ),
        ],
    )


def cluster_pictures(view: View) -> Section | None:
    """Of each cluster the pictures nearest to its centre and those that belong to it least surely."""
    images = _images(view)
    if images is None:
        return None
    model: Any = view.result.model
    found, sure = _found(view), np.asarray(view.answers["confidence"], np.float64)
    codes = model.task.codes(model.net, {"images": images}, model.facts)
    centres = model.net.clusters.centres_SD.detach().cpu().numpy()
    far = np.linalg.norm(codes - centres[found], axis=1)
    passages = []
    for place in _shown(view):
        own = np.flatnonzero(found == place)
        nearest = own[np.argsort(far[own], kind="stable")[:NEAREST]]
        rest = np.setdiff1d(own, nearest)
        unsure = rest[np.argsort(sure[rest], kind="stable")[:UNSURE]]
        strip = np.full((ACROSS, *images.shape[1:]), LIGHT, np.uint8)
        strip[: len(nearest)] = images[nearest]
        strip[NEAREST + 1 : NEAREST + 1 + len(unsure)] = images[unsure]
        least = f", the least sure on the right ({sure[unsure[0]]:.0%})" if len(unsure) else ""
        passages.append(
            picture(
                grid(strip),
                f"Cluster {place}: {len(own):,} test pictures ({len(own) / len(found):.0%}), belonging by "
                f"{sure[own].mean():.0%} in the mean{_known(view, own)}. Nearest to its centre on the left"
                f"{least}.",
            )
        )
    said = "The nearest pictures say what a cluster is about, the least sure ones where it ends."
    return Section("Pictures of each cluster", [said], passages=passages)


def _images(view: View) -> np.ndarray | None:
    """The test pictures as the network sees them, uint8 [rows, height, width, channels]; None for none."""
    test: Any = view.result.test
    if test is None or not hasattr(test, "pixels") or not len(view.answers.get("prediction", ())):
        return None
    model: Any = view.result.model
    return model.task.encode(test, model.facts)["images"]


def _found(view: View) -> np.ndarray:
    return np.asarray(view.answers["prediction"], np.int64)


def _shown(view: View) -> list[int]:
    """The first clusters that have a test picture."""
    return np.unique(_found(view)).tolist()[:SHOWN_CLUSTERS]


def _known(view: View, rows: np.ndarray) -> str:
    """The most frequent known group among these rows, where groups are known."""
    if view.target is None:
        return ""
    values, counts = np.unique(np.asarray(view.target)[rows], return_counts=True)
    name = str(values[counts.argmax()]) or DASH
    return f", mostly '{name}' ({counts.max() / len(rows):.0%})"
