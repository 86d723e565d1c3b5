"""Event files for TensorBoard: tags train/loss, train/PART, train/learning_rate, eval/SCORE, test/METRIC.

The step of an event counts batches over all phases, so that curves of one run follow each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepfit.contract import Progress


class EventWriter:
    """Writes what happens to `events.out.tfevents.*` in a folder; the file is made at the first event.

    >>> with EventWriter(run) as events:  # doctest: +SKIP
    ...     for progress in train(task, net, data, facts, run):
    ...         events.write(progress)
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._writer: Any = None
        self._phase = ""
        self._phase_began = self._epoch_began = self._step = 0

    def __enter__(self) -> EventWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.close()

    def write(self, progress: Progress) -> None:
        """Note losses and learning rates, and after an epoch its scores; what is not finite is left out."""
        if progress.phase != self._phase:
            self._phase, self._phase_began, self._epoch_began = progress.phase, self._step, self._step
        if progress.kind == "phase":
            return
        if progress.steps:  # of equal epochs the place is known, also after a restart
            self._epoch_began = self._phase_began + (progress.epoch - 1) * progress.steps
        self._step = self._epoch_began + progress.step
        if progress.kind == "epoch":
            self._epoch_began = self._step
        for name, value in progress.losses.items():
            self._add(f"train/{'loss' if name == 'main' else name}", value)
        for name, value in progress.learning_rates.items():
            self._add("train/learning_rate" if name == "main" else f"train/learning_rate_{name}", value)
        if progress.kind == "epoch":
            for name, value in progress.scores.items():
                self._add(f"eval/{name}", value)
            if self._writer is not None:
                self._writer.flush()

    def close_with(self, scorecard: Mapping[str, Any]) -> None:
        """Note the metrics on the test rows, once, and what the baselines reach as test/METRIC/BASELINE."""
        for name, score in scorecard["metrics"].items():
            self._add(f"test/{name}", score["value"])
        for baseline, scores in scorecard["baselines"].items():
            for name, score in scores.items():
                self._add(f"test/{name}/{baseline}", score["value"])
        if self._writer is not None:
            self._writer.flush()

    def _add(self, tag: str, value: float | None) -> None:
        if value is None or not isfinite(value):
            return
        if self._writer is None:
            from tensorboardX import SummaryWriter

            self._writer = SummaryWriter(str(self.folder))
        self._writer.add_scalar(tag, float(value), self._step)
