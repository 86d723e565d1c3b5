"""Pairs of texts: rated by how alike they are, or pairs that belong together; and single texts to embed.

Rows are pairs. Columns are named by the options, else by the conventions below, the first that a table has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from deepfit.contract import Concern
from deepfit.data.tables import Table, read_table
from deepfit.data.text_rows import TextRows
from deepfit.data.texts import read_texts
from deepfit.errors import DataError, suggest

PAIRS = (
    ("sentence1", "sentence2"),
    ("anchor", "positive"),
    ("text1", "text2"),
    ("text_a", "text_b"),
    ("word_a", "word_b"),
)
RATINGS = ("score", "similarity", "rating")
NEGATIVE = "negative"
EXAMPLES = 3


class Names(NamedTuple):
    """The columns of a pair: its texts, a third text that does not belong to the first, the rating."""

    first: str
    second: str
    negative: str | None = None
    rating: str | None = None


class PairRows:
    """Pairs of texts; implements `deepfit.contract.Rows`.

    rows: the texts. names: the columns. ratings: float64 for each row of the table, NaN where there is none;
    None where pairs are not rated.
    """

    def __init__(self, rows: TextRows, names: Names, ratings: np.ndarray | None) -> None:
        self.rows = rows
        self.names = names
        self.name = rows.name
        self._ratings = ratings

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def rated(self) -> bool:
        """Whether the pairs have ratings, not only partners."""
        return self._ratings is not None

    @property
    def target_name(self) -> str | None:
        """The column of ratings."""
        return self.names.rating

    def take(self, index: np.ndarray) -> PairRows:
        """The rows at these positions; the texts are shared."""
        return PairRows(self.rows.take(index), self.names, self._ratings)

    def compact(self) -> PairRows:
        """The same rows in a frame of their own."""
        if self.rows.index is None:
            return self
        ratings = None if self._ratings is None else self._ratings[self.rows.index]
        return PairRows(self.rows.compact(), self.names, ratings)

    def texts(self, name: str) -> list[str]:
        """The texts of one column."""
        return self.rows.texts(name)

    def column(self, name: str) -> np.ndarray:
        """One column's values."""
        return self.rows.column(name)

    def target(self) -> np.ndarray | None:
        """The ratings; None where pairs are not rated, or one of these is not."""
        found = self._here()
        return None if found is None or np.isnan(found).any() else found

    def keys(self) -> dict[str, np.ndarray]:
        """Nothing: a pair has no name."""
        return {}

    def labelled(self) -> PairRows:
        """The rated rows where pairs are rated, else all of them."""
        found = self._here()
        if found is None or not np.isnan(found).any():
            return self
        return self.take(np.flatnonzero(~np.isnan(found)))

    def parts(self) -> None:
        """None: a table names its parts only where a column is asked for."""
        return

    def where(self, position: int) -> str:
        """The row as its source calls it."""
        return self.rows.where(position)

    def prints(self, name: str) -> np.ndarray:
        """int64 [rows]: equal for texts of a column that are the same but for case and white space."""
        plain = self.rows.series(name).fill_null("").str.to_lowercase().str.replace_all(r"\s+", " ")
        return plain.str.strip_chars().hash(seed=1).to_numpy().astype(np.int64)

    def fingerprints(self) -> np.ndarray:
        """uint64 [rows]: equal for pairs of the same texts, in either order."""
        first, second = (self.prints(name).view(np.uint64) for name in (self.names.first, self.names.second))
        return (first + second) ^ (np.minimum(first, second) * np.uint64(3))

    def groups(self) -> np.ndarray | None:
        """int64 [rows]: pairs that hang together by texts that they share have the same number.

        A split by them leaves no text on two sides, and intervals draw them together. None where half of the
        rows or more hang together, since then there is no such split.
        """
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        if not len(self):
            return None
        prints = np.concatenate([self.prints(self.names.first), self.prints(self.names.second)])
        known, nodes = np.unique(prints, return_inverse=True)
        one, other = nodes[: len(self)], nodes[len(self) :]
        graph = coo_matrix((np.ones(len(self), bool), (one, other)), (len(known), len(known)))
        found = connected_components(graph, directed=False)[1][one].astype(np.int64)
        counts = np.bincount(found)
        return None if counts.max() > len(self) / 2 or (counts > 0).sum() < 8 else found

    def overlap(self, held_out: PairRows, seen_name: str, held_out_name: str) -> Concern | None:
        """What to say where texts of held-out pairs are texts of pairs seen before; None where none is."""
        known = np.union1d(*(self.prints(name) for name in (self.names.first, self.names.second)))
        both = [np.isin(held_out.prints(n), known) for n in (held_out.names.first, held_out.names.second)]
        shared = both[0] | both[1]
        if not shared.any():
            return None
        how = "Name other data with --test, or a column with --split group:COLUMN, for scores on new texts."
        return Concern(
            "leak",
            held_out.name,
            f"{int(shared.sum()):,} of {len(held_out):,} {held_out_name} pairs hold a text of a {seen_name} "
            f"pair, so the scores are those for new pairs of known texts. {how}",
        )

    def describe(self) -> list[tuple[str, str, str, str]]:
        """(name, kind, reason, example) of every column."""
        found = self.rows.describe()
        said = {self.names.rating: ("target", "how alike the texts are, as rated")}
        return [
            (name, *said[name], example) if name in said else (name, kind, why, example)
            for name, kind, why, example in found
        ]

    def concerns(self) -> list[Concern]:
        """What was left out, and pairs that repeat."""
        notes = list(self.rows.notes.values())
        prints = self.fingerprints()
        repeats = len(prints) - len(np.unique(prints))
        if repeats:
            said = f"{repeats:,} of {len(self):,} pairs repeat another one, in the same or the other order."
            notes.append(Concern("duplicates", self.name, said))
        return notes

    def _here(self) -> np.ndarray | None:
        if self._ratings is None:
            return None
        return self._ratings if self.rows.index is None else self._ratings[self.rows.index]


def read_pairs(
    source: Any,
    *,
    first: str | None = None,
    second: str | None = None,
    negative: str | None = None,
    target: str | None = None,
    training: bool = True,
) -> PairRows:
    """The pairs of a source, checked; DataError before any training.

    source: any table that `read_table` takes, or a list of (text, text). first, second, negative, target: the
    columns, None: by convention. training: rows without a text or a rating are left out, and that is said.
    """
    if isinstance(source, list | tuple) and source and all(_is_couple(each) for each in source):
        source = {"sentence1": [each[0] for each in source], "sentence2": [each[1] for each in source]}
    columns = read_table(source, head=True, lenient=True)
    names = resolve(columns, first, second, negative, target, strict=training)
    texts = [each for each in (names.first, names.second, names.negative) if each is not None]
    kinds = {name: "text" for name in (*texts, names.rating) if name is not None}
    table = read_table(source, kinds=kinds, lenient=True)
    rows = read_texts(_as_texts(table, texts), text=texts, target=None, training=training)
    if names.rating is None:
        return PairRows(rows, names, None)
    ratings = _ratings(table, names.rating)
    absent = np.isnan(ratings) if rows.index is None else np.isnan(ratings[rows.index])
    if absent.all() and training:
        raise DataError(f"{table.name}, column '{names.rating}': every rating is missing. Fill it in.")
    if absent.any():
        what = "left out" if training else "not scored"
        said = f"{int(absent.sum()):,} of {len(rows):,} pairs have no '{names.rating}' and are {what}."
        rows.note(Concern("missing", names.rating, said))
    return PairRows(rows.take(np.flatnonzero(~absent)) if training else rows, names, ratings)


def resolve(
    table: Table,
    first: str | None,
    second: str | None,
    negative: str | None,
    target: str | None,
    *,
    strict: bool,
) -> Names:
    """Which columns of a table are the texts and the rating; DataError where it has none that fit.

    strict: a column that is named has to be there; otherwise another that is so by convention will do.
    """
    there = {name.lower(): name for name in table.frame.columns}
    given = [name for name in (first, second, negative, target) if name is not None]
    absent = [name for name in given if name not in table.frame.columns]
    if absent and strict:
        raise DataError(
            f"{table.name}: there is no column '{absent[0]}'. {suggest(absent[0], table.frame.columns)}"
        )
    known = [name if name in table.frame.columns else None for name in (negative, target)]
    couples = [(first, second)] if first in table.frame.columns and second in table.frame.columns else []
    couples += [(there.get(one), there.get(other)) for one, other in PAIRS]
    for one, other in couples:
        if one is not None and other is not None:
            by_name = [there.get(NEGATIVE), next((there[name] for name in RATINGS if name in there), None)]
            found = [each or usual for each, usual in zip(known, by_name, strict=True)]
            if found[0] is not None and found[1] is not None and negative is None:
                found[0] = None  # a rating says more than a third text
            return Names(one, other, *found)
    usual = "; ".join(f"{one} and {other}" for one, other in PAIRS)
    raise DataError(
        f"{table.name}: no two columns are known as the texts of a pair. Name them with --first COLUMN and"
        f" --second COLUMN, or call them {usual}. The table has: {', '.join(table.frame.columns[:12])}."
    )


def _as_texts(table: Table, names: Sequence[str]) -> Table:
    """The table with these columns as text: a word list may hold numbers."""
    columns = [table.frame[name].cast(pl.String) for name in names if table.frame[name].dtype.is_numeric()]
    return replace(table, frame=table.frame.with_columns(columns)) if columns else table


def _ratings(table: Table, name: str) -> np.ndarray:
    """float64, NaN where a cell is empty; DataError naming the first that is no finite number."""
    column = table.frame[name]
    numbers = column.cast(pl.Float64, strict=False)
    wrong = column.is_not_null() & (numbers.is_null() | ~numbers.is_finite().fill_null(False))
    if wrong.any():
        place = wrong.arg_max() or 0
        raise DataError(
            f"{table.name}, {table.where(place)}, column '{name}': expected a number that says how alike the"
            f" texts are, received '{column[place]}'. Correct it, or leave the cell empty."
        )
    return numbers.fill_null(float("nan")).to_numpy()


def _is_couple(value: Any) -> bool:
    return (
        isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(each, str) for each in value)
    )


def read_items(source: Any, learned: Mapping[str, Any]) -> TextRows:
    """Single texts to embed: a column `text`, a folder of .txt files, a file, a list of texts.

    A table that has none gives its first column of texts: the first text of pairs.
    """
    column = "text"
    if not isinstance(source, list) and (names := _columns(source)) is not None and column not in names:
        wanted = [learned.get("first"), *(first for first, _ in PAIRS), "sentence", "anchor", "word"]
        column = next((name for name in wanted if name in names), column)
    return read_texts(source, text=column, target=None, training=False)


def _columns(source: Any) -> list[str] | None:
    from deepfit.data.tables import is_table

    if not is_table(source) or (isinstance(source, str) and source.lower().endswith(".txt")):
        return None
    return read_table(source, head=True, lenient=True).frame.columns
