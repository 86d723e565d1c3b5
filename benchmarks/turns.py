"""Time contenders that are all alive at once and take one step each in turn, A B C A B C ...

A machine that is faster or slower for a while is so for all of them, so ratios within a turn mean something
where medians of whole processes do not. A contender calls `turn` before each of its steps.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any


def turn(said: dict[str, Any] | None = None) -> None:
    """Say that the last step is done, with what it found, and wait to be told to go on."""
    print("TURN " + json.dumps(said or {}), flush=True)
    if not sys.stdin.readline():
        sys.exit(0)


class Contender:
    """A process that takes a step when it is told to."""

    def __init__(self, command: Sequence[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.wait()

    def wait(self) -> dict[str, Any]:
        """What it says at the end of its step."""
        assert self.process.stdout  # noqa: S101
        for line in self.process.stdout:
            if line.startswith("TURN "):
                return json.loads(line[5:])
        raise SystemExit(f"{self.process.args} ended")

    def step(self) -> tuple[float, dict[str, Any]]:
        """Its next step: seconds, and what it said."""
        assert self.process.stdin  # noqa: S101
        begun = time.perf_counter()
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        said = self.wait()
        return time.perf_counter() - begun, said

    def end(self) -> None:
        """Close its input, which ends it."""
        assert self.process.stdin  # noqa: S101
        self.process.stdin.close()
        self.process.wait()


def measure(
    commands: Mapping[str, Sequence[str]], steps: int, *, limit_s: float = 3600.0
) -> list[dict[str, float]]:
    """A record a turn: seconds of each contender's step, or what it said instead; the first steps first.

    As many steps, or those that fit into so many seconds.
    """
    begun = time.perf_counter()
    processes = {name: Contender(command) for name, command in commands.items()}
    records: list[dict[str, float]] = []
    while len(records) < steps and (len(records) < 3 or time.perf_counter() - begun < limit_s):
        record: dict[str, float] = {}
        for name, process in processes.items():
            step_s, said = process.step()
            record.update(said or {name: step_s})
        print(len(records), {name: round(value, 3) for name, value in record.items()}, flush=True)
        records.append(record)
    for process in processes.values():
        process.end()
    return records
