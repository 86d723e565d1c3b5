"""What the benchmarks of clustering share: runs by the command line, the plain methods beside the default."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PLAIN: Mapping[str, Sequence[str]] = {
    "plain_dec": ["--neighbours", "0", "--method", "dec"],
    "plain_idec": ["--neighbours", "0"],
}
"""Deep embedded clustering and its improved form as they were published, by options."""


def measure(
    scratch: Path, command: Sequence[str], *, plain: Mapping[str, Sequence[str]] = PLAIN
) -> dict[str, Any]:
    """The network, its baselines and the plain methods on the same rows: seconds, rows, verdict and scores.

    scratch: a folder for the runs; command: what `deepfit train` is given, the source first.
    """
    begun = time.perf_counter()
    card = trained([*command, "--out", str(scratch / "network")])
    seconds = round(time.perf_counter() - begun, 1)
    everyone = {"network": card["metrics"], **card["baselines"]}
    for name, options in plain.items():
        everyone[name] = trained([*command, *options, "--out", str(scratch / name)])["metrics"]
    interval = card["metrics"]["nmi"]
    return {
        "seconds": seconds,
        "rows": card["rows"],
        "verdict": card["verdict"],
        "interval": [interval["low"], interval["high"]],
        "scores": {
            method: {metric: each["value"] for metric, each in found.items()}
            for method, found in everyone.items()
        },
    }


def trained(arguments: Sequence[str]) -> dict[str, Any]:
    """The scorecard of a run of its own."""
    command = [sys.executable, "-m", "deepfit", "train", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])
