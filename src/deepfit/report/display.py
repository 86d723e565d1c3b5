"""A run as it goes, for people: a bar with rate and time left on a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO

from deepfit.contract import Progress

if TYPE_CHECKING:
    from deepfit.job.result import Stage

LINE_EVERY_S = 5.0
"""The shortest time between two plain lines about one epoch."""


class Display:
    """Shows events on a stream, stderr by default: live where it is a terminal, as plain lines elsewhere.

    >>> with Display() as display:  # doctest: +SKIP
    ...     for event in job.events():
    ...         display.show(event)
    """

    def __init__(
        self, *, quiet: bool = False, stream: TextIO | None = None, live: bool | None = None
    ) -> None:
        self.quiet = quiet
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty() if live is None else live
        self.watch = Watch()
        self._bars: Any = None
        self._bar: Any = None
        self._last_line = time.monotonic()

    def __enter__(self) -> Display:
        if self.live and not self.quiet:
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Bars

            words, facts = (
                TextColumn("{task.description}"),
                TextColumn("{task.percentage:>3.0f} %  {task.fields[facts]}"),
            )
            self._bars = Bars(
                words,
                BarColumn(bar_width=24),
                facts,
                console=Console(file=self.stream),
                transient=True,
                refresh_per_second=4,
            )
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def show(self, event: Stage | Progress) -> None:
        """Show one event."""
        if self.quiet:
            return
        if not isinstance(event, Progress):
            self._line(event.message)
            return
        left_s = self.watch.left_s(event)
        if event.kind == "epoch":
            self._line(epoch_line(event))
        if self._bars is not None:
            self._move_bar(event, left_s)
        elif event.kind == "step" and time.monotonic() - self._last_line >= LINE_EVERY_S:
            self._line(step_line(event, left_s))

    def _line(self, text: str) -> None:
        self._last_line = time.monotonic()
        if self._bars is not None:
            self._bars.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            self.stream.write(text + "\n")
            self.stream.flush()

    def _move_bar(self, event: Progress, left_s: float | None) -> None:
        if event.kind == "phase":
            if self._bar is not None:
                self._bars.remove_task(self._bar)
            self._bar = None
            return
        if self._bar is None:
            self._bar = self._bars.add_task(event.phase, total=1.0, facts="")
        facts = f"{numbers(event.losses)}  {pace(event, left_s)}"
        description = f"epoch {event.epoch}/{event.epochs}"
        self._bars.update(self._bar, description=description, completed=fraction(event), facts=facts)


class Watch:
    """Measures how fast a phase gets on, to say how long it will still take."""

    def __init__(self) -> None:
        self.phase = ""
        self.began_s = 0.0
        self.began_at = 0.0

    def left_s(self, event: Progress) -> float | None:
        """Seconds left in the phase, or None while nothing can be said; resumed, it counts from there."""
        now, done = time.monotonic(), fraction(event)
        if event.phase != self.phase:
            self.phase, self.began_s, self.began_at = event.phase, now, done
            return None
        gained = done - self.began_at
        return (now - self.began_s) * (1 - done) / gained if gained > 0 else None


def fraction(event: Progress) -> float:
    """The share of the phase that is done; epochs are counted from 1."""
    if event.kind == "phase":
        return 1.0
    within = 1.0 if event.kind == "epoch" else event.step / event.steps if event.steps else 0.0
    return min(1.0, (event.epoch - 1 + within) / max(1, event.epochs))


def epoch_line(event: Progress) -> str:
    """Such as "epoch 3/40  loss 0.213  rmse 0.142  1.2 s  best so far"."""
    scores = {"validation loss" if name == "loss" else name: each for name, each in event.scores.items()}
    parts = [
        f"epoch {event.epoch}/{event.epochs}",
        numbers(event.losses),
        numbers(scores),
        duration(event.seconds),
    ]
    return "  ".join(part for part in [*parts, event.note, "best so far" if event.best else ""] if part)


def step_line(event: Progress, left_s: float | None) -> str:
    """Such as "epoch 3/40  61 %  loss 0.213  1,234 a second  12 s left"."""
    percent = f"{100 * event.step / event.steps:.0f} %" if event.steps else f"step {event.step:,}"
    parts = [f"epoch {event.epoch}/{event.epochs}", percent, numbers(event.losses), pace(event, left_s)]
    return "  ".join(part for part in parts if part)


def pace(event: Progress, left_s: float | None) -> str:
    """Rate and time left, as far as they are known."""
    rate = f"{event.items_per_s:,.0f} a second" if event.items_per_s else ""
    left = f"{duration(left_s)} left" if left_s is not None else ""
    return "  ".join(part for part in (rate, left) if part)


def numbers(values: Mapping[str, float]) -> str:
    """Such as "loss 0.213  rmse 0.142"; the only loss of a plain phase is called loss."""
    return "  ".join(
        f"{'loss' if name == 'main' else name} {number(value)}" for name, value in values.items()
    )


def number(value: float) -> str:
    """Four digits that matter, thousands set apart; what is too small to show is 0."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if abs(value) >= 1e-6 else f"{value:.0f}"


def duration(seconds: float) -> str:
    """Such as "0.4 s", "12 s", "3 min 20 s", "2 h 5 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
