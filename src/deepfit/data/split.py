"""Which rows are trained on, which choose the best epoch, and which are scored.

Disjoint, the same for the same seed.

`auto` takes the parts that a source names itself, else draws each class in proportion, else at random. Groups
are never on two sides, nor under `auto` are rows that hang together; time puts the latest rows into the test.
Every class has a row to train on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable
from zlib import crc32

import numpy as np

from deepfit.contract import Splits
from deepfit.data.split_rules import by_group, by_time, proportional, uniform
from deepfit.errors import DataError, OptionError, suggest

if TYPE_CHECKING:
    from deepfit.contract import Rows

WAYS = ("auto", "random", "stratified", "group:COLUMN", "time:COLUMN", "column:COLUMN")
PARTS = {
    "train": "train", "training": "train", "fit": "train",
    "valid": "valid", "validation": "valid", "val": "valid", "dev": "valid", "development": "valid",
    "test": "test", "testing": "test", "holdout": "test", "hold-out": "test", "eval": "test",
}  # fmt: skip


@runtime_checkable
class Learnable(Protocol):
    """Rows whose columns were looked into: they can be too few to learn from."""

    def check_inputs(self) -> None:
        """DataError where there is nothing to learn from."""
        ...


@runtime_checkable
class Ordered(Protocol):
    """Rows that follow one another in time, of which only the last can be held out."""

    def latest(self, free: np.ndarray, fraction: float, later: int) -> np.ndarray:
        """Places within `free` to hold out; later: parts that are still to be held out of the rest."""
        ...

    def check_parts(self, part: np.ndarray) -> None:
        """DataError where a held-out row comes before one to train on."""
        ...


@runtime_checkable
class Linked(Protocol):
    """Rows that hang together, as pairs do that share a text.

    A split by `auto` keeps what is linked on one side, and intervals draw it together.
    """

    def groups(self) -> np.ndarray | None:
        """int64 [rows], equal for rows that hang together; None where no split could part them."""
        ...


def split(
    rows: Rows,
    how: str,
    *,
    test_fraction: float,
    valid_fraction: float,
    seed: int,
    test: Rows | None = None,
    valid: Rows | None = None,
    classes: bool | None = None,
    supervised: bool = True,
) -> Splits[Rows]:
    """Rows for training, validation and test.

    test_fraction is a share of all rows (0: no test), valid_fraction a share of the others. test, valid: rows
    from elsewhere, which are taken as they are. classes: the target is a class (None: it is unless it is
    float). supervised: the target is learned, so it has to vary and every class needs a row to train on;
    without, it is only for scoring. OptionError for a way that does not exist; DataError for too few rows,
    and for a target that nothing can be learned from.
    """
    way, column = parse_split(how)
    groupable = getattr(rows, "groupable", False)
    refused = ("random", "stratified") if groupable else ("random", "stratified", "group")
    if isinstance(rows, Ordered) and way in refused:
        raise OptionError(
            f"--split {how}: rows that follow one another in time are never held out at random, since their "
            "neighbours would give them away. Use --split auto (the last part of each series), "
            f"{'group:COLUMN (whole series), ' if groupable else ''}column:COLUMN or time:COLUMN."
        )
    labels = rows.target()
    if classes is None:
        classes = labels is not None and labels.dtype.kind != "f"
    if labels is not None and supervised:
        check_learnable(rows, labels, classes=classes)
    if isinstance(rows, Learnable):
        rows.check_inputs()
    wants_test, wants_valid = test is None and test_fraction > 0, valid is None
    part = np.full(len(rows), "train", "<U5")
    named = named_parts(rows, column) if way == "column" else rows.parts() if way == "auto" else None
    if named is not None:
        part[:] = named
        wants_test, wants_valid = wants_test and "test" not in part, wants_valid and "valid" not in part
        part[(part == "test") & (test is not None)] = "spare"
        part[(part == "valid") & (valid is not None)] = "spare"
        way = "auto"
    links = (
        rows.groups()
        if way == "auto" and isinstance(rows, Linked) and not isinstance(rows, Ordered)
        else None
    )
    if way == "auto":
        way = "stratified" if classes and labels is not None else "random" if links is None else "linked"
    if way == "stratified" and (labels is None or not classes or not len(labels)):
        raise OptionError(
            "--split: stratified needs classes to keep in proportion. Use --split random for amounts."
        )
    for name, wanted, fraction in (
        ("test", wants_test, test_fraction),
        ("valid", wants_valid, valid_fraction),
    ):
        if wanted:
            free = np.flatnonzero(part == "train")
            later = int(name == "test" and wants_valid)
            part[
                free[
                    _held_out(
                        rows,
                        free,
                        way,
                        column,
                        fraction,
                        _generator(seed, name),
                        labels if classes else None,
                        later,
                        links,
                    )
                ]
            ] = name
    if classes and labels is not None and supervised:
        _check_classes(rows, labels, part, how, mend=way == "random" and named is None)
    if isinstance(rows, Ordered):
        rows.check_parts(part)
    chosen = {name: np.flatnonzero(part == name) for name in ("train", "valid", "test")}
    _check_sizes(rows, chosen, wants_test=test is None and test_fraction > 0, wants_valid=valid is None)
    return Splits(
        train=rows.take(chosen["train"]),
        valid=valid if valid is not None else rows.take(chosen["valid"]),
        test=test if test is not None else rows.take(chosen["test"]) if len(chosen["test"]) else None,
    )


def parse_split(how: str) -> tuple[str, str]:
    """(way, column) of an option such as `group:patient`; OptionError for what is none."""
    way, colon, column = how.strip().partition(":")
    takes_column = f"{way}:COLUMN" in WAYS
    if way not in [each.partition(":")[0] for each in WAYS]:
        raise OptionError(
            f"--split: there is no way to split called '{how}'. {suggest(way, WAYS)} Ways are "
            f"{', '.join(WAYS)}."
        )
    if takes_column != bool(colon and column):
        wanted = f"a column after it, as in {way}:COLUMN" if takes_column else "no column after it"
        raise OptionError(f"--split: {way} takes {wanted}; received '{how}'.")
    return way, column


def named_parts(rows: Rows, column: str) -> np.ndarray:
    """The part of each row, "train", "valid" or "test", from a column that says so in one of the usual words.

    DataError for another word.
    """
    values = rows.column(column)
    words = {value: PARTS.get(str(value).strip().lower()) for value in set(values.tolist())}
    for value, part in words.items():
        if part is None:
            place = next(
                place for place, each in enumerate(values.tolist()) if each is value or each == value
            )
            raise DataError(
                f"{rows.name}, {_where(rows, place)}, column '{column}': expected train, valid or test, "
                f"received '{value}'. "
                "Correct the cell, or choose another --split."
            )
    return np.array([words[value] for value in values.tolist()], "<U5")


def check_learnable(rows: Rows, labels: np.ndarray, *, classes: bool) -> None:
    """DataError where the target is the same in every row, or a class has one row only, named."""
    target = getattr(rows, "target_name", None)
    shown = f"the target '{target}'" if target else "the label"
    if len(labels) == 0:
        raise DataError(f"{rows.name}: there is no row to learn from.")
    if not classes:
        if labels.dtype == object and not isinstance(labels[0], str):  # several values a row: the rows check
            return
        if labels.min() == labels.max():
            raise DataError(
                f"{rows.name}: {shown} is {labels[0]} in every row, so there is nothing to learn. Name "
                "another --target."
            )
        return
    values, counts = np.unique(labels, return_counts=True)
    if len(values) == 1:
        raise DataError(
            f"{rows.name}: {shown} is '{values[0]}' in every row, so there is nothing to learn. Name another "
            "target, or add rows of a second class."
        )
    if counts.min() == 1:
        lonely = values[counts == 1]
        place = int(np.flatnonzero(labels == lonely[0])[0])
        more = f" (and {len(lonely) - 1} more classes)" if len(lonely) > 1 else ""
        raise DataError(
            f"{rows.name}, {_where(rows, place)}: {shown} has the class '{lonely[0]}'{more} in one row only, "
            "and a class needs two, one to "
            "learn from and one to be scored on. Add rows of it, join it with another class, or delete the "
            "row."
        )


def _held_out(
    rows: Rows,
    free: np.ndarray,
    way: str,
    column: str,
    fraction: float,
    rng: np.random.Generator,
    labels: np.ndarray | None,
    later: int,
    links: np.ndarray | None,
) -> np.ndarray:
    """Positions within `free` to hold out. later: parts that will be held out of the rest after this one."""
    own = labels[free] if labels is not None else None
    keep = later + (len(np.unique(own)) if own is not None and way == "stratified" else 1)
    if len(free) <= keep:
        raise DataError(_too_few(rows, keep + 1))
    if isinstance(rows, Ordered) and way not in ("time", "group"):
        return rows.latest(free, fraction, later)
    if way == "time":
        return by_time(rows, column, free, fraction)
    if way == "linked" and links is not None:
        return by_group(rows.name, links[free], "auto", fraction, rng, own, later)
    if way == "group":
        return by_group(rows.name, rows.column(column)[free], column, fraction, rng, own, later)
    if way == "stratified" and own is not None:
        return proportional(own, fraction, rng, later)
    return uniform(len(free), fraction, rng, keep)


def _check_classes(rows: Rows, labels: np.ndarray, part: np.ndarray, how: str, *, mend: bool) -> None:
    """Every class has a row to train on: where a random draw took the last one, one is put back (mend)."""
    missing = np.setdiff1d(np.unique(labels), np.unique(labels[part == "train"]))
    if len(missing) and not mend:
        elsewhere = int((labels == missing[0]).sum())
        raise DataError(
            f"{rows.name}: with --split {how} no training row is of the class '{missing[0]}' (all its "
            f"{elsewhere:,} rows are held out). "
            "Use --split stratified, or add rows."
        )
    for label in missing:
        part[np.flatnonzero(labels == label)[0]] = "train"


def _check_sizes(rows: Rows, chosen: dict[str, np.ndarray], *, wants_test: bool, wants_valid: bool) -> None:
    for name, wanted in (("train", True), ("valid", wants_valid), ("test", wants_test)):
        if wanted and len(chosen[name]) == 0:
            raise DataError(_too_few(rows, 2 + wants_valid + wants_test, name))


def _too_few(rows: Rows, needed: int, name: str = "") -> str:
    lacking = f"none is left for the part '{name}'" if name else "that is too few to hold some out"
    plural = "" if len(rows) == 1 else "s"
    return (
        f"{rows.name}: received {len(rows)} row{plural}, and {lacking}. "
        f"At least {needed} are needed; hundreds are better."
    )


def _where(rows: Rows, place: int) -> str:
    """The row as its source counts it, where it does; else its position."""
    where = getattr(rows, "where", None)
    return where(place) if where is not None else f"row {place}"


def _generator(seed: int, name: str) -> np.random.Generator:
    """The same numbers for the same seed and purpose, whatever else is drawn."""
    return np.random.default_rng([seed, crc32(f"split/{name}".encode())])
