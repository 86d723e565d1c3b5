"""Long rows of tokens read through windows: every one of them, overlapping, or one drawn anew.

No token is left out: to answer, a text is read in windows that together hold all of it, each as long as the
network can read, neighbours overlapping so that no phrase is only seen cut. To train, each pass over the rows
reads one window of each long text, drawn at random, so that in time all of it is seen at the cost of a part.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from deepfit.data.ragged import Ragged


class Windows(NamedTuple):
    """Windows of rows: their tokens, the row that each is of, and the share of the row's answer it gives.

    tokens: Ragged [windows]; rows: int64 [windows], ascending; shares: float64 [windows], adding up to 1 in
    each row.
    """

    tokens: Ragged
    rows: np.ndarray
    shares: np.ndarray


def all_windows(tokens: Ragged, length: int, overlap: int) -> Windows:
    """Every row in as few windows of at most `length` tokens as overlap by at least `overlap`, evenly placed.

    A row that fits is one window. A window's share is in proportion to its tokens.
    """
    lengths = tokens.lengths
    extra = np.maximum(lengths - length, 0)
    step = length - overlap
    counts = 1 + -(-extra // step)
    rows = np.repeat(np.arange(len(tokens)), counts)
    number = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    places = np.rint(number * extra[rows] / np.maximum(counts[rows] - 1, 1)).astype(np.int64)
    sizes = np.minimum(lengths[rows], length)
    shares = 1.0 / counts[rows]  # all windows of a row are as long
    return Windows(_pieces(tokens, tokens.starts[rows] + places, sizes), rows, shares)


def drawn_windows(tokens: Ragged, length: int, uniform: np.ndarray) -> Ragged:
    """One window of each row: all of a row that fits, else `length` tokens that begin at a random place.

    uniform: a number in [0, 1) for each row.
    """
    lengths = tokens.lengths
    if not len(tokens) or lengths.max() <= length:
        return tokens
    places = np.floor(uniform * (np.maximum(lengths - length, 0) + 1)).astype(np.int64)
    return _pieces(tokens, tokens.starts[:-1] + places, np.minimum(lengths, length))


def surrounded(tokens: Ragged, first: int | None, last: int | None) -> Ragged:
    """Each row with the tokens that the network expects around a text; None: with none there."""
    before, after = int(first is not None), int(last is not None)
    if not before and not after:
        return tokens
    lengths = tokens.lengths + before + after
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    values = np.empty(starts[-1], tokens.dtype)
    inside = np.ones(len(values), bool)
    if first is not None:
        values[starts[:-1]] = first
        inside[starts[:-1]] = False
    if last is not None:
        values[starts[1:] - 1] = last
        inside[starts[1:] - 1] = False
    values[inside] = tokens.values[tokens.starts[0] : tokens.starts[-1]]
    return Ragged(values, starts)


def joined(said: np.ndarray, windows: Windows, count: int) -> np.ndarray:
    """What was said of windows [windows, ...] as what is said of each row [count, ...], by their shares."""
    found = np.zeros((count, *said.shape[1:]), np.float64)
    shares = windows.shares.reshape(-1, *[1] * (said.ndim - 1))
    np.add.at(found, windows.rows, said * shares)
    return found.astype(said.dtype)


def _pieces(tokens: Ragged, starts: np.ndarray, sizes: np.ndarray) -> Ragged:
    """The tokens from each start on, so many."""
    ends = np.cumsum(sizes)
    within = np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - sizes, sizes)
    values = tokens.values[np.repeat(starts, sizes) + within]
    return Ragged(values, np.concatenate([[0], ends]).astype(np.int64))
