"""Learning-rate schedules.

Functions from the share of the run that is done, in [0, 1], to a factor on the learning rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable

Schedule = Callable[[float], float]


def build(name: str, warmup: float = 0.0) -> Schedule:
    """The schedule of a name.

    `warmup` is the share of the run over which the rate first rises in a straight line from near 0.

    constant: 1. cosine: (1 + cos(pi t)) / 2 over the rest of the run (Loshchilov and Hutter 2017, arXiv
    1608.03983, eq. 5, without restarts). one_cycle: rises to 1 and falls to 0, both in straight lines (Smith
    and Topin 2018, arXiv 1708.07120; the momentum is left as it is).
    """
    falls = {"constant": _flat, "cosine": _cosine, "one_cycle": _line}[name]

    def factor(progress: float) -> float:
        if progress < warmup:
            return 0.01 + 0.99 * progress / warmup
        return falls((progress - warmup) / (1.0 - warmup))

    return factor


def _flat(rest: float) -> float:
    return 1.0


def _cosine(rest: float) -> float:
    return 0.5 * (1.0 + math.cos(math.pi * min(rest, 1.0)))


def _line(rest: float) -> float:
    return max(0.0, 1.0 - rest)
