"""Quality on strings of symbols: deepfit with default options beside simple methods, several seeds.

    python benchmarks/quality_sequences.py --data /path/to/dna_sequences --seeds 5

The folder holds train.csv and test.csv with the columns `sequence` and `label`: splice junctions, 60 bases,
three classes. deepfit is run as a user runs it, through `deepfit train ... --json`, whose scorecard holds its
own baselines, too; the peers are scikit-learn's, with the settings named here. With --folds the training rows
alone are cut into so many folds, each scored once by networks and peers that saw the others: the test is
small, and its 601 rows tell methods apart by a point, not by half of one. Prints a table and writes
benchmarks/results/quality_sequences.json.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

METRICS = ("accuracy", "log_loss")
RESULTS = Path(__file__).parent / "results" / "quality_sequences.json"


def main() -> None:
    """Measure everything asked for, print the table, write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with train.csv and test.csv")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folds", type=int, default=0, help="also cross-validate on the training rows")
    parser.add_argument("--methods", nargs="+", choices=["deepfit", *PEERS], default=["deepfit", *PEERS])
    parser.add_argument("--options", type=str.split, default=[], help="more of `deepfit train`, in quotes")
    parser.add_argument(
        "--deepfit", nargs="+", default=[sys.executable, "-m", "deepfit"], help="command that starts deepfit"
    )
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    train, test = (read(given.data / f"{part}.csv") for part in ("train", "test"))
    rows: list[dict[str, Any]] = []
    for split, ours, theirs in splits(train, test, given.folds):
        for method in given.methods:
            for seed in range(given.seeds if split == "test" else 1):
                began = time.perf_counter()
                found = measure(method, ours, theirs, seed, given)
                seconds = round(time.perf_counter() - began, 1)
                rows += [
                    {"split": split, "method": name, "seed": seed, "seconds": seconds, **scores}
                    for name, scores in found.items()
                ]
                print(rows[-1], file=sys.stderr, flush=True)
                if method != "deepfit" and method not in DRAWN:
                    break
    summary = summarise(rows)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "system": platform.system()}
    report = {"machine": machine, "options": given.options, "summary": summary, "rows": rows}
    given.out.write_text(json.dumps(report, indent=1) + "\n")
    print(table(summary))


Strings = list[tuple[str, str]]


def read(path: Path) -> Strings:
    """(sequence, label) of each row."""
    with open(path, newline="", encoding="utf-8") as file:
        return [(row["sequence"], row["label"]) for row in csv.DictReader(file)]


def splits(train: Strings, test: Strings, folds: int) -> list[tuple[str, Strings, Strings]]:
    """The given split, then the folds of the training rows, each class in proportion."""
    from sklearn.model_selection import StratifiedKFold

    found = [("test", train, test)]
    if folds:
        labels = [label for _, label in train]
        cut = StratifiedKFold(folds, shuffle=True, random_state=0).split(labels, labels)
        for place, (seen, held) in enumerate(cut):
            found.append((f"fold {place + 1}", [train[i] for i in seen], [train[i] for i in held]))
    return found


def measure(
    method: str, train: Strings, test: Strings, seed: int, given: argparse.Namespace
) -> dict[str, dict[str, float]]:
    """Scores on the test rows, by name: of deepfit with its baselines, or of one peer."""
    if method != "deepfit":
        return {method: peer(PEERS[method](seed), train, test)}
    with tempfile.TemporaryDirectory() as scratch:
        for name, strings in (("train", train), ("test", test)):
            with open(Path(scratch) / f"{name}.csv", "w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([("sequence", "label"), *strings])
        words = ["train", f"{scratch}/train.csv", "--test", f"{scratch}/test.csv", "--seed", str(seed)]
        command = [*given.deepfit, *words, "--out", f"{scratch}/run", "--json", *given.options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    card = json.loads(done.stdout.strip().splitlines()[-1])
    everyone = {"deepfit": card["metrics"], **{f"its {k}": v for k, v in card["baselines"].items()}}
    return {
        name: {metric: scores[metric]["value"] for metric in METRICS} for name, scores in everyone.items()
    }


def peer(model: Any, train: Strings, test: Strings) -> dict[str, float]:
    """Fit a peer on one-hot letters by position, and score it."""
    from sklearn.metrics import accuracy_score, log_loss

    (x, y), (asked, truth) = (
        (one_hot([text for text, _ in part]), [label for _, label in part]) for part in (train, test)
    )
    model.fit(x, y)
    chances = model.predict_proba(asked)
    said = model.classes_[chances.argmax(1)]
    return {
        "accuracy": float(accuracy_score(truth, said)),
        "log_loss": float(log_loss(truth, chances, labels=model.classes_)),
    }


def one_hot(texts: list[str]) -> np.ndarray:
    """float32 [rows, 4 * letters]; other letters than A, C, G, T are none of them."""
    letters = np.array([list(text) for text in texts])
    return (letters[:, :, None] == np.array(list("ACGT"))).reshape(len(texts), -1).astype(np.float32)


def logistic_regression(seed: int) -> Any:
    """Logistic regression, its penalty chosen by five folds."""
    from sklearn.linear_model import LogisticRegressionCV

    kind: Any = LogisticRegressionCV
    return kind(
        Cs=[0.01, 0.03, 0.1, 0.3, 1.0], cv=5, scoring="neg_log_loss", max_iter=500, l1_ratios=(0.0,),
        use_legacy_attributes=False,
    )  # fmt: skip


def random_forest(seed: int) -> Any:
    """A random forest of 500 trees."""
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(500, random_state=seed)


def support_vectors(seed: int) -> Any:
    """A support vector machine with a Gaussian kernel, C = 3."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.svm import SVC

    return CalibratedClassifierCV(SVC(C=3.0), ensemble=False)


PEERS: dict[str, Callable[[int], Any]] = {
    "logistic_regression": logistic_regression,
    "random_forest": random_forest,
    "support_vectors": support_vectors,
}
DRAWN = ("random_forest",)
"""Peers that draw at random, so that another seed gives another answer."""


def summarise(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Mean, least and greatest of every metric: over the seeds on the test, over all folds together."""
    summary = []
    kinds = dict.fromkeys((row["split"].partition(" ")[0], row["method"]) for row in rows)
    for split, method in kinds:
        mine = [row for row in rows if row["split"].startswith(split) and row["method"] == method]
        line: dict[str, Any] = {"split": split, "method": method, "runs": len(mine)}
        for metric in (*METRICS, "seconds"):
            values = [row[metric] for row in mine]
            line[metric] = {"mean": statistics.mean(values), "low": min(values), "high": max(values)}
        summary.append(line)
    return summary


def table(summary: list[dict[str, Any]]) -> str:
    """The summary as text."""
    lines = []
    for split in dict.fromkeys(line["split"] for line in summary):
        lines.append(f"\n{split:<26}" + "".join(f"{metric + ' (low to high)':>34}" for metric in METRICS))
        for line in (each for each in summary if each["split"] == split):
            cells = [
                "{mean:.4f} ({low:.4f} to {high:.4f})".format(**line[metric]).rjust(34) for metric in METRICS
            ]
            lines.append(f"{line['method']:<26}{''.join(cells)}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
