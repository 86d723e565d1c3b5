"""What a run tells while it works, and what it leaves in memory when it is done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deepfit.contract import Answers, Concern, Rows, Task
    from deepfit.model import Model


@dataclass(frozen=True)
class Stage:
    """A step of the run outside training: "read", "check", "encode", "baselines", "judge", "save".

    Message is a sentence for people.
    """

    name: str
    message: str


@dataclass(frozen=True)
class Result:
    """A finished run.

    scorecard is the content of `metrics.json`; history has one record an epoch (phase, epoch, losses, scores,
    learning rates, seconds, best); test and answers are the held-out rows and what the model says of them, in
    the same order, None where nothing was held out; baseline_answers are the baselines' on the same rows.
    """

    run: Path
    task: Task
    model: Model
    scorecard: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]
    test: Rows | None
    answers: Answers | None
    baseline_answers: Mapping[str, Answers] = field(default_factory=dict)
    concerns: Sequence[Concern] = ()
