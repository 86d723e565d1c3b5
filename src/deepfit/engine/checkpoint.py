"""Checkpoints: one atomic file holds the whole state of a run, so it is either the old one or the new one.

`checkpoint/last.safetensors` is the course under way; `best-*.safetensors` and `end-*.safetensors` (final
weights and what a finished phase keeps) are files that it refers to by name, written before it and cleaned
up after it.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

import torch

from deepfit.engine import packing
from deepfit.engine.course import Course
from deepfit.engine.run import Run
from deepfit.errors import ArtifactError

FORMAT = 2
"""1: the file of a finished phase holds its weights alone. 2: what it keeps as well. Both are read."""
SHARE_OF_TIME = 0.05
"""Where epochs are so short that a checkpoint after each would cost more than this.

Several epochs share one.
"""


class Checkpoints:
    """Reads and writes the checkpoints of one run. Only rank 0 writes."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.folder = run.folder / "checkpoint" if run.folder else None
        self.period_s = run.options.checkpoint_minutes * 60
        self.ended: list[str] = []  # the file that each finished phase has left
        self.state: dict[str, Any] = {}  # what `last.safetensors` holds; empty before the first checkpoint
        self._best_file: str | None = None
        self._saved = time.monotonic()
        self._cost_s = 0.0
        path = self.folder / "last.safetensors" if self.folder else None
        if self.folder and not run.ranks.rank:
            for leftover in self.folder.glob(".*.partial"):  # of a process that was killed while it wrote
                leftover.unlink()
        if path and path.exists():
            state = packing.load(path)
            if not 1 <= state.get("format", 0) <= FORMAT:
                raise ArtifactError(
                    f"{path}: checkpoint format {state.get('format')}; this version of deepfit reads 1 to "
                    f"{FORMAT}."
                )
            self.state, self.ended, self._best_file = state, state["ended"], state["best_file"]
            torch.set_num_threads(state["threads"])

    def passed(self, course: Course) -> bool:
        """Whether an earlier process finished this phase, and its budget has not grown since.

        Then the network gets its final weights, and what the phase keeps its final state.
        """
        if self.folder is None or course.index >= len(self.ended):
            return False
        if self.state and self.state["index"] == course.index:
            if self.state["course"]["epochs"] < course.phase.epochs:
                del self.ended[course.index :]
                return False
            # whole, since the next phase may share an optimizer or what is kept
            course.load_state_dict(self.state["course"])
        left = packing.load(self.folder / self.ended[course.index])
        whole = left.keys() == {"net", "keeps"} and not isinstance(left["net"], torch.Tensor)
        course.net.load_state_dict(cast("dict[str, Any]", left["net"]) if whole else left)
        for name, state in left["keeps"].items() if whole else ():
            course.phase.keeps[name].load_state_dict(state)
        return True

    def restore(self, course: Course) -> None:
        """Put a course where an earlier process left it."""
        if self.state and self.state["index"] == course.index:
            course.load_state_dict(self.state["course"])
            if self.folder and self._best_file:
                course.best_weights = packing.load(self.folder / self._best_file)
        self._saved = time.monotonic()

    def due(self, course: Course, *, epoch_closed: bool) -> bool:
        """Whether it is time: after an epoch, or after the longest time allowed between two checkpoints."""
        waited = time.monotonic() - self._saved
        if epoch_closed:
            return waited > self._cost_s / SHARE_OF_TIME
        return waited > self.period_s and not course.phase.live

    def save(self, course: Course) -> None:
        """Write the course under way; a loss or weight that is not finite is found first.

        What is saved is good.
        """
        course.check()
        if self.run.ranks.rank or not self.folder:
            return
        begun = time.monotonic()
        if course.best_weights is not None:
            best_file = f"best-{course.index}-{course.best_epoch}.safetensors"
            if best_file != self._best_file:
                packing.save_atomically(self.folder / best_file, course.best_weights)
                self._best_file = best_file
        else:
            self._best_file = None
        self.write(course, self.folder)
        self._saved = time.monotonic()
        self._cost_s = self._saved - begun

    def end(self, course: Course) -> None:
        """Write the phase's final weights and what it keeps, and note that it is finished."""
        name = f"end-{course.index}.safetensors"
        self.ended.append(name)
        if self.run.ranks.rank or not self.folder:
            return
        keeps = {name: kept.state_dict() for name, kept in course.phase.keeps.items()}
        packing.save_atomically(self.folder / name, {"net": course.net.state_dict(), "keeps": keeps})
        self.state["ended"] = self.ended
        packing.save_atomically(self.folder / "last.safetensors", self.state)

    def write(self, course: Course, folder: Path) -> None:
        """Replace `last.safetensors`, then remove weights that it no longer names."""
        self.state = {
            "format": FORMAT,
            "index": course.index,
            "ended": self.ended,
            "best_file": self._best_file,
            "threads": torch.get_num_threads(),
            "course": course.state_dict(),
        }
        packing.save_atomically(folder / "last.safetensors", self.state)
        for path in folder.glob("best-*.safetensors"):
            if path.name != self._best_file:
                path.unlink()


def exists(folder: Path) -> bool:
    """Whether a run folder holds a checkpoint."""
    return (folder / "checkpoint" / "last.safetensors").exists()
