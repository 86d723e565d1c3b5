"""Quality on texts: deepfit with default options, from nothing and on a published encoder, beside TF-IDF.

    python benchmarks/quality_texts.py --data DATA --base FOLDER_OF_MINILM --threads 2

DATA holds text_sentiment/train.csv and test.csv (food reviews: great or other) and text_spam/train.csv and
test.csv (mail: spam or ham), each with the columns text and label. deepfit is run as a user runs it, through
`deepfit train ... --json`, in a process of its own, so its seconds contain imports, reading, scoring and the
baseline. `tfidf` is the baseline of the same scorecard, on the same rows. Prints a table with 95 % intervals
and writes benchmarks/results/quality_texts.json.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import rounds
from quality_tables import last_line

SETS = ("text_sentiment", "text_spam")
METRICS = ("accuracy", "roc_auc", "log_loss")
RESULTS = Path(__file__).parent / "results" / "quality_texts.json"


def main() -> None:
    """Measure everything asked for, print the table, write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with the sets")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--base", help="folder of a published encoder; without it only from nothing")
    parser.add_argument("--networks", nargs="*", default=["auto"], help="from nothing; none for --base alone")
    parser.add_argument("--seeds", type=int, default=1, help="runs of each method on each set")
    parser.add_argument("--threads", default=str(os.cpu_count() or 1))
    parser.add_argument("--options", nargs="*", default=[], help="further words for deepfit: epochs=1")
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()

    methods = {f"deepfit {name}": ["--network", name] for name in given.networks}
    if given.base:
        methods["deepfit --base"] = ["--base", given.base]
    rows: list[dict[str, Any]] = []
    for name in given.sets:
        for method, words in methods.items():
            for seed in range(given.seeds):
                rows += measure(name, method, words, seed, given)
                print(rows[-1], file=sys.stderr, flush=True)
    rounds.write(given.out, claim="accuracy of texts beside TF-IDF and logistic regression", rows=rows)
    print(table(rows))


def measure(
    name: str, method: str, words: list[str], seed: int, given: argparse.Namespace
) -> list[dict[str, Any]]:
    """The scores of one run and, once a set, those of the baseline in its scorecard."""
    folder = given.data / name
    further = [word for pair in given.options for word in (f"--{pair.split('=')[0]}", pair.split("=")[1])]
    with tempfile.TemporaryDirectory() as scratch:
        command = [
            sys.executable, "-m", "deepfit", "train", str(folder / "train.csv"),
            "--test", str(folder / "test.csv"), "--task", "text-classification", "--seed", str(seed),
            "--threads", given.threads, *words, *further, "--out", str(Path(scratch) / "run"), "--json",
        ]  # fmt: skip
        began = time.perf_counter()
        card = json.loads(last_line(command))
        seconds = time.perf_counter() - began
    found = [(method, card["metrics"], seconds)]
    if "tfidf" in card["baselines"]:
        found.append(("tfidf", card["baselines"]["tfidf"], None))
    return [
        {"set": name, "method": who, "seed": seed, "seconds": taken, "verdict": card["verdict"],
         **{metric: scores[metric] for metric in METRICS}}
        for who, scores, taken in reversed(found)
    ]  # fmt: skip


def table(rows: list[dict[str, Any]]) -> str:
    """A line a set, method and seed; the baseline once a set."""
    lines, seen = [], set()
    for row in rows:
        key = (row["set"], row["method"], row["seed"] if row["method"] != "tfidf" else 0)
        if key in seen:
            continue
        seen.add(key)
        cells = "".join(
            f"{metric} {row[metric]['value']:.4f} ({row[metric]['low']:.4f} to {row[metric]['high']:.4f})  "
            for metric in METRICS
        )
        taken = f"{row['seconds']:.0f} s" if row["seconds"] else ""
        lines.append(f"{row['set']:<16}{row['method']:<28}{cells}{taken}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
