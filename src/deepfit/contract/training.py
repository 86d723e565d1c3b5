"""Training as the contract knows it: phases, the losses that they yield, the run, progress."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, runtime_checkable

from deepfit.contract.rows import Batch

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from torch.optim import Optimizer

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
