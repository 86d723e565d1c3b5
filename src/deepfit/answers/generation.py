"""Answers that are made pictures: from a network's numbers to texts, and how such answers are scored."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from deepfit.answers.pictures import to_text
from deepfit.contract import Answers
from deepfit.metrics.feature_tally import FeatureTally

SAMPLES, NEAREST, MEMORY = "samples", "nearest.png", "memory.json"
"""The folder of a run with pictures drawn in training, and two files in it that tell of copies."""
ROUND = "round-{:04d}.png"

FLAGS = {"precise": "precision", "covered": "recall", "recognised": "recognised"}
"""Columns of appraised answers -> the scores that are the share of rows with them."""


def as_bytes(images: np.ndarray) -> np.ndarray:
    """Pictures in [-1, 1] as uint8, rounded to the nearest level."""
    return np.rint((np.clip(images, -1, 1) + 1) * 127.5).astype(np.uint8)


def of_pictures(images: np.ndarray) -> Answers:
    """`prediction`: each picture, uint8 [rows, height, width, channels], as the text of a PNG."""
    return Answers({"prediction": to_text(images)})


def score(answers: Answers) -> Mapping[str, float]:
    """Scores of appraised answers: see `plans.picture_judge.appraise`.

    frechet_distance: in percent of the variance of real training pictures' features; precision: the share of
    made pictures that lie among real ones; recall: the share of real pictures that lie among made ones;
    recognised: the share of made pictures that the judge takes for the class that was asked for.
    """
    return tally(answers).of(np.arange(len(answers))) if len(answers) > 1 else {}


def tally(answers: Answers) -> FeatureTally:
    """What the scores of any of these rows follow from, so that a thousand resamples are cheap."""
    columns = {
        name: answers.columns[name]
        for name in (*FLAGS, "features", "real_features")
        if name in answers.columns
    }
    real, made = (np.asarray(columns.pop(name), np.float64) for name in ("real_features", "features"))
    return FeatureTally(real, made, {FLAGS[name]: flag.astype(np.float64) for name, flag in columns.items()})
