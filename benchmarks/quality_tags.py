"""Quality on tagged words: deepfit with default options, and a conditional random field, on the same split.

    python benchmarks/quality_tags.py --data /path/to/data --seeds 3
    python benchmarks/quality_tags.py --data ... --base /path/to/minilm --peer-python /path/to/venv/bin/python

The folder holds pos/train.conll and pos/test.conll (Brown, universal tags in the last column: accuracy, of
deepfit also on unseen words) and ner/train.conll and ner/test.conll (names in tweets, BIO: F1, precision,
recall). deepfit is run as a user runs it, `deepfit train ... --json`, its seconds contain baselines and
report; with --base also fine-tuning that encoder. The peer is CRFsuite (python-crfsuite) with the usual
features of words, their ends, shapes and neighbours, trained by L-BFGS with penalties c1 = 0.1 and c2 = 0.01,
100 iterations. Every measurement is a process of its own. Prints a table and writes
benchmarks/results/quality_tags.json; what it holds of other sets and methods stays.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "quality_tags.json"
METRICS = {"pos": ("accuracy",), "ner": ("f1", "precision", "recall")}
METHODS = ("deepfit", "deepfit_base", "crfsuite")


def main() -> None:
    """Measure everything asked for, print the table, write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with pos/ and ner/")
    parser.add_argument("--base", help="folder of a published encoder to fine-tune as well")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each method on each set")
    parser.add_argument("--sets", nargs="+", choices=sorted(METRICS), default=sorted(METRICS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has python-crfsuite")
    parser.add_argument("--threads", default="0", help="of deepfit; 0 = its own choice")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--one-peer", metavar="SET", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one_peer:
        print(json.dumps(crfsuite(given.data / given.one_peer)))
        return
    rows: list[dict[str, Any]] = []
    for name in given.sets:
        for method in given.methods:
            if method == "deepfit_base" and given.base is None:
                continue
            for seed in range(1 if method == "crfsuite" else given.seeds):  # L-BFGS draws nothing at random
                began = time.perf_counter()
                scores = measure(method, name, seed, given)
                seconds = round(time.perf_counter() - began, 1)
                rows.append({"set": name, "method": method, "seed": seed, "seconds": seconds, **scores})
                print(rows[-1], file=sys.stderr, flush=True)
    kept = json.loads(given.out.read_text())["rows"] if given.out.exists() else []
    new = {(row["set"], row["method"]) for row in rows}
    rows = [row for row in kept if (row["set"], row["method"]) not in new] + rows
    given.out.parent.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "system": platform.system()}
    given.out.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")
    print(table(rows))


def measure(method: str, name: str, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """Scores on the test sentences, of deepfit with intervals and those of its baselines."""
    if method == "crfsuite":
        here = [given.peer_python, __file__, "--data", str(given.data), "--one-peer", name]
        return json.loads(last_line(here))
    folder = given.data / name
    options = ["--test", str(folder / "test.conll"), "--seed", str(seed), "--threads", given.threads]
    base = ["--base", given.base] if method == "deepfit_base" else []
    with tempfile.TemporaryDirectory() as scratch:
        out = ["--out", str(Path(scratch) / "run"), "--json"]
        command = [sys.executable, "-m", "deepfit", "train", str(folder / "train.conll")]
        card = json.loads(last_line([*command, *options, *base, *out]))
    scores = {metric: card["metrics"][metric]["value"] for metric in METRICS[name]}
    if "accuracy_unseen" in card["metrics"]:
        scores["accuracy_unseen"] = card["metrics"]["accuracy_unseen"]["value"]
    main = METRICS[name][0]
    interval = [card["metrics"][main][end] for end in ("low", "high")]
    baselines = {rival: each[main]["value"] for rival, each in card["baselines"].items()}
    return {
        **scores, "interval": interval, "baselines": baselines, "train_seconds": card["seconds"]["train"],
        "verdict": card["verdict"],
    }  # fmt: skip


def last_line(command: list[str]) -> str:
    """What the command prints last on stdout; its stderr is shown where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr[-4000:]}")
    return done.stdout.strip().splitlines()[-1]


def crfsuite(folder: Path) -> dict[str, float]:
    """A linear-chain conditional random field with hand-made features, scored by this file's own counts."""
    import pycrfsuite

    trainer = pycrfsuite.Trainer(verbose=False)
    train, test = (read(folder / f"{part}.conll") for part in ("train", "test"))
    for words, tags in train:
        trainer.append(features(words), tags)
    trainer.set_params({"c1": 0.1, "c2": 0.01, "max_iterations": 100, "feature.possible_transitions": True})
    with tempfile.TemporaryDirectory() as scratch:
        trainer.train(str(Path(scratch) / "model"))
        tagger = pycrfsuite.Tagger()
        tagger.open(str(Path(scratch) / "model"))
        said = [tagger.tag(features(words)) for words, _ in test]
        tagger.close()
    actual = [tags for _, tags in test]
    if folder.name == "ner":
        one, two = ([spans(row) for row in rows] for rows in (said, actual))
        found = sum(len(a & b) for a, b in zip(one, two, strict=True))
        many, there = (sum(map(len, each)) for each in (one, two))
        return {"f1": 2 * found / (many + there), "precision": found / max(many, 1), "recall": found / there}
    right = [
        a == b for ours, theirs in zip(said, actual, strict=True) for a, b in zip(ours, theirs, strict=True)
    ]
    return {"accuracy": sum(right) / len(right)}


def read(path: Path) -> list[tuple[list[str], list[str]]]:
    """Words and the tags of the last column, by sentence."""
    blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
    lines = [[line.split("\t") for line in block.split("\n") if line] for block in blocks]
    return [([cells[0] for cells in each], [cells[-1] for cells in each]) for each in lines]


def features(words: list[str]) -> list[list[str]]:
    """Of each word: itself, its ends, its shape, and those of its neighbours."""
    low = [word.lower() for word in words]
    found = []
    for place, word in enumerate(words):
        key = low[place]
        row = ["bias", f"w={key}", f"title={word.istitle()}", f"upper={word.isupper()}"]
        row += [f"digit={any(c.isdigit() for c in word)}", f"hyphen={'-' in word}"]
        row += [f"s{n}={key[-n:]}" for n in (1, 2, 3, 4)] + [f"p{n}={key[:n]}" for n in (1, 2, 3)]
        for step in (-2, -1, 1, 2):
            if 0 <= place + step < len(words):
                beside = words[place + step]
                row += [f"{step}w={low[place + step]}", f"{step}s={low[place + step][-3:]}"]
                row += [f"{step}title={beside.istitle()}"]
            else:
                row.append(f"{step}edge")
        found.append(row)
    return found


def spans(tags: list[str]) -> set[tuple[str, int, int]]:
    """Entities of BIO tags."""
    found, start = set(), None
    for place, tag in enumerate([*tags, "O"]):
        goes_on = tag.startswith("I-") and start is not None and tags[start][2:] == tag[2:]
        if start is not None and not goes_on:
            found.add((tags[start][2:], start, place))
            start = None
        if start is None and tag != "O":
            start = place
    return found


def table(rows: list[dict[str, Any]]) -> str:
    """A line a measurement."""
    lines = []
    for row in rows:
        scores = "  ".join(f"{name} {row[name]:.4f}" for name in METRICS[row["set"]])
        interval = " ({:.4f} to {:.4f})".format(*row["interval"]) if "interval" in row else ""
        lines.append(f"{row['set']:<4} {row['method']:<13} seed {row['seed']}  {scores}{interval}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
