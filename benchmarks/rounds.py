"""Time several commands in turn, A B C A B C ..., each a process of its own; medians and pair ratios.

A contender prints one line `RESULT {...}` with its own figures; the seconds and peak memory of the whole
process are added here.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def run(
    contenders: Mapping[str, Sequence[str]], rounds: int, *, timeout_s: float = 1800.0
) -> dict[str, list[dict[str, Any]]]:
    """Every contender once a round; name -> one record a round.

    A contender that fails is named and left out.
    """
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in contenders}
    for round_number in range(rounds):
        for name, command in contenders.items():
            if name not in found:
                continue
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            begun = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
            seconds = time.perf_counter() - begun
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            lines = [line for line in done.stdout.splitlines() if line.startswith("RESULT ")]
            if done.returncode or not lines:
                print(
                    f"{name}: left out ({done.stderr.strip().splitlines()[-1:] or done.returncode})",
                    flush=True,
                )
                del found[name]
                continue
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            record = {
                "process_s": seconds,
                "process_cpu_s": cpu,
                "load": os.getloadavg()[0],
                **json.loads(lines[-1][7:]),
            }
            found[name].append(record)
            print(f"round {round_number + 1} {name}: {record}", flush=True)
    return found


def summary(
    found: Mapping[str, Sequence[Mapping[str, Any]]], figures: Sequence[str], against: str
) -> dict[str, Any]:
    """Medians of each figure, and the median over rounds of its ratio to the contender `against`."""
    table = {}
    for name, records in found.items():
        row: dict[str, Any] = {"rounds": len(records)}
        for figure in figures:
            values = [record[figure] for record in records if figure in record]
            base = [record[figure] for record in found[against] if figure in record]
            if values:
                row[figure] = statistics.median(values)
                row[f"{figure}_ratio"] = (
                    statistics.median(a / b for a, b in zip(values, base, strict=False)) if base else None
                )
        table[name] = row
    return table


def write(path: Path, **content: Any) -> None:
    """A JSON file with the machine, the date and the content."""
    machine = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({"date": time.strftime("%Y-%m-%d"), "machine": machine, **content}, indent=1) + "\n",
        encoding="utf-8",
    )
