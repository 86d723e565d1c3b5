"""What a task may offer beside `Task`: methods that are looked for, and used where they are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from deepfit.contract.rows import Answers, Batch, Concern, Facts, Rows

if TYPE_CHECKING:
    import numpy as np
    from torch import nn


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


@runtime_checkable
class Completes(Protocol):
    """A task whose answers need something of the rows that is no number: the words of an entity."""

    def complete(self, answers: Answers, rows: Any, /) -> Answers:
        """The answers with what was missing."""
        ...


@runtime_checkable
class Appraises(Protocol):
    """A task whose scores need more than answers and rows.

    They may need the network (the features that made pictures are compared in), or work that is too long to
    be done again for every resample of an interval (distances between all rows).
    """

    def appraise(
        self, net: nn.Module, answers: Answers, rows: Any, facts: Facts, *, train: Any = None
    ) -> Answers:
        """The answers with the further columns that `metrics` reads, a value a row.

        train: training rows, of many a part; None where they are not at hand, as with a loaded model.
        The same is done to the network's answers and to those of a baseline; `metrics` takes no others.
        """
        ...


@runtime_checkable
class Reviews(Protocol):
    """A task whose training can fail in ways that no loss shows: what is to be said of it once it is over."""

    def review(self, history: Sequence[Mapping[str, Any]]) -> Sequence[Concern]:
        """What a careful reader would say of the course of training; mostly nothing.

        history: a record an epoch: phase, epoch, losses, scores, best.
        """
        ...


@runtime_checkable
class Samples(Protocol):
    """A task whose network makes new rows: what `deepfit sample` and `Model.sample` ask for."""

    def sample(
        self, net: nn.Module, facts: Facts, *, count: int, seed: int, prompts: Sequence[str] = ()
    ) -> Batch:
        """`count` new rows, of each prompt where the network makes what it is asked for.

        The same seed gives the same rows. OptionError where the task takes no prompts, or does not know one.
        """
        ...


@runtime_checkable
class Walks(Protocol):
    """A task whose network makes pictures between which one can walk: `deepfit sample --walk`."""

    def walk(
        self, net: nn.Module, facts: Facts, *, steps: int, seed: int, prompts: Sequence[str] = ()
    ) -> Batch:
        """`images` uint8 [steps, height, width, channels] on a closed way, each a little off the one before.

        From prompt to prompt where there are prompts. The same seed walks the same way. OptionError as in
        `Samples.sample`.
        """
        ...
