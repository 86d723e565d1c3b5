"""Texts as numbers of tokens by a vocabulary that is kept in facts, whole and in windows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from deepfit.data.ragged import Ragged
from deepfit.data.text_windows import Windows, all_windows, drawn_windows, surrounded
from deepfit.data.tokens import Vocabulary

OVERLAP = 0.25
"""Share of a window that the next one reads again."""


def learned_ids(vocabulary: Vocabulary, *, around: bool = True) -> dict[str, Any]:
    """What facts keep of a vocabulary: all of it as text, and the tokens that stand around a text.

    around: whether the network wants such tokens.
    """
    bare, whole = (
        vocabulary.encode_ragged(["a"], specials=each)[0].row(0).tolist() for each in (False, True)
    )
    before = next((place for place in range(len(whole)) if whole[place : place + len(bare)] == bare), 0)
    first = whole[0] if around and before else None
    last = whole[-1] if around and before + len(bare) < len(whole) else None
    return {"vocabulary": vocabulary.to_json(), "first_id": first, "last_id": last}


def windows_of(ids: Ragged, facts: Mapping[str, Any]) -> Windows:
    """Every text in windows as long as the network reads, with the tokens around each."""
    room = room_of(facts)
    found = all_windows(ids, room, int(room * OVERLAP))
    return found._replace(tokens=surrounded(found.tokens, facts["first_id"], facts["last_id"]))


def beginnings(ids: Ragged, facts: Mapping[str, Any]) -> Ragged:
    """The beginning of each text, as much as the network reads at once, with the tokens around it."""
    begun = drawn_windows(ids, room_of(facts), np.zeros(len(ids)))
    return surrounded(begun, facts["first_id"], facts["last_id"])


def room_of(facts: Mapping[str, Any]) -> int:
    """Tokens of a text that the network reads at once, without those around it."""
    return max(2, facts["longest"] - sum(facts[name] is not None for name in ("first_id", "last_id")))
