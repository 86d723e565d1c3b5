"""Which rows a label calls anomalies, and what such labels are for: leaving rows out, and scoring.

The label is never an input. Which of its values is the anomaly: what the user names; else yes or 1 where the
values are yes and no or 0 and 1; else the rarer of two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deepfit.contract import Concern
from deepfit.errors import DataError, OptionError, suggest

YES, NO = ("1", "true", "yes"), ("0", "false", "no")
SHOWN = 8


def as_label(value: Any) -> str:
    """A value of the label column as text: 1 and 1.0 are "1", True is "true"."""
    if isinstance(value, bool | np.bool_):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def settle_anomaly(labels: np.ndarray, named: str | None, *, name: str, target: str) -> list[str]:
    """The values that mean an anomaly, as text; OptionError where the labels leave it open.

    labels: [rows], without missing ones. named: as the user writes it, several with commas between.
    """
    values, counts = np.unique(labels, return_counts=True)
    texts = [as_label(value) for value in values.tolist()]
    shown = ", ".join(texts[:SHOWN]) + (", ..." if len(texts) > SHOWN else "")
    if named is not None:
        wanted = [word.strip() for word in named.split(",") if word.strip()]
        known = {text.lower(): text for text in texts}
        for word in wanted:
            if word.lower() not in known and len(texts) > 1:
                raise OptionError(
                    f"--anomaly: no row of {name} has '{word}' in column '{target}'. {suggest(word, texts)}"
                )
        found = [known.get(word.lower(), word) for word in wanted]
        if set(texts) <= set(found):
            raise DataError(
                f"{name}: every row is an anomaly by column '{target}' ({shown}), so there is no ordinary "
                "row to learn from. Name another --anomaly, or add ordinary rows."
            )
        return found
    lower = [text.lower() for text in texts]
    if set(lower) <= {*YES, *NO} and len(texts) <= 2:
        if set(lower) <= set(YES):
            raise DataError(
                f"{name}: column '{target}' is {shown} in every row, which means an anomaly, so there is no "
                "ordinary row to learn from. Add ordinary rows, or say --anomaly VALUE if it means something "
                "else."
            )
        same = {"1": "1", "0": "1", "true": "true", "false": "true", "yes": "yes", "no": "yes"}
        return [next((text for text in texts if text.lower() in YES), same[lower[0]])]
    if len(texts) == 2 and counts[0] != counts[1]:
        return [texts[int(np.argmin(counts))]]
    raise OptionError(
        f"--anomaly: which value of column '{target}' of {name} means an anomaly? It holds {shown}. Say "
        "--anomaly VALUE (several with commas between)."
    )


def anomalous(labels: np.ndarray, values: Sequence[str]) -> np.ndarray:
    """Bool [rows]: whether the label of a row is one of these values."""
    distinct, places = np.unique(labels, return_inverse=True)
    wanted = {value.lower() for value in values}
    return np.array([as_label(value).lower() in wanted for value in distinct.tolist()], bool)[places]


def label_concerns(
    found: np.ndarray | None, *, name: str, target: str | None, values: Sequence[str], noun: str
) -> list[Concern]:
    """What a reader has to know of the labels of the training rows; noun: "rows" or "readings"."""
    if found is None:
        return [
            Concern(
                "unlabelled",
                name,
                f"no --target says which {noun} are anomalies: the network learns from all {noun}, and its "
                "ranking cannot be scored.",
            )
        ]
    word = "or ".join(f"'{value}' " for value in values).strip()
    count = int(found.sum())
    said = f"{count:,} of {len(found):,} training {noun} are anomalies ('{target}' is {word})"
    if count:
        return [Concern("anomalies", name, f"{said}; they are left out of training.")]
    return [Concern("anomalies", name, f"no training {noun[:-1]} is an anomaly ('{target}' is {word}).")]


def check_ordinary(found: np.ndarray | None, rows: int, *, name: str, noun: str = "rows") -> np.ndarray:
    """The places of the rows to learn from; DataError where there are too few."""
    chosen = np.arange(rows) if found is None else np.flatnonzero(~found)
    if len(chosen) < 2:
        raise DataError(
            f"{name}: {len(chosen)} of {rows:,} training {noun} {'is' if len(chosen) == 1 else 'are'} "
            f"ordinary, and the network learns what is ordinary from at least 2; hundreds are better. Add "
            f"ordinary {noun}, or check --anomaly."
        )
    return chosen


def runs(marked: ArrayLike, follows: ArrayLike) -> NDArray[np.intp]:
    """[runs, 2]: first and behind the last place of each run of marked readings that follow one another."""
    marked, follows = np.asarray(marked, bool), np.asarray(follows, bool)
    before = np.concatenate([[False], marked[:-1]]) & follows
    firsts = np.flatnonzero(marked & ~before)
    goes_on = np.concatenate([before[1:] & marked[1:], [False]])
    return np.stack([firsts, np.flatnonzero(marked & ~goes_on) + 1], axis=1)
