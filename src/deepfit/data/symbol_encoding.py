"""Facts of training rows of symbol strings, and their letters as codes; long strings in windows.

NumPy alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from deepfit.contract import Batch, Facts
from deepfit.data import alphabets
from deepfit.data.alphabets import SoftMasked
from deepfit.data.labels import encode_labels, learn_labels, targets_of
from deepfit.data.positions import judge_positions
from deepfit.data.ragged import Ragged
from deepfit.data.symbols import SymbolRows
from deepfit.errors import DataError, OptionError

LONGEST_ALIGNED = 2000
"""Letters up to which strings of one length are read position by position without being asked to."""
MOST_KMERS = 65_536


def learn_symbols(
    train: SymbolRows, *, soft_masked: SoftMasked, positions: str, window: int, k: int, seed: int = 0
) -> dict[str, Any]:
    """The alphabet, the classes, and "length" where strings are read position by position, else None.

    Also "positions_reason", "window" and "kmers" (how many there are, 0 for one-hot).
    """
    alphabet = alphabets.learn_alphabet(train.letters, train.kind, soft_masked)
    if train.kind == "symbols" and soft_masked != "same":
        raise OptionError(
            f"--soft-masked {soft_masked} is of DNA, RNA and protein; in other strings a letter in lower "
            "case is a sign of its own. Leave it away."
        )
    lengths = train.letters.lengths
    one_length = len(lengths) > 0 and np.ptp(lengths) == 0
    if positions == "on" and not one_length:
        raise DataError(
            f"{train.name}: --positions on needs sequences of one length, received {lengths.min():,} to "
            f"{lengths.max():,} letters. Cut them to one length, or leave --positions away."
        )
    if positions == "on" and lengths[0] > window:
        raise OptionError(
            f"--positions on reads the {lengths[0]:,} letters of a sequence at once, and --window is "
            f"{window:,}. Make --window larger, or leave --positions away."
        )
    aligned, why = positions == "on", "as the option says"
    if positions == "auto" and (not one_length or lengths[0] > min(LONGEST_ALIGNED, window)):
        why = "the sequences differ in length" if not one_length else f"{lengths[0]:,} letters are many"
    elif positions == "auto":
        aligned, why = judge_positions(
            alphabets.encode_letters(train.letters, alphabet),
            targets_of(train),
            letters=len(alphabet["letters"]),
            seed=seed,
        )
    count = len(alphabet["letters"])
    if k and count**k > MOST_KMERS:
        raise OptionError(
            f"--k {k} makes {count**k:,} k-mers of {count} letters, at most {MOST_KMERS:,} are possible "
            "here. Use a smaller --k, or --encoding one-hot."
        )
    return {
        **alphabet,
        **learn_labels(targets_of(train)),
        "length": int(lengths[0]) if aligned else None,
        "positions_reason": why,
        "window": window,
        "kmers": count**k if k else 0,
    }


def encode_symbols(rows: SymbolRows, facts: Facts) -> Batch:
    """`letters`: Ragged codes; `target` int64 [rows] where there are labels."""
    batch = {"letters": alphabets.encode_letters(rows.letters, facts)}
    values = rows.target()
    if values is None:
        return batch
    about = {"name": rows.name, "target": rows.target_name, "where": rows.where}
    return {**batch, "target": encode_labels(values, facts, **about)}


def windows_of(letters: Ragged, window: int) -> tuple[Ragged, np.ndarray]:
    """Windows over long rows, and the row that each is of; rows up to the window's length as they are.

    Windows overlap by at least half, are spread evenly, and cover every letter.
    """
    lengths = letters.lengths
    if not len(lengths) or lengths.max() <= window:
        return letters, np.arange(len(lengths))
    starts, stops, owners = [], [], []
    for row, length in enumerate(lengths.tolist()):
        count = 1 if length <= window else 1 + -(-(length - window) // max(window // 2, 1))
        firsts = np.linspace(0, max(length - window, 0), count).round().astype(np.int64)
        starts.append(letters.starts[row] + firsts)
        stops.append(letters.starts[row] + np.minimum(firsts + window, length))
        owners.append(np.full(count, row))
    begin, end = np.concatenate(starts), np.concatenate(stops)
    values = np.concatenate([letters.values[a:b] for a, b in zip(begin, end, strict=True)])
    return Ragged(values, np.concatenate([[0], np.cumsum(end - begin)])), np.concatenate(owners)


def mean_by_row(logits: np.ndarray, owners: np.ndarray, rows: int, *, margins: bool = False) -> np.ndarray:
    """The joint answer of each row's windows, float32 [rows, classes], from logits [windows, classes].

    The logarithm of their mean probability; where they are margins, their mean.
    """
    if len(owners) == rows:
        return logits
    shares = logits.astype(np.float64)
    if not margins:
        shares = np.exp(shares - shares.max(1, keepdims=True))
        shares /= shares.sum(1, keepdims=True)
    total = np.zeros((rows, logits.shape[1]))
    np.add.at(total, owners, shares)
    mean = total / np.bincount(owners, minlength=rows)[:, None]
    return (mean if margins else np.log(mean + 1e-12)).astype(np.float32)
