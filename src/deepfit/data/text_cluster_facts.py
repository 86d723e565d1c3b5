"""What is learned of training texts before they are clustered, and texts among which there are no groups."""

from __future__ import annotations

from typing import Any

import numpy as np

from deepfit.contract import Concern
from deepfit.data.cluster_checks import check_distinct, compared
from deepfit.data.latent_semantics import count_words, learn_words
from deepfit.data.text_rows import TextRows
from deepfit.errors import DataError

DIMENSIONS = 25
"""Dimensions of the points that shared words make, where none are asked for."""


def learn_shared_words(rows: TextRows, *, most: int, dimensions: int) -> dict[str, Any]:
    """`words`: those that texts are compared by; `width`: numbers of a point. dimensions: 0 = DIMENSIONS.

    DataError where no two texts share a word. What shares none with any other is said among the concerns.
    """
    texts = rows.texts()
    words = learn_words(texts, most)
    if not words:
        raise DataError(
            f"{rows.name}, column '{rows.text_names[0]}': no two of the {len(rows):,} training texts share a "
            "word, so nothing says which are alike. Add texts, or name a published encoder with --base "
            "FOLDER, which knows words that mean the same."
        )
    counted = count_words(texts, words)["words"]
    alone = np.flatnonzero(counted.lengths == 0)
    if len(alone):
        rows.note(
            Concern(
                "missing",
                rows.text_names[0],
                f"{len(alone):,} of {len(rows):,} training texts share no word with another one (such as "
                f"{rows.where(int(alone[0]))}): nothing tells them apart, so all of them get one cluster.",
            )
        )
    width = min(dimensions or DIMENSIONS, len(words), len(rows))
    return {"words": words, "width": width}


def check_enough(rows: TextRows, clusters: int) -> None:
    """DataError where the texts are all the same, or fewer different ones than clusters asked for.

    clusters: 0 where it is to be chosen.
    """
    check_distinct(
        rows.take(compared(len(rows))).fingerprints()[:, None],
        clusters,
        rows=len(rows),
        name=f"{rows.name}, column '{rows.text_names[0]}'",
        same=f"all {len(rows):,} training texts are the same but for case and white space, so there are no "
        "groups to find. Name another column with --text, or add texts.",
    )
