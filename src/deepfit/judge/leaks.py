"""What would make a score too good: rows that parts share, and what the rows alone give away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from deepfit.contract import Concern

if TYPE_CHECKING:
    from deepfit.contract import Rows

EXAMPLES = 3


def find(train: Rows, test: Rows | None = None, valid: Rows | None = None) -> list[Concern]:
    """Every concern about a split: shared rows first, then the training rows' own. Loads no torch."""
    found = []
    if test is not None:
        found.append(
            shared(
                train,
                test,
                "training",
                "test",
                "the scores are too good by as much as the network remembers them",
            )
        )
    if valid is not None:
        found.append(
            shared(train, valid, "training", "validation", "the best epoch is chosen partly by memory")
        )
    if valid is not None and test is not None:
        found.append(
            shared(
                valid, test, "validation", "test", "the best epoch was chosen on rows that the scores count"
            )
        )
    if test is not None and isinstance(train, Overlapping):
        found.append(train.overlap(test, "training", "test"))
    return [*(concern for concern in found if concern is not None), *train.concerns()]


@runtime_checkable
class Overlapping(Protocol):
    """Rows made of parts that other rows may hold too, as pairs are of texts."""

    def overlap(self, held_out: Any, seen_name: str, held_out_name: str) -> Concern | None:
        """What to say where held-out rows hold parts of rows seen before; None where none does."""
        ...


def shared(
    seen: Rows, held_out: Rows, seen_name: str, held_out_name: str, consequence: str
) -> Concern | None:
    """The held-out rows whose inputs equal those of a row seen before; None where there are none.

    Of pictures near-duplicates count as equal. The message counts the rows, gives their share and a few
    examples, and says so where rows repeat as often among those seen, since then it may be ordinary.
    """
    before, after = seen.fingerprints(), held_out.fingerprints()
    if not len(before) or not len(after):
        return None
    first = _matches(seen, held_out, before, after)
    repeats = np.flatnonzero(first >= 0)
    if not len(repeats):
        return None
    examples = ", ".join(
        f"{_called(held_out, row)} = {_called(seen, first[row])}" for row in repeats[:EXAMPLES]
    )
    share = len(repeats) / len(after)
    repeated = 1 - len(np.unique(before)) / len(before)
    ordinary = (
        f" Among the {seen_name} rows {repeated:.1%} repeat too, so this may be ordinary."
        if repeated > share / 2
        else ""
    )
    return Concern(
        "leak",
        held_out.name,
        f"{len(repeats):,} of {len(after):,} {held_out_name} rows ({share:.1%}) are also among the "
        f"{seen_name} rows, "
        f"so {consequence} ({held_out_name} = {seen_name}: {examples}).{ordinary}",
    )


def _matches(seen: Rows, held_out: Rows, before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """For each held-out row the first row seen that equals it, or -1; pictures by likeness too."""
    known, first = np.unique(before, return_index=True)
    place = np.minimum(np.searchsorted(known, after), len(known) - 1)
    found = np.where(known[place] == after, first[place], -1)
    signatures = [getattr(rows, "signatures", None) for rows in (seen, held_out)]
    if all(signatures):
        from deepfit.data.image_duplicates import matches

        for row, held_out_row in matches(*(each() for each in signatures if each is not None)):
            found[held_out_row] = row if found[held_out_row] < 0 else found[held_out_row]
    return found


def _called(rows: Rows, position: Any) -> str:
    """A row as its source calls it: its place in the file, a picture's name, else its number from 1."""
    where = getattr(rows, "where", None)
    if where is not None:
        return where(int(position))
    if hasattr(rows, "picture"):
        return str(rows.take(np.array([position])).column("file")[0])
    return f"row {position + 1}"
