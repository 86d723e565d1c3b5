"""How a game of two networks went: what a careful reader would say of its course."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deepfit.contract import Concern

PHASE = "contest"
WON = 0.99
"""Share of pairs told apart from which on a generator learns next to nothing."""
LOST_DIVERSITY, NO_DIVERSITY, NO_RECALL, SOME_RECALL = 0.5, 0.05, 0.02, 0.1
WORSE = 1.5


def rounds(history: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The records of the game among those of all phases."""
    return [record for record in history if record["phase"] == PHASE and record["scores"]]


def kept(records: Sequence[Mapping[str, Any]]) -> int:
    """The place of the record whose weights were kept."""
    return max((place for place, record in enumerate(records) if record["best"]), default=len(records) - 1)


def review(history: Sequence[Mapping[str, Any]]) -> list[Concern]:
    """A discriminator that won outright, a generator that collapsed or never began to vary; mostly nothing.

    Won: at the end it tells 99 % of pairs of a real and a made picture apart, and the best round is behind.
    Collapsed: since the best round the made pictures' variance has halved or they lie among real ones while
    no real one lies among them (recall about 0), and the distance is half as large again.
    """
    records = rounds(history)
    if not records:
        return []
    best, last = kept(records), len(records) - 1
    found = []
    tail = records[-max(1, len(records) // 4) :]
    told = [record["losses"].get("real_above_made", 0.0) for record in tail]
    if best < last - len(tail) + 1 and min(told) >= WON:
        found.append(
            f"The discriminator won outright: in the last {_rounds(len(tail))} it told {min(told):.1%} of "
            f"real pictures from made ones, which leaves the generator nothing to learn from. "
            f"{_is_kept(records)} Try --augment on, more pictures, or --r1 1."
        )
    first, now = records[best]["scores"], records[last]["scores"]
    fallen = now["diversity"] < LOST_DIVERSITY * first["diversity"]
    lost = now["recall"] < NO_RECALL and first["recall"] >= SOME_RECALL
    if (fallen or lost) and now["frechet_distance"] > WORSE * first["frechet_distance"]:
        found.append(
            f"The generator collapsed after round {best + 1}: the variety of its pictures fell from "
            f"{first['diversity']:.0%} to {now['diversity']:.0%} of that of real ones, recall from "
            f"{first['recall']:.2f} to {now['recall']:.2f}. {_is_kept(records)} "
            "Try a lower --learning-rate, --loss hinge or --discriminator-steps 2."
        )
    elif first["diversity"] < NO_DIVERSITY or first["recall"] == 0.0:
        found.append(
            f"The generator never made varied pictures: at its best they varied by {first['diversity']:.0%} "
            f"of what real ones do, with a recall of {first['recall']:.2f}. Try more --epochs, another "
            "--learning-rate or --loss, or more pictures."
        )
    return [Concern("contest", "training", sentence) for sentence in found]


def _is_kept(records: Sequence[Mapping[str, Any]]) -> str:
    return f"The weights of round {kept(records) + 1} are the ones that were kept."


def _rounds(count: int) -> str:
    return "round" if count == 1 else f"{count} rounds"
