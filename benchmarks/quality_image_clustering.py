"""Clustering of pictures: deepfit with default options beside k-means, Gaussian mixtures, plain DEC and IDEC.

    python benchmarks/quality_image_clustering.py --seeds 3 --fashion /usr/share/datasets/fashion-mnist

Labelled pictures whose labels are hidden from training and compared with the clusters: fashion (28 x 28, a
sample of the training files, drawn by the seed) and digits (8 x 8, scikit-learn's). Each has as many clusters
as labels. The network and the baselines (k_means, principal_components_k_means, gaussian_mixture, on the
pixels of pictures of at most 16 x 16) learn from the same training rows and place the same held-out rows, in
the same run, through `deepfit train ... --json`. plain_dec and plain_idec are the same task without
neighbours and without random views, with the method's name: deep embedded clustering and its improved form
with a convolutional autoencoder. The default options were chosen with the labels of digits and of samples of
fashion in sight, that of seed 0 among them, so the figures are somewhat too good for the network.
Prints the median NMI over the seeds and writes benchmarks/results/quality_image_clustering.json.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from clustering_runs import every, scorecard, scores
from PIL import Image

SETS = ("fashion", "digits")
TASK = "image-clustering"
PLAIN = {"plain_dec": ["--neighbours", "0", "--method", "dec"], "plain_idec": ["--neighbours", "0"]}
STILL = ["--shift", "0", "--zoom", "0", "--turn", "0", "--flip", "off", "--colour", "0"]
"""No random views, which deep embedded clustering has not."""
RESULTS = Path(__file__).parent / "results" / "quality_image_clustering.json"


def main() -> None:
    """Measure everything asked for, print the table, write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fashion", type=Path, help="folder of Fashion-MNIST's four .gz files")
    parser.add_argument("--pictures", type=int, default=5000, help="how many of them, a fifth held out")
    parser.add_argument("--seeds", type=int, default=3, help="runs on each set, each with its own sample")
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    if given.fashion is None and "fashion" in given.sets:
        print("fashion: skipped, since --fashion names no folder", file=sys.stderr)
        given.sets.remove("fashion")
    every(given.sets, given.seeds, lambda name, seed, scratch: measure(name, seed, scratch, given), given.out)


def measure(name: str, seed: int, scratch: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Scores of every method on the same held-out pictures."""
    images, labels = pictures(name, given.fashion)
    order = np.random.default_rng([seed, 1]).permutation(len(labels))
    order = order[: given.pictures] if name == "fashion" else order
    parts = {"test": order[: len(order) // 5], "train": order[len(order) // 5 :]}
    for part, rows in parts.items():
        save(scratch / part, images[rows], labels[rows])
    how: dict[str, Any] = {"clusters": 10, "seed": seed, "threads": given.threads, "ending": ""}
    begun = time.perf_counter()
    card = scorecard(TASK, scratch, **how)
    seconds = round(time.perf_counter() - begun, 1)
    found = scores(card)
    for plain, options in PLAIN.items():
        found[plain] = scores(scorecard(TASK, scratch, options=[*options, *STILL], **how))["network"]
    interval = card["metrics"]["nmi"]
    return {
        "seconds": seconds,
        "rows": card["rows"],
        "verdict": card["verdict"],
        "interval": [interval["low"], interval["high"]],
        "scores": found,
    }


def pictures(name: str, fashion: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pictures uint8 [rows, height, width] and labels [rows]."""
    if name == "digits":
        from sklearn.datasets import load_digits

        found: Any = load_digits()
        return np.rint(found.images * (255 / 16)).astype(np.uint8), found.target
    images = np.frombuffer(gzip.decompress((fashion / "train-images-idx3-ubyte.gz").read_bytes()), np.uint8)
    labels = np.frombuffer(gzip.decompress((fashion / "train-labels-idx1-ubyte.gz").read_bytes()), np.uint8)
    return images[16:].reshape(-1, 28, 28), labels[8:]


def save(folder: Path, images: np.ndarray, labels: np.ndarray) -> None:
    """A folder of PNGs for each label."""
    for row, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        place = folder / str(label)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{row:05d}.png")


if __name__ == "__main__":
    main()
