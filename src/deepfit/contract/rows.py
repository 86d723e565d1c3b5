"""Data as the contract knows it: rows as read, batches as encoded, answers as given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    import numpy as np

Batch = Mapping[str, Any]
"""Named arrays or tensors that share their first axis.

Names, shapes and dtypes are the task's data contract.
"""

Facts = Mapping[str, Any]
"""What was learned from the training rows (classes, vocabulary, medians).

Plain JSON, saved as `facts.json`.
"""

T = TypeVar("T")


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
