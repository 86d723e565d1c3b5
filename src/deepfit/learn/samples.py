"""The rows that lessons learn from: real ones that ship with deepfit, and two spirals."""

from __future__ import annotations

import numpy as np

from deepfit.data.examples import data_folder


def houses(*columns: str, part: str = "train") -> np.ndarray:
    """Number columns of houses sold in Ames, float32 [houses, columns]; part: "train" or "test"."""
    import polars

    frame = polars.read_csv(f"{data_folder()}/ames/{part}.csv", columns=list(columns))
    return frame.select(columns).to_numpy().astype(np.float32)


def credits(part: str = "train") -> tuple[np.ndarray, np.ndarray]:
    """Loans: standardised numbers float32 [loans, 8] and whether each was repaid, int64 [loans]."""
    import polars

    names = ["Seniority", "Time", "Age", "Expenses", "Income", "Assets", "Amount", "Price"]
    whole = polars.read_csv(f"{data_folder()}/credit/train.csv", null_values=["NA", ""])
    frame = polars.read_csv(f"{data_folder()}/credit/{part}.csv", null_values=["NA", ""])
    numbers = frame.select(names).fill_null(0).to_numpy().astype(np.float64)
    known = whole.select(names).fill_null(0).to_numpy().astype(np.float64)
    scaled = (np.log1p(numbers) - np.log1p(known).mean(0)) / np.log1p(known).std(0)
    return scaled.astype(np.float32), (frame["Status"] == "good").to_numpy().astype(np.int64)


def clothes(rows: int, *, part: str = "train", seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Grey pictures in [0, 1], float32 [rows, 1, 28, 28], their classes int64 [rows], the names of these."""
    from deepfit.data.images import encode_images, learn_images, read_images

    every = read_images(f"{data_folder()}/fashion.zip")
    chosen = np.flatnonzero(np.asarray(every.parts()) == part)
    some = every.take(np.random.default_rng(seed).permutation(chosen)[:rows])
    facts = learn_images(some)
    encoded = encode_images(some, facts)
    pictures = encoded["images"].transpose(0, 3, 1, 2).astype(np.float32) / 255
    return pictures, encoded["target"], [str(name) for name in facts["classes"]]


def spirals(
    seed: int, rows: int = 600, *, turns: float = 1.5, noise: float = 0.04
) -> tuple[np.ndarray, np.ndarray]:
    """Two spirals wound into each other: points float32 [rows, 2] and their spiral, int64 [rows]."""
    rng = np.random.default_rng(seed)
    spiral = np.arange(rows) % 2
    along = np.sqrt(rng.uniform(0.02, 1, rows))
    angle = along * turns * 2 * np.pi + spiral * np.pi
    points = along[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return (points + rng.normal(0, noise, points.shape)).astype(np.float32), spiral.astype(np.int64)
