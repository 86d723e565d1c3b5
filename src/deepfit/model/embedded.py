"""Vectors of texts or pictures, what they are of, and the nearest of them to a query."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from deepfit.contract import Rows
from deepfit.errors import DataError, suggest

if TYPE_CHECKING:
    from torch import nn

BLOCK_ROWS = 1 << 16


@dataclass(frozen=True)
class Embedded:
    """vectors: float32 [rows, width]; rows: the texts or pictures that they are of; notes: what to know."""

    vectors: np.ndarray
    rows: Rows
    notes: tuple[str, ...] = ()


class Embedder(Protocol):
    """A trained model, or a published encoder."""

    @property
    def net(self) -> nn.Module:
        """The network."""
        ...

    def items(self, source: Any) -> Rows:
        """The texts or pictures that a source holds."""
        ...

    def embedded_rows(self, rows: Any) -> Embedded:
        """The vectors of texts or pictures that are read already."""
        ...

    def embedded(self, source: Any) -> Embedded:
        """The vectors of what a source holds."""
        ...


@runtime_checkable
class Texts(Protocol):
    """Rows that are texts."""

    def texts(self) -> list[str]:
        """One a row."""
        ...


def names_of(rows: Rows) -> Mapping[str, np.ndarray]:
    """What the rows are: their keys (the file of a picture), and `text` where they are texts."""
    names = dict(rows.keys())
    if isinstance(rows, Texts):
        names["text"] = np.array(rows.texts(), object)
    return names


def with_texts(embedder: Embedder, source: Any, column: str | None) -> Any:
    """A table with this column where the embedder looks for texts; without a column, the source as it is.

    DataError where the source is no table, or has no such column.
    """
    if column is None:
        return source
    from dataclasses import replace

    from deepfit.data.tables import read_table

    table = read_table(source, kinds={column: "text"}, lenient=True)
    if column not in table.frame.columns:
        known = suggest(column, table.frame.columns)
        raise DataError(f"{table.name}: there is no column '{column}' of texts. {known}")
    wanted = getattr(getattr(getattr(embedder, "task", None), "options", None), "text", "text")
    return replace(table, frame=table.frame.select(table.frame[column].alias(wanted)))


def nearest(
    asked_QD: np.ndarray, vectors_ND: np.ndarray, top: int, *, block_rows: int = BLOCK_ROWS
) -> tuple[np.ndarray, np.ndarray]:
    """Places of the `top` rows with the highest cosine to each query, int64 [Q, K]; those, float32 [Q, K].

    The nearest first, of equals the one that stands first; K is N where there are no more. Exact: every row
    is looked at, in blocks. A vector of zeros has the cosine 0 with everything.
    """
    queries_DQ = _unit(np.asarray(asked_QD, np.float32)).T
    count = min(top, len(vectors_ND))
    places = np.zeros((len(asked_QD), 0), np.int64)
    cosines = np.zeros((len(asked_QD), 0), np.float32)
    for start, stop in _blocks(len(vectors_ND), block_rows):
        found = np.clip((_unit(np.asarray(vectors_ND[start:stop], np.float32)) @ queries_DQ).T, -1, 1)
        here = np.broadcast_to(np.arange(start, stop), found.shape)
        best = _highest(found, count)
        cosines = np.concatenate([cosines, np.take_along_axis(found, best, 1)], 1)
        places = np.concatenate([places, np.take_along_axis(here, best, 1)], 1)
        best = _highest(cosines, count)
        cosines, places = (np.take_along_axis(each, best, 1) for each in (cosines, places))
    return places, cosines


def fingerprint(embedder: Embedder, rows: Rows) -> str:
    """Of a network's weights and of the rows that it is asked about: differs where a vector could differ."""
    digest = hashlib.blake2b(digest_size=16)
    for name, value in embedder.net.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    for name, values in names_of(rows).items():
        digest.update(name.encode())
        for value in values:
            digest.update(str(value).encode(errors="surrogatepass") + b"\0")
    if not isinstance(rows, Texts):
        digest.update(np.ascontiguousarray(rows.fingerprints()).tobytes())
    return digest.hexdigest()


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, np.finfo(np.float32).tiny)


def _blocks(count: int, size: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + size, count)) for start in range(0, count, size))


def _highest(values: np.ndarray, count: int) -> np.ndarray:
    """The places of the highest values of each row, the highest first, of equals the earlier one."""
    if values.shape[1] > 4 * count:
        rough = np.argpartition(-values, count - 1, axis=1)[:, :count]
        least = np.take_along_axis(values, rough, 1).min(1, keepdims=True)
        # partitioning takes any of the values that equal the least one; the earliest are wanted
        order = np.where(values > least, 0, np.where(values == least, 1, 2))
        return np.stack([_first(row, order[place], count) for place, row in enumerate(values)])
    return np.argsort(-values, axis=1, kind="stable")[:, :count]


def _first(values: np.ndarray, order: np.ndarray, count: int) -> np.ndarray:
    above = np.flatnonzero(order == 0)
    chosen = np.concatenate([above, np.flatnonzero(order == 1)[: count - len(above)]])
    return chosen[np.argsort(-values[chosen], kind="stable")]
