"""Clustering: deepfit with default options beside k-means, Gaussian mixtures and others, several seeds.

    python benchmarks/quality_clustering.py --seeds 3 --digits /path/to/digits.csv

Labelled tables whose labels are hidden from training and compared with the clusters: digits (a CSV of 64
pixels and `label`; scikit-learn's), wine, breast_cancer and iris (scikit-learn). Each has as many clusters as
labels. The network and the baselines (k_means, principal_components_k_means, gaussian_mixture) learn from the
same training rows and place the same held-out rows, in the same run, through `deepfit train ... --json`.
plain_dec and plain_idec are the same task with `--neighbours 0` and the method's name. spectral_clustering
(scikit-learn, 10 neighbours) cannot place new rows: it sees all rows, the held-out ones among them, which is
an advantage, and is scored on the held-out ones. The default options were chosen with the labels of digits in
sight, those of held-out rows of other splits too, so its figures are somewhat too good for the network; the
labels of the other tables changed nothing.
Prints the median NMI over the seeds and writes benchmarks/results/quality_clustering.json.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from clustering_runs import every, scorecard, scores

TASK = "tabular-clustering"
CLUSTERS = {"digits": 10, "wine": 3, "breast_cancer": 2, "iris": 3}
PLAIN = {"plain_dec": ["--neighbours", "0", "--method", "dec"], "plain_idec": ["--neighbours", "0"]}
RESULTS = Path(__file__).parent / "results" / "quality_clustering.json"


def main() -> None:
    """Measure everything asked for, print the table, write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--digits", type=Path, help="CSV of 64 pixels and the column label")
    parser.add_argument("--seeds", type=int, default=3, help="runs on each set, each with its own split")
    parser.add_argument("--sets", nargs="+", default=list(CLUSTERS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    if given.digits is None and "digits" in given.sets:
        print("digits: skipped, since --digits names no file", file=sys.stderr)
        given.sets.remove("digits")
    every(given.sets, given.seeds, lambda name, seed, scratch: measure(name, seed, scratch, given), given.out)


def measure(name: str, seed: int, scratch: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Scores of every method on the same held-out rows."""
    columns, labels = table(name, given.digits)
    order = np.random.default_rng(seed).permutation(len(labels))
    parts = {"test": order[: len(order) // 5], "train": order[len(order) // 5 :]}
    for part, rows in parts.items():
        save(scratch / f"{part}.csv", columns[rows], labels[rows])
    how: dict[str, Any] = {"clusters": CLUSTERS[name], "seed": seed, "threads": given.threads}
    begun = time.perf_counter()
    card = scorecard(TASK, scratch, **how)
    seconds = round(time.perf_counter() - begun, 1)
    found: dict[str, dict[str, float]] = scores(card)
    for plain, options in PLAIN.items():
        found[plain] = scores(scorecard(TASK, scratch, options=options, **how))["network"]
    found["spectral_clustering"] = spectral(columns, labels, parts, CLUSTERS[name], seed)
    interval = card["metrics"]["nmi"]
    return {
        "seconds": seconds,
        "rows": card["rows"],
        "verdict": card["verdict"],
        "interval": [interval["low"], interval["high"]],
        "scores": found,
    }


def table(name: str, digits: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Columns [rows, columns] and labels [rows]."""
    if name == "digits":
        found = np.loadtxt(digits, delimiter=",", skiprows=1)  # pyright: ignore[reportArgumentType, reportCallIssue]  (main has asked for it)
        return found[:, :-1], found[:, -1].astype(int)
    from sklearn import datasets

    data: Any = getattr(datasets, f"load_{name}")()
    return data.data, data.target


def save(path: Path, columns: np.ndarray, labels: np.ndarray) -> None:
    """A CSV with the columns x0, x1, ... and label."""
    names = [f"x{place}" for place in range(columns.shape[1])]
    lines = [",".join([*(repr(float(value)) for value in row), str(label)])
             for row, label in zip(columns, labels, strict=True)]  # fmt: skip
    path.write_text("\n".join([",".join([*names, "label"]), *lines]) + "\n")


def spectral(
    columns: np.ndarray, labels: np.ndarray, parts: dict[str, np.ndarray], clusters: int, seed: int
) -> dict[str, float]:
    """NMI of scikit-learn's spectral clustering, fitted on all rows, on the held-out ones.

    Of columns that are scaled to deviation 1, or as they are, whichever agrees better with the labels: more
    than a user could know.
    """
    import warnings

    from sklearn.cluster import SpectralClustering
    from sklearn.metrics import normalized_mutual_info_score

    deviation = columns[parts["train"]].std(0)
    test, found = parts["test"], []
    for points in (columns, columns / np.where(deviation > 0, deviation, 1)):
        model = SpectralClustering(
            clusters, affinity="nearest_neighbors", n_neighbors=10, random_state=seed, assign_labels="kmeans"
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a graph of several pieces
            clusters_found = model.fit_predict(points)
        found.append(float(normalized_mutual_info_score(labels[test], clusters_found[test])))
    return {"nmi": max(found)}


if __name__ == "__main__":
    main()
