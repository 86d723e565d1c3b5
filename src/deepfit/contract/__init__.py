"""The vocabulary that tasks and the engine share; neither imports the other.

A way of learning is ordinary code that sometimes needs a service, so it is written as a generator:
`Task.plan` yields phases, `Phase.step` yields losses, and `train` yields progress. When a step resumes after
a yield, that loss has been minimised: precision, backward, accumulation, the sum over ranks, clipping, the
optimizer's step and the schedule happened in the engine.

Limits: optimizers that call a closure (LBFGS) do not fit. Code between phases may depend only on the run, the
data, the network and what finished phases keep (`Phase.keeps`), since resuming repeats it. Ranks must agree
on when to stop. The engine compiles the network, never a step. Every trained tensor lives in the network
given to `train`; whatever else must survive a restart is named in `Phase.keeps`.
"""

from __future__ import annotations

from deepfit.contract.abilities import Appraises, Completes, Embeds, ReadsItems, Reviews, Samples, Walks
from deepfit.contract.rows import Answers, Baseline, Batch, Concern, Facts, OwnRows, Rows, Splits, plain
from deepfit.contract.task import Task
from deepfit.contract.training import Averaging, Loss, Phase, Progress, Run, Stateful, constant

__all__ = [
    "Answers",
    "Appraises",
    "Averaging",
    "Baseline",
    "Batch",
    "Completes",
    "Concern",
    "Embeds",
    "Facts",
    "Loss",
    "OwnRows",
    "Phase",
    "Progress",
    "ReadsItems",
    "Reviews",
    "Rows",
    "Run",
    "Samples",
    "Splits",
    "Stateful",
    "Task",
    "Walks",
    "constant",
    "plain",
]
