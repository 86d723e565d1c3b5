"""How soon the command line answers.

`deepfit --help`, `tasks` and `check` beside `python -c "import json"` and `import torch`.

    python benchmarks/startup.py [--rounds 15]

Each is a process of its own, in turn; the figure is the median of the whole process, and its ratio to `import
json` in the same round.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import rounds

ROOT = Path(__file__).parent.parent


def main() -> None:
    """Time every command in turn."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    chosen = parser.parse_args()
    deepfit = str(Path(sys.executable).with_name("deepfit"))
    credit = str(ROOT / "examples" / "data" / "credit" / "train.csv")
    commands = {
        "import json": [sys.executable, "-c", "import json"],
        "deepfit --help": [deepfit, "--help"],
        "deepfit tasks": [deepfit, "tasks"],
        "deepfit check": [deepfit, "check", credit, "--target", "Status"],
        "import torch": [sys.executable, "-c", "import torch"],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(chosen.rounds):
        for name, command in commands.items():
            begun = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            taken[name].append(time.perf_counter() - begun)
    table = {
        name: {
            "seconds": statistics.median(values),
            "ratio": statistics.median(a / b for a, b in zip(values, taken["import json"], strict=True)),
        }
        for name, values in taken.items()
    }
    for name, row in table.items():
        print(f"{name:16} {row['seconds']:.3f} s  {row['ratio']:.2f} x")
    rounds.write(
        ROOT / "benchmarks" / "results" / "startup.json", claim="start-up", rounds=chosen.rounds, table=table
    )


if __name__ == "__main__":
    main()
