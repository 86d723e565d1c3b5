"""Pictures beside the captions that they were made for."""

from __future__ import annotations

from collections import Counter

import numpy as np

from deepfit.answers.pictures import from_text
from deepfit.data.image_sources import natural
from deepfit.report.generation import grid, picture
from deepfit.report.view import Section, View

CAPTIONS, OF_EACH = 12, 12


def asked_pictures(view: View) -> Section | None:
    """Made pictures of the test rows' most frequent captions, a caption each, and how many fit."""
    said, test = view.answers.get("prediction"), view.result.test
    if said is None or test is None or not len(said):
        return None
    captions = test.column("text").tolist()
    counts = Counter(captions)
    often = sorted(counts, key=lambda caption: (-counts[caption], natural(caption)))[:CAPTIONS]
    fits = view.answers.get("recognised")
    passages = []
    for caption in sorted(often, key=natural):
        rows = np.flatnonzero([each == caption for each in captions])
        images = from_text(np.asarray(said, dtype=object)[rows[:OF_EACH]])
        share = (
            "" if fits is None or np.isnan(fits[rows]).all() else f": {np.nanmean(fits[rows]):.0%} recognised"
        )
        passages.append(picture(grid(images), f"{caption}{share}"))
    more = f" The {len(often)} most frequent of {len(counts):,} captions." if len(counts) > len(often) else ""
    return Section(
        "Pictures of captions",
        [f"Made for the captions of test pictures, as they came.{more}"],
        passages=passages,
    )
