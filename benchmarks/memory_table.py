"""Peak memory of training on a CSV of 10 million rows and about 2 GB.

    python benchmarks/memory_table.py --scratch FOLDER [--rows 10000000]

Makes the file (24 numbers, a category of 6 values, a target) where it is not there yet, then runs `deepfit
train` on it for one epoch of the plain network, and compares the process's peak with the size of the encoded
arrays (float32 numbers, int32 categories, float32 target).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl
import rounds

NUMBERS, BLOCK = 24, 500_000


def make(path: Path, rows: int) -> None:
    """Write the file block by block."""
    rng = np.random.default_rng(0)
    with open(path, "wb") as file:
        for start in range(0, rows, BLOCK):
            count = min(BLOCK, rows - start)
            x = rng.standard_normal((count, NUMBERS)).astype(np.float32)
            region = rng.choice(["north", "south", "east", "west", "centre", "abroad"], count)
            target = x[:, 0] * 2 + x[:, 1] * x[:, 2] + (region == "north") + rng.standard_normal(count) * 0.3
            columns = {f"x{place}": x[:, place] for place in range(NUMBERS)}
            frame = pl.DataFrame({**columns, "region": region, "target": target})
            frame.write_csv(file, include_header=start == 0, float_precision=5)


def main() -> None:
    """Make, train, compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scratch", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=10_000_000)
    chosen = parser.parse_args()
    chosen.scratch.mkdir(parents=True, exist_ok=True)
    path = chosen.scratch / f"made_{chosen.rows}.csv"
    if not path.exists():
        make(path, chosen.rows)
    run = chosen.scratch / f"run-{time.time():.0f}"
    options = ["--network", "mlp", "--epochs", "1", "--batch-size", "8192", "--json"]
    command = [
        sys.executable,
        "-m",
        "deepfit",
        "train",
        str(path),
        "--target",
        "target",
        "--out",
        str(run),
        *options,
    ]
    begun = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    seconds = time.perf_counter() - begun
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
    card = json.loads(done.stdout)
    encoded_mb = chosen.rows * 4 * (NUMBERS + 1 + 1) / 1e6
    table = {
        "csv_mb": path.stat().st_size / 1e6,
        "encoded_mb": encoded_mb,
        "peak_mb": peak_mb,
        "peak_over_encoded": peak_mb / encoded_mb,
        "seconds": seconds,
        "read_s": card["seconds"]["read"],
        "train_s": card["seconds"]["train"],
        "r2": card["metrics"]["r2"]["value"],
    }
    print(json.dumps(table, indent=1))
    rounds.write(
        Path(__file__).parent / "results" / "memory_table.json",
        claim="peak memory",
        rows=chosen.rows,
        table=table,
    )


if __name__ == "__main__":
    main()
