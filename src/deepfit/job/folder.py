"""The small files of a run folder: `config.yaml`, `history.jsonl`, `metrics.json`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from deepfit.contract import Progress
from deepfit.errors import ArtifactError

CONFIG = "config.yaml"
HISTORY = "history.jsonl"
METRICS = "metrics.json"
REPORT = "report.html"
RATE_TEST = "rate_test.json"
"""What `plans.rate_test` writes, whose import would load PyTorch; a test holds the two names equal."""
IN_MEMORY = "(in memory)"
PLACES = ("source", "test", "valid")


def write_text(path: Path, text: str) -> None:
    """Replace a small file at once: written under a temporary name, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.write_text(text, encoding="utf-8")
    os.replace(partial, path)


def write_config(folder: Path, task: str, places: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Every option as resolved, in a form that `--config` and `resume` read; paths are made absolute."""
    config: dict[str, Any] = {"task": task}
    for name in PLACES:
        place = places.get(name)
        if place is not None:
            config[name] = _path(place) if isinstance(place, str | Path) else IN_MEMORY
    write_text(folder / CONFIG, yaml.safe_dump({**config, **options}, sort_keys=False, allow_unicode=True))


def _path(place: str | Path) -> str:
    return str(Path(place).resolve()) if Path(place).exists() else str(place)


def read_config(folder: Path) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Task, places (source, test, valid) and options of a run; ArtifactError where the file is not one."""
    path = folder / CONFIG
    try:
        options = dict(yaml.safe_load(path.read_text(encoding="utf-8")))
        task = options.pop("task")
    except (yaml.YAMLError, TypeError, ValueError, KeyError, OSError) as error:
        raise ArtifactError(f"{path}: is not the configuration of a run ({error}).") from error
    return task, {name: options.pop(name, None) for name in PLACES}, options


def read_rate_test(folder: Path) -> dict[str, Any] | None:
    """The learning-rate range test of a run: chosen rate, rates, losses; None where the rate was given."""
    path = folder / RATE_TEST
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


class History:
    """One record an epoch, appended to `history.jsonl`.

    An epoch that is done again after a restart replaces its record.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / HISTORY
        self.records: dict[tuple[str, int], dict[str, Any]] = {}
        if self.path.exists():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                try:
                    record = json.loads(line)
                except ValueError:  # the last line, if the process was killed while it wrote
                    continue
                self.records[record["phase"], record["epoch"]] = record

    def add(self, progress: Progress) -> None:
        """Note an epoch."""
        record = {
            "phase": progress.phase,
            "epoch": progress.epoch,
            "losses": dict(progress.losses),
            "scores": dict(progress.scores),
            "learning_rates": dict(progress.learning_rates),
            "items_per_s": round(progress.items_per_s, 1),
            "seconds": round(progress.seconds, 3),
            "best": progress.best,
        }
        self.records[progress.phase, progress.epoch] = record
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")

    def __iter__(self):
        return iter(self.records.values())
