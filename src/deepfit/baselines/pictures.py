"""What made pictures are to be compared with: real ones, and the simplest thing that makes new ones."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

Made = tuple[str, np.ndarray, float]

FITTED = 5_000
"""Training pictures whose covariance the Gaussian has, of each class where there are classes."""
CLASS_FEWEST = 2


def for_pictures(
    train: np.ndarray,
    rows: int,
    *,
    seed: int,
    train_classes: np.ndarray | None = None,
    classes: np.ndarray | None = None,
) -> Iterator[Made]:
    """Yield real_pictures and gaussian: (name, uint8 [rows, height, width, channels], seconds).

    real_pictures: training pictures drawn at random, which show how good scores can be. gaussian: draws from
    the Gaussian with the mean and the whole covariance of the pixels of training pictures, cut to bytes.
    With classes (numbers a training picture and a wanted row, -1 for unknown) both are of the class wanted.
    """
    for name, draw in (("real_pictures", real_pictures), ("gaussian", gaussian)):
        began = time.perf_counter()
        rng = np.random.default_rng([seed, len(name)])
        made = np.empty((rows, *train.shape[1:]), np.uint8)
        for places, source in _parts(train, rows, train_classes, classes):
            made[places] = draw(source, len(places), rng)
        yield name, made, time.perf_counter() - began


def _parts(
    train: np.ndarray, rows: int, train_classes: np.ndarray | None, classes: np.ndarray | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places of wanted rows, and the training pictures that they are like."""
    if train_classes is None or classes is None:
        yield np.arange(rows), train
        return
    for each in np.unique(classes):
        source = train[train_classes == each]
        yield np.flatnonzero(classes == each), source if len(source) >= CLASS_FEWEST else train


def real_pictures(train: np.ndarray, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Training pictures drawn at random, none twice where there are enough."""
    return train[rng.choice(len(train), rows, replace=rows > len(train))]


def gaussian(train: np.ndarray, rows: int, rng: np.random.Generator) -> np.ndarray:
    """Draws from the Gaussian of the pixels: mean + g (X - mean) / sqrt(n - 1), g standard normal [n].

    That has exactly the sample covariance of the n pictures X, of any rank, without a decomposition.
    """
    chosen = train[rng.choice(len(train), min(len(train), FITTED), replace=False)]
    flat = chosen.reshape(len(chosen), -1).astype(np.float32)
    mean = flat.mean(0)
    weights = rng.standard_normal((rows, len(flat)), dtype=np.float32) / np.sqrt(np.float32(len(flat) - 1))
    made = weights @ (flat - mean) + mean
    return np.clip(np.rint(made), 0, 255).astype(np.uint8).reshape(rows, *train.shape[1:])
