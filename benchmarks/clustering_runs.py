"""What the benchmarks of clustering share: a run through the command line, its scores, sets times seeds."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rounds import spread, write


def every(
    sets: Sequence[str], seeds: int, measure: Callable[[str, int, Path], Mapping[str, Any]], out: Path
) -> None:
    """Measure each set with each seed, print the median NMI of every method, write the JSON after each.

    measure: (set, seed, an empty folder) -> a record with `scores`: method -> metric -> value.
    """
    records: list[dict[str, Any]] = []
    for name in sets:
        for seed in range(seeds):
            with tempfile.TemporaryDirectory() as scratch:
                records.append({"set": name, "seed": seed, **measure(name, seed, Path(scratch))})
            print(records[-1], file=sys.stderr, flush=True)
            write(
                out,
                claim="agreement (NMI) of clusters with labels that no method saw, on held-out rows",
                summary=spread(records, "nmi"),
                records=records,
            )
    for name, scores in spread(records, "nmi").items():
        print(name, {method: round(score["median"], 3) for method, score in scores.items()})


def scorecard(
    task: str,
    folder: Path,
    *,
    clusters: int,
    seed: int,
    threads: int,
    options: Sequence[str] = (),
    ending: str = ".csv",
) -> dict[str, Any]:
    """The scorecard of a run on train.csv and test.csv of a folder, whose column label is for scoring.

    ending: of their names; "" where they are folders of pictures.
    """
    out = folder / "_".join(["run", *(Path(option).name for option in options)])
    command = [sys.executable, "-m", "deepfit", "train", str(folder / f"train{ending}"), "--json"]
    command += ["--task", task, "--target", "label", "--clusters", str(clusters)]
    command += ["--test", str(folder / f"test{ending}"), "--seed", str(seed), "--threads", str(threads)]
    command += [*options, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def scores(card: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """The network's and the baselines' scores: method -> metric -> value."""
    everyone = {"network": card["metrics"], **card["baselines"]}
    return {
        name: {metric: each["value"] for metric, each in found.items()} for name, found in everyone.items()
    }
