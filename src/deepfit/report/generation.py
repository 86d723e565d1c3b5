"""Made pictures: samples, how they became what they are, how the game went, and whether they are copies."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from deepfit import metrics
from deepfit.answers.generation import MEMORY, NEAREST, ROUND, SAMPLES
from deepfit.answers.pictures import PREFIX, from_text, to_text
from deepfit.judge.verdict import number
from deepfit.metrics import contest as contests
from deepfit.report import charts
from deepfit.report.charts import Line
from deepfit.report.view import Figure, Section, View

ACROSS, DOWN = 12, 6
SHOWN_ROUNDS = 8


def made_pictures(view: View) -> Section | None:
    """Pictures made for test rows, and pictures from the same noise after some of the rounds."""
    said = view.answers.get("prediction")
    if said is None or not len(said):
        return None
    count = min(len(said), ACROSS * DOWN)
    chosen = np.unique(np.linspace(0, len(said) - 1, count).round().astype(np.int64))
    images = from_text(np.asarray(said, dtype=object)[chosen])
    passages = [picture(grid(images), f"{len(chosen)} pictures as they came, none chosen.")]
    records = contests.rounds(view.result.history)
    files = {place + 1: _kept_file(view, ROUND.format(place + 1)) for place in range(len(records))}
    there = [place for place, file in files.items() if file is not None]
    for place in [there[at] for at in _spread(len(there), SHOWN_ROUNDS)]:
        scores = records[place - 1]["scores"]
        best = ", the one that was kept" if place == contests.kept(records) + 1 else ""
        caption = f"Round {place}{best}: distance {number(scores['frechet_distance'], 3)}"
        passages.append(_file_picture(files[place], caption))
    sentences = ["Made by the trained generator; no picture here is of the data."]
    if there:
        sentences.append(
            "Below: what the generator made of the same random numbers after some of the rounds of training."
        )
    return Section("Made pictures", sentences, passages=passages)


def contest(view: View) -> Section | None:
    """Distance, variety and the losses of both networks, round by round, and what went wrong."""
    records = contests.rounds(view.result.history)
    if not records:
        return None
    best = contests.kept(records) + 1
    figures = [
        Figure(_course(records, best, kind, names, label), caption)
        for kind, names, label, caption in (
            (
                "scores",
                {"frechet_distance": metrics.title("frechet_distance")},
                "distance",
                "Fréchet distance to held-out pictures, in percent of the variance of real ones",
            ),
            (
                "scores",
                {"diversity": "variance of made pictures", "recall": "recall"},
                "share of real pictures'",
                "Variety: a generator that collapses makes ever the same, and both fall towards 0",
            ),
            (
                "losses",
                {"loss_discriminator": "discriminator", "loss_generator": "generator"},
                "loss",
                "Losses. They show who is ahead, not how good the pictures are",
            ),
            (
                "losses",
                {"real_above_made": "discriminator"},
                "share told apart",
                "Share of real pictures rated above the made one beside them: at 1 the generator learns "
                "nothing any more, at one half the discriminator does",
            ),
        )
    ]
    found = [concern.message for concern in contests.review(view.result.history)]
    sentences = [
        f"{len(records)} rounds; the weights of round {best}, of the least distance, are kept (dashed line).",
        *(found or ["Neither did the discriminator win outright nor did the generator collapse."]),
    ]
    return Section("The game of the two networks", sentences, figures)


def _course(
    records: Sequence[Mapping[str, Any]], best: int, kind: str, names: Mapping[str, str], label: str
) -> Markup:
    x = list(range(1, len(records) + 1))
    drawn = [
        Line(shown, x, [float(record[kind].get(name, np.nan)) for record in records], colour=place)
        for place, (name, shown) in enumerate(names.items())
    ]
    return charts.lines(drawn, x_label="round", y_label=label, best=best, whole=True)


def copies(view: View) -> Section | None:
    """Made pictures beside the training pictures nearest to them, and how near that is."""
    record, pair = _kept_file(view, MEMORY), _kept_file(view, NEAREST)
    if record is None or pair is None:
        return None
    memory = json.loads(record.read_text(encoding="utf-8"))
    sentences = [
        f"Of {memory['compared']:,} made pictures {memory['nearer']:.0%} are nearer to a training picture "
        "than the median held-out real picture is; where nothing is copied that is about one half.",
        f"{memory['copies']:.1%} are nearer than 99 % of held-out pictures are; where nothing is copied "
        "that is about 1 %.",
    ]
    caption = "Above made pictures, below each the training picture nearest to it in the judge's features."
    return Section("Are they copies?", sentences, passages=[_file_picture(pair, caption)])


def grid(images: np.ndarray) -> np.ndarray:
    """Pictures uint8 [n, h, w, c] in rows of twelve as one, uint8 [H, W, c]; black at the end."""
    count, height, width, channels = images.shape
    across = min(ACROSS, count)
    down = -(-count // across)
    filled = np.zeros((down * across, height, width, channels), np.uint8)
    filled[:count] = images
    rows = filled.reshape(down, across, height, width, channels).transpose(0, 2, 1, 3, 4)
    return rows.reshape(down * height, across * width, channels)


def picture(image: np.ndarray, caption: str) -> Markup:
    """A picture uint8 [h, w, c] across the page."""
    return _shown(to_text(image[None])[0], caption)


def _file_picture(file: Path | None, caption: str) -> Markup:
    content = b"" if file is None else file.read_bytes()
    return _shown(PREFIX + base64.b64encode(content).decode("ascii"), caption)


def _shown(source: str, caption: str) -> Markup:
    return Markup(
        '<figure class="wide"><img src="{0}" alt="{1}" style="width:100%;image-rendering:pixelated">'
        "<figcaption>{1}</figcaption></figure>"
    ).format(source, caption)


def _kept_file(view: View, name: str) -> Path | None:
    path = Path(view.result.run) / SAMPLES / name
    return path if path.is_file() else None


def _spread(count: int, most: int) -> list[int]:
    return sorted({round(at * (count - 1) / max(1, min(most, count) - 1)) for at in range(min(most, count))})
