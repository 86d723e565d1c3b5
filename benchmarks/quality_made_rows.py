"""Made rows: deepfit beside simple methods, plain CTGAN by our options and the package `ctgan`.

    python benchmarks/quality_made_rows.py --seeds 1 --plain --peer-python /path/to/venv/bin/python

credit, ames (examples/data) and breast_cancer (scikit-learn, three quarters train). The network, the copula
and the shuffled columns come from one run as a user makes it, `deepfit train ... --json`, with default
options (--epochs for fewer); "plain" is a second run with --moments 0 --target-weight 0, the published CTGAN
but for spikes and asinh. The package learns from the same file with its own defaults (--peer-epochs for
fewer); it takes no missing numbers, so these are filled with the median for it, and a missing word is a word.
Its rows, as many as there are training rows, are scored by the same code on the same test rows. How the
network trains was chosen with the test rows of credit in sight, so its figures there are somewhat too good.
Prints a table and writes benchmarks/results/quality_made_rows.json.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rounds import write

SETS = {"credit": "Status", "ames": "Sale_Price", "breast_cancer": "target"}
SHOWN = ("tstr", "likeness", "column_likeness", "pair_likeness", "detection_auc", "copied")
PLAIN = ["--moments", "0", "--target-weight", "0"]
RESULTS = Path(__file__).parent / "results" / "quality_made_rows.json"

PEER = """
import sys, pandas, numpy, torch
from ctgan import CTGAN
source, made, count, epochs, seed, threads = sys.argv[1:]
torch.set_num_threads(int(threads)); torch.manual_seed(int(seed)); numpy.random.seed(int(seed))
frame = pandas.read_csv(source)
words = [name for name in frame if not pandas.api.types.is_numeric_dtype(frame[name])]
for name in frame:
    frame[name] = frame[name].fillna("(missing)" if name in words else frame[name].median())
model = CTGAN(epochs=int(epochs), enable_gpu=False)
model.fit(frame, words)
rows = model.sample(int(count))
rows[words] = rows[words].replace("(missing)", None)
rows.to_csv(made, index=False)
"""


def main() -> None:
    """Measure everything asked for, print the table, write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path(__file__).parent.parent / "examples" / "data")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--sets", nargs="+", default=list(SETS), choices=list(SETS))
    parser.add_argument("--epochs", type=int, default=0, help="of ours; 0 = the default")
    parser.add_argument("--plain", action="store_true", help="also run ours as plain CTGAN")
    parser.add_argument("--peer-python", help="the interpreter that has the package ctgan")
    parser.add_argument("--peer-epochs", type=int, default=300)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    records: list[dict[str, Any]] = []
    for name in given.sets:
        for seed in range(given.seeds):
            with tempfile.TemporaryDirectory() as scratch:
                records.append({"set": name, "seed": seed, **measure(name, seed, Path(scratch), given)})
            print(records[-1], file=sys.stderr, flush=True)
    summary = summarise(records)
    write(
        given.out,
        claim="scores of made rows: training on them and testing on real rows, likeness, detection, copies",
        summary=summary,
        records=records,
    )
    for name, methods in summary.items():
        for method, scores in methods.items():
            print(f"{name:14s} {method:20s}", {metric: round(value, 3) for metric, value in scores.items()})


def measure(name: str, seed: int, scratch: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Scores of everyone on one set, and the seconds of each."""
    train, test = (given.data / name / f"{part}.csv" for part in ("train", "test"))
    if name == "breast_cancer":
        train, test = breast_cancer(seed, scratch)
    card = ours(name, seed, train, test, scratch / "run", given, [])
    everyone = {"network": card["metrics"], **card["baselines"]}
    scores = {
        method: {metric: each["value"] for metric, each in found.items()}
        for method, found in everyone.items()
    }
    seconds = {"network": card["seconds"]["train"]}
    if given.plain:
        plain = ours(name, seed, train, test, scratch / "plain", given, PLAIN)
        scores["plain"] = {metric: each["value"] for metric, each in plain["metrics"].items()}
        seconds["plain"] = plain["seconds"]["train"]
    if given.peer_python:
        begun = time.perf_counter()
        made = scratch / "made.csv"
        count = card["rows"]["train"]
        words = [str(train), str(made), str(count), str(given.peer_epochs), str(seed), str(given.threads)]
        done = subprocess.run(
            [given.peer_python, "-c", PEER, *words], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"ctgan ended with status {done.returncode}:\n{done.stderr[-3000:]}")
        seconds["ctgan"] = round(time.perf_counter() - begun, 1)
        scores["ctgan"] = score(made, train, test, SETS[name], seed)
    interval = card["metrics"]["tstr"]
    return {
        "rows": card["rows"],
        "verdict": card["verdict"],
        "tstr_interval": [interval["low"], interval["high"]],
        "seconds": seconds,
        "scores": scores,
    }


def ours(
    name: str, seed: int, train: Path, test: Path, out: Path, given: argparse.Namespace, more: list[str]
) -> dict[str, Any]:
    """The scorecard of a run."""
    command = [sys.executable, "-m", "deepfit", "train", str(train), "--task", "tabular-generation"]
    command += ["--target", SETS[name], "--test", str(test), "--seed", str(seed), "--out", str(out), "--json"]
    command += ["--threads", str(given.threads), *more]
    command += ["--epochs", str(given.epochs)] if given.epochs else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def score(made: Path, train: Path, test: Path, target: str, seed: int) -> dict[str, float]:
    """What deepfit says of rows that another program made."""
    from deepfit.answers import made_rows as answers
    from deepfit.data.generation_encoding import cells_of, learn_cells
    from deepfit.data.generation_rows import read_generation_rows

    how = {"target": target, "missing": "", "kinds": "", "split": "auto"}
    rows = read_generation_rows(str(train), facts=None, **how)
    facts = learn_cells(rows)
    cells = [cells_of(read_generation_rows(str(path), facts=facts, **how), facts) for path in (made, test)]
    return answers.score(answers.appraise(*cells, facts, training=cells_of(rows, facts), seed=seed))


def breast_cancer(seed: int, scratch: Path) -> tuple[Path, Path]:
    """train.csv and test.csv of scikit-learn's set, three quarters and one, drawn by seed."""
    import numpy as np
    from sklearn import datasets

    data: Any = datasets.load_breast_cancer()
    order = np.random.default_rng(seed).permutation(len(data.target))
    cut = len(order) * 3 // 4
    paths = scratch / "train.csv", scratch / "test.csv"
    for path, rows in zip(paths, (order[:cut], order[cut:]), strict=True):
        with open(path, "w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*(str(each).replace(" ", "_") for each in data.feature_names), "target"])
            writer.writerows([*data.data[row].tolist(), data.target_names[data.target[row]]] for row in rows)
    return paths


def summarise(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Set -> method -> metric -> median over the seeds."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(record["set"] for record in records):
        mine = [record["scores"] for record in records if record["set"] == name]
        found[name] = {
            method: {
                metric: statistics.median(scores[method][metric] for scores in mine)
                for metric in SHOWN
                if metric in mine[0][method]
            }
            for method in mine[0]
        }
    return found


if __name__ == "__main__":
    main()
