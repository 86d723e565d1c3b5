"""Time several commands in turn, A B C A B C ..., each a process of its own; medians and pair ratios.

A contender prints one line `RESULT {...}` with its own figures; the seconds and peak memory of the whole
process are added here.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any


def compare(
    script: str,
    doc: str,
    run_one: Callable[[str, argparse.Namespace], Mapping[str, Any]],
    *,
    ours: Sequence[str],
    claim: str,
    figures: Sequence[str] = ("epoch_s", "process_s"),
    against: str = "hand",
    epochs: int,
    options: Callable[[argparse.ArgumentParser], None] = lambda parser: None,
) -> None:
    """The command line of a benchmark: all contenders in turn, or, with --one, a single one.

    run_one: (contender, parsed words) -> its figures. ours run in this interpreter, peers in --peer-python.
    options: adds what the benchmark needs besides; each is passed on to every contender. Writes
    `results/<script's name>.json`.
    """
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one", help="run this contender alone and print its RESULT line")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--peers", default="", help="names with commas between: those to run besides ours")
    parser.add_argument("--peer-python", default=sys.executable, help="the interpreter that has the peers")
    name = Path(script).stem
    parser.add_argument("--out", type=Path, default=Path(script).parent / "results" / f"{name}.json")
    before = set(vars(parser.parse_args([])))
    options(parser)
    chosen = parser.parse_args()
    if chosen.one:
        print("RESULT " + json.dumps(run_one(chosen.one, chosen)))
        return
    own = {key: value for key, value in vars(chosen).items() if key not in before}
    words = [
        f"--epochs={chosen.epochs}",
        *(f"--{key.replace('_', '-')}={value}" for key, value in own.items()),
    ]
    peers = [peer for peer in chosen.peers.split(",") if peer]
    contenders = {
        each: [sys.executable if each in ours else chosen.peer_python, script, "--one", each, *words]
        for each in (*ours, *peers)
    }
    found = run(contenders, chosen.rounds)
    table = summary(found, figures, against)
    for each, row in table.items():
        print(each, row)
    write(chosen.out, claim=claim, epochs=chosen.epochs, table=table, records=found)


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


def spread(records: Sequence[Mapping[str, Any]], figure: str) -> dict[str, Any]:
    """Set -> method -> median, least and greatest of a figure over the seeds.

    records: one a set and seed, with `scores`: method -> figure -> value.
    """
    found: dict[str, Any] = {}
    for name in dict.fromkeys(record["set"] for record in records):
        mine = [record["scores"] for record in records if record["set"] == name]
        found[name] = {}
        for method in mine[0]:
            values = [scores[method][figure] for scores in mine]
            found[name][method] = {
                "median": statistics.median(values),
                "low": min(values),
                "high": max(values),
            }
    return found


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
