"""Clustering of pictures: deepfit with default options beside k-means, Gaussian mixtures, plain DEC and IDEC.

    python benchmarks/quality_image_clustering.py --seeds 3 --fashion /usr/share/datasets/fashion-mnist

Labelled pictures whose labels are hidden from training and compared with the clusters: fashion (28 x 28, a
sample of the training files, drawn by the seed) and digits (8 x 8, scikit-learn's). Each has as many clusters
as labels. The network and the baselines (k_means, principal_components_k_means, gaussian_mixture, on the
pixels of pictures of at most 16 x 16) learn from the same training rows and place the same held-out rows, in
the same run, through `deepfit train ... --json`. plain_dec and plain_idec are the same task without
neighbours and without random views, with the method's name: deep embedded clustering and its improved form
with a convolutional autoencoder. The default options were chosen with the labels of other samples of fashion
and digits in sight, so the figures are somewhat too good for the network.
Prints the median NMI over the seeds and writes benchmarks/results/quality_image_clustering.json.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import tempfile
from pathlib import Path
from typing import Any

import clusterings
import numpy as np
from PIL import Image
from rounds import spread, write

SETS = ("fashion", "digits")
STILL = ["--shift", "0", "--zoom", "0", "--turn", "0", "--flip", "off", "--colour", "0"]
PLAIN = {name: [*options, *STILL] for name, options in clusterings.PLAIN.items()}
RESULTS = Path(__file__).parent / "results" / "quality_image_clustering.json"


def main() -> None:
    """Measure everything asked for, print the table, write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fashion", type=Path, help="folder of Fashion-MNIST's four .gz files")
    parser.add_argument("--pictures", type=int, default=7500, help="how many of them, a fifth held out")
    parser.add_argument("--seeds", type=int, default=3, help="runs on each set, each with its own sample")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    records: list[dict[str, Any]] = []
    for name in given.sets:
        if name == "fashion" and given.fashion is None:
            print("fashion: skipped, since --fashion names no folder", file=sys.stderr)
            continue
        for seed in range(given.first_seed, given.first_seed + given.seeds):
            with tempfile.TemporaryDirectory() as scratch:
                records.append({"set": name, "seed": seed, **measure(name, seed, Path(scratch), given)})
            print(records[-1], file=sys.stderr, flush=True)
            write(
                given.out,
                claim="agreement (NMI) of clusters of pictures with labels that no method saw, held-out rows",
                summary=spread(records, "nmi"),
                records=records,
            )
    for name, scores in spread(records, "nmi").items():
        print(name, {method: round(score["median"], 3) for method, score in scores.items()})


def measure(name: str, seed: int, scratch: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Scores of every method on the same held-out pictures."""
    images, labels = pictures(name, given.fashion)
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[: given.pictures] if name == "fashion" else order
    parts = {"test": order[: len(order) // 5], "train": order[len(order) // 5 :]}
    for part, rows in parts.items():
        save(scratch / part, images[rows], labels[rows])
    command = [str(scratch / "train"), "--test", str(scratch / "test")]
    command += ["--task", "image-clustering", "--target", "label", "--clusters", "10"]
    command += ["--seed", str(seed), "--threads", str(given.threads)]
    return clusterings.measure(scratch, command, plain=PLAIN)


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
