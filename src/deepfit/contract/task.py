"""What is learned, and how: the methods that every task has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from deepfit.contract.rows import Answers, Baseline, Batch, Facts, OwnRows, Rows, Splits
from deepfit.contract.training import Phase, Run

if TYPE_CHECKING:
    from torch import nn


class Task(Protocol):
    """What is learned: one file in `tasks/`, one class named like the file. Nothing to inherit.

    The file's docstring opens with the one line that `deepfit tasks` shows and goes on with the data
    contract.
    """

    Options: ClassVar[type[Any]]
    """What can be set: a pydantic model, mostly `deepfit.options.Options` with further fields."""
    main_metric: ClassVar[str]
    """The metric that the verdict compares, "-" before it where less is better: "accuracy", "-rmse"."""
    classes: ClassVar[bool]
    """Whether the target is a class, so that a split keeps the share of each."""
    # A task may also say `supervised: ClassVar[bool] = False`: it learns without its target, which is then
    # optional and only for scoring. And `references: ClassVar[tuple[str, ...]]`: the baselines that are no
    # rivals, since they show how good answers can be (real pictures beside made ones). And `transductive:
    # ClassVar[bool] = True`: it answers the very rows that it learns from, without their target (the nodes of
    # one graph), so nothing is held out: all rows are in train and in test, and the result says so.
    sections: ClassVar[tuple[str, ...]]
    """The sections of the report that fit this task, by name.

    "confusion", "calibration", "most_wrong", "columns", ...
    """
    options: Any

    def __init__(self, options: Any) -> None:
        """With an instance of its own `Options`."""
        ...

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """Why this task fits a source that names no task ("'price' is a number with 987 different values").

        Or None.
        """
        ...

    def read(self, source: Any, facts: Facts | None = None) -> Rows:
        """Read and check; DataError before any training.

        With facts (at predict) the target may be missing.
        """
        ...

    def learn(self, train: OwnRows) -> Facts:
        """Fitted on training rows only; JSON-ready."""
        ...

    def encode(self, rows: OwnRows, facts: Facts) -> Batch:
        """NumPy only, whole columns at once. Holds "target" where the rows have one."""
        ...

    def build(self, facts: Facts) -> nn.Module:
        """The network, from plain sizes; no registry."""
        ...

    def plan(self, net: nn.Module, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """The way of learning, on encoded data."""
        ...

    def outputs(self, net: nn.Module, batch: Batch, facts: Facts) -> Batch:
        """What the trained network says of an encoded batch of any length, as NumPy arrays."""
        ...

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """Facts with what held-out rows teach about the outputs (a temperature).

        Unchanged where there is nothing.
        """
        ...

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """NumPy in, answers out."""
        ...

    def metrics(self, answers: Answers, rows: OwnRows, /) -> Mapping[str, float]:
        """scikit-learn's names in snake case -> value."""
        ...

    def baselines(self, data: Splits[OwnRows]) -> Iterator[Baseline]:
        """Answers of simple methods on `data.test`, the most trivial first.

        They may learn from `train` and `valid`.
        """
        ...

    @classmethod
    def tiny(cls, seed: int) -> tuple[Task, Splits[OwnRows], Mapping[str, float]]:
        """Its own small data, made here, and the score to reach on `test` within seconds."""
        ...
