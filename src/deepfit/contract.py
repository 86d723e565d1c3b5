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

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor, nn
    from torch.optim import Optimizer

Batch = Mapping[str, Any]
"""Named arrays or tensors that share their first axis.

Names, shapes and dtypes are the task's data contract.
"""

Facts = Mapping[str, Any]
"""What was learned from the training rows (classes, vocabulary, medians).

Plain JSON, saved as `facts.json`.
"""

T = TypeVar("T")


class Stateful(Protocol):
    """Something with a state to save beside the network: a replay buffer, running norms."""

    def state_dict(self) -> dict[str, Any]:
        """What to save: numbers, texts, tensors, lists and dicts of them."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> Any:
        """Put a saved state back."""
        ...


@runtime_checkable
class Averaging(Protocol):
    """Something that knows averaged weights: the engine's moving average, or an optimizer that keeps its own.

    The averaged weights are scored and kept. In the phase of an optimizer that keeps them, the engine keeps
    none.
    """

    def applied(self) -> AbstractContextManager[None]:
        """Within it the network holds the averaged weights, after it its own again, bit for bit."""
        ...

    def give(self) -> None:
        """Leave the network with the averaged weights."""
        ...


@dataclass(frozen=True)
class Loss:
    """What a step asks the engine to minimise.

    total: scalar tensor, the SUM over `count` items, never a mean: the engine divides by the global count, so
        the result does not depend on how a batch was cut into pieces or over ranks.
    count: the number of items that the sum ran over: examples, tokens, pixels, edges, moves.
    by: the optimizer (a key of `Phase.optimizers`) that answers for it; only its parameters are touched.
    parts: logged, never minimised; sums over the same `count`.
    """

    total: Tensor
    count: int | Tensor
    by: str = "main"
    parts: Mapping[str, Tensor] = field(default_factory=dict[str, Any])


def constant(progress: float) -> float:
    """The schedule that leaves the learning rate as it is."""
    return 1.0


@dataclass
class Phase:
    """A stretch of training that the engine runs to its end before the plan goes on.

    batches: epoch -> the batches of that epoch, the same on every rank; any iterable. Where it has a length,
        progress and schedule know the number of steps.
    step: batch -> generator of losses; each yielded loss has been minimised when the generator resumes. Its
        code besides the yields runs once a piece and on every rank, so it copies rather than blends; what
        must happen once a batch belongs in `batches`, after its yield.
    score: held-out metrics after each epoch, computed with the averaged weights where averaging is on.
    keeps: state beside the network that is saved and restored with it, also once the phase is finished: what
        it holds at the phase's end is there for the plan's code after it, in a resumed run too.
    rate: progress in [0, 1] over the phase -> factor on every learning rate.
    best: the score that decides which epoch's weights are kept: "accuracy", or "-rmse" where less is better.
    coupled: the loss looks across the batch (a whole graph, in-batch negatives): the engine neither cuts the
        batch into micro-batches nor shares it over ranks; the step may use `run.share` and `run.gather`
        itself.
    averaged: False where the phase's weights are not there to stay (a trial): they are neither averaged nor
        replaced by an average.
    varied: batches differ in shape, so code compiled for one would be compiled anew for the next: the engine
        compiles only where it is told to.
    live: the batches depend on the network or a world as it is now (rollouts, replay), so an epoch cannot be
        entered in its middle: checkpoints are made between epochs only.
    """

    name: str
    batches: Callable[[int], Iterable[Batch]]
    step: Callable[[Batch], Iterator[Loss]]
    optimizers: Mapping[str, Optimizer]
    epochs: int
    score: Callable[[], Mapping[str, float]] | None = None
    keeps: Mapping[str, Stateful] = field(default_factory=dict[str, Stateful])
    rate: Callable[[float], float] = constant
    best: str | None = None
    coupled: bool = False
    varied: bool = False
    live: bool = False
    averaged: bool = True


class Run(Protocol):
    """Lent by the engine; the only engine object that a task sees."""

    device: torch.device
    folder: Path | None
    """Where the run keeps its files; None for a run in memory."""

    def rng(self, *key: str | int) -> torch.Generator:
        """A CPU generator: the same key gives the same numbers, at any world size and after any restart."""
        ...

    def share(self, rows: T) -> T:
        """This rank's contiguous part of a tensor (along its first axis) or of a batch."""
        ...

    def gather(self, rows: Tensor) -> Tensor:
        """Concatenate the parts of all ranks along the first axis; differentiable."""
        ...


@dataclass(frozen=True)
class Progress:
    """What `train` yields.

    Every so often within an epoch ("step"), after its scoring ("epoch"), and at a phase's end ("phase").

    step counts within the epoch, of `steps` (None where unknown). losses are means per item since the last
    progress ("step") or over the epoch ("epoch"). scores are there for "epoch". items_per_s counts what
    losses count, best says that this epoch's weights are the ones to keep so far.
    """

    kind: Literal["step", "epoch", "phase"]
    phase: str
    epoch: int
    epochs: int
    step: int
    steps: int | None
    losses: Mapping[str, float]
    scores: Mapping[str, float] = field(default_factory=dict[str, float])
    learning_rates: Mapping[str, float] = field(default_factory=dict[str, float])
    items_per_s: float = 0.0
    seconds: float = 0.0
    best: bool = False
    note: str = ""


class Rows(Protocol):
    """Data as read, before encoding: a table, a list of pictures."""

    name: str
    """Where the rows come from, for messages: `prices.csv`."""

    def __len__(self) -> int: ...

    def take(self, index: np.ndarray) -> Rows:
        """The rows at these positions, without copying what can be shared."""
        ...

    def compact(self) -> Rows:
        """The same rows without what they share with others, so that those can be freed."""
        ...

    def column(self, name: str) -> np.ndarray:
        """One column's values; DataError with a suggestion where there is no such column."""
        ...

    def target(self) -> np.ndarray | None:
        """The labels or values to predict, one a row; None where the rows have none."""
        ...

    def keys(self) -> Mapping[str, np.ndarray]:
        """Columns that answers repeat so that they can be joined back: the file of a picture; mostly none."""
        ...

    def labelled(self) -> Rows:
        """The rows whose target is there; DataError where none has one."""
        ...

    def parts(self) -> np.ndarray | None:
        """The part that the source itself gives each row ("train", "valid", "test".

        Folders of these names), or None.
        """
        ...

    def fingerprints(self) -> np.ndarray:
        """uint64 [rows]; equal for rows whose inputs are the same (for pictures: nearly the same)."""
        ...

    def describe(self) -> Sequence[tuple[str, str, str, str]]:
        """How each column is read: its name, its kind, the reason and an example."""
        ...

    def concerns(self) -> Sequence[Concern]:
        """What a careful reader would say of these rows before training."""
        ...


OwnRows = Any
"""The task's own kind of `Rows`, as its `read` returned them; a Protocol cannot name that type."""


@dataclass(frozen=True)
class Concern:
    """A finding about data.

    Its kind ("identifier", "leak", "duplicates", "time", "missing", "constant", "imbalance"), where, a
    sentence.
    """

    kind: str
    where: str
    message: str


@dataclass(frozen=True)
class Splits(Generic[T]):
    """The same kind of thing for each part: Rows as read, or encoded batches.

    test is None where nothing is held out.
    """

    train: T
    valid: T
    test: T | None = None

    @property
    def held_out(self) -> T:
        """The test part, where the caller knows that there is one; ValueError where there is none."""
        if self.test is None:
            raise ValueError("nothing is held out to test on")
        return self.test


@dataclass(frozen=True)
class Answers(Sequence[Any]):
    """A column of values a name, "prediction" first; as a sequence, one JSON-ready mapping a row.

    classes: for answers with a column `probability_CLASS` for each class, the classes in the order of these
    columns.
    """

    columns: Mapping[str, np.ndarray]
    classes: Sequence[Any] = ()

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, row: Any) -> Any:
        """One row as a mapping, for a number; the answers of several rows, for a slice or an index array."""
        if isinstance(row, int):
            return {name: plain(value[row]) for name, value in self.columns.items()}
        return Answers({name: value[row] for name, value in self.columns.items()}, self.classes)


def plain(value: Any) -> Any:
    """A NumPy number as Python's own; anything else as it is."""
    return value.item() if hasattr(value, "item") else value


@dataclass(frozen=True)
class Baseline:
    """What a sensible person would try first.

    Its name, its answers on the test rows, and the seconds that it took.
    """

    name: str
    answers: Answers
    seconds: float


@runtime_checkable
class Embeds(Protocol):
    """A task whose network makes a vector of what it reads: what a task may offer beside `Task`.

    `deepfit embed`, `deepfit search` and `Model.embed` are there for tasks that do.
    """

    def embed(self, net: nn.Module, batch: Batch, facts: Facts) -> np.ndarray:
        """One vector a row of an encoded batch, float32 [rows, width]: what the last layer reads.

        In evaluation mode, and for each row the same in whatever company.
        """
        ...


@runtime_checkable
class ReadsItems(Protocol):
    """A task that embeds other things than its rows: of rows that are pairs, single texts."""

    def read_items(self, source: Any, facts: Facts) -> Rows:
        """What is to be embedded, which `encode` takes like rows; tasks without this method use `read`."""
        ...


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
    # optional and only for scoring.
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
