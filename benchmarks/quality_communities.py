"""Agreement of communities with known groups, beside spectral clustering, Louvain and connected components.

    python benchmarks/quality_communities.py /path/to/graph_clustering [--seeds 3]

The folder holds NAME_nodes.csv (with a column `group`, for scoring only) and NAME_edges.csv of football and
polbooks. All nodes are scored; the number of communities is chosen, and given once besides.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rounds import spread, write

GROUPS = {"football": 12, "polbooks": 3}
RESULTS = Path(__file__).parent / "results" / "quality_communities.json"


def main() -> None:
    """Measure each set with each seed, print the medians, write the JSON after each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    records: list[dict[str, Any]] = []
    for seed in range(given.seeds):
        for name, groups in GROUPS.items():
            for clusters in (0, groups):
                path = given.folder / f"{name}_nodes.csv"
                records.append(measure(path, name, clusters, seed, given.threads))
                print(records[-1], file=sys.stderr, flush=True)
                write(
                    given.out,
                    claim="agreement (NMI) of communities with groups that no method saw, on all nodes",
                    summary={metric: spread(records, metric) for metric in ("nmi", "modularity")},
                    records=records,
                )
    for name, scores in spread(records, "nmi").items():
        print(name, {method: round(score["median"], 3) for method, score in scores.items()})


def measure(path: Path, name: str, clusters: int, seed: int, threads: int) -> dict[str, Any]:
    """Scores of every method on all nodes."""
    with tempfile.TemporaryDirectory() as scratch:
        command = [
            sys.executable,
            "-m",
            "deepfit",
            "train",
            str(path),
            "--task",
            "graph-clustering",
            "--json",
        ]
        command += ["--target", "group", "--clusters", str(clusters), "--seed", str(seed)]
        command += ["--threads", str(threads), "--out", f"{scratch}/run"]
        begun = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(
                f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr[-3000:]}"
            )
    card = json.loads(done.stdout.splitlines()[-1])
    everyone = {"network": card["metrics"], **card["baselines"]}
    return {
        "set": f"{name}, {clusters or 'chosen'}",
        "seed": seed,
        "seconds": round(time.perf_counter() - begun, 1),
        "verdict": card["verdict"],
        "scores": {
            method: {metric: score["value"] for metric, score in scores.items()}
            for method, scores in everyone.items()
        },
    }


if __name__ == "__main__":
    main()
