"""The content of `metrics.json`, which other programs read: scores beside baselines, a verdict, costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from os import PathLike
from typing import TYPE_CHECKING, Any

from deepfit.judge.intervals import Interval, bootstrap
from deepfit.judge.verdict import verdict

if TYPE_CHECKING:
    from deepfit.contract import Answers, Concern, Rows, Task

NETWORK = "network"


@dataclass(frozen=True)
class Judgement:
    """metrics: metric -> interval. baselines: name -> metric -> interval. verdict: one sentence."""

    metrics: Mapping[str, Interval]
    baselines: Mapping[str, Mapping[str, Interval]]
    verdict: str


def judge(
    task: Task,
    test: Rows,
    answers: Answers,
    baselines: Mapping[str, Answers] | None = None,
    *,
    seed: int = 0,
    seen: bool = False,
) -> Judgement:
    """Score the network beside the baselines on the same test rows; deterministic by seed.

    seen: the rows are those that were learned from.
    """
    everyone = {
        NETWORK: answers,
        **{name: given for name, given in (baselines or {}).items() if name != NETWORK},
    }
    if len(test) and test.target() is None and not task.metrics(answers, test):
        return UNSCORED
    found = bootstrap(task, test, everyone, seed=seed)
    others = {name: scores for name, scores in found.scores.items() if name != NETWORK}
    return Judgement(
        found.scores[NETWORK],
        others,
        verdict(task.main_metric, found, len(test), references(task), seen=seen),
    )


def references(task: Task) -> Sequence[str]:
    """Baselines that say how good answers can be: shown beside the others, and no rival to beat."""
    return tuple(getattr(task, "references", ()))


UNJUDGED = Judgement(
    {}, {}, "No rows were held out for testing, so nothing is known of how well the network does on new ones."
)

UNSCORED = Judgement(
    {},
    {},
    "Nothing can be scored: no row says what is right, for want of a --target. The answers stand unjudged.",
)


def held_out(task: Task, card: Mapping[str, Any]) -> bool:
    """Whether the rows of a scorecard are others than those learned from; see `transductive` in `Task`."""
    rows = card["rows"]
    return not (getattr(task, "transductive", False) and not rows["valid"] and rows["test"] == rows["train"])


def assemble(
    task_name: str,
    rows: Mapping[str, int],
    judgement: Judgement = UNJUDGED,
    *,
    seconds: Mapping[str, float],
    peak_mb: float,
    concerns: Sequence[Concern] = (),
    paths: Mapping[str, str | PathLike[str]],
) -> dict[str, Any]:
    """The scorecard as plain JSON: null instead of NaN or infinity, every key there whatever the run was.

    rows and seconds: any of "train", "valid", "test" and of "read", "train", "total"; what is not given is 0.
    paths: any of "run", "model", "report"; what is not given is null.
    """
    return {
        "task": task_name,
        "rows": {part: int(rows.get(part, 0)) for part in ("train", "valid", "test")},
        "metrics": _plain(judgement.metrics),
        "baselines": {name: _plain(scores) for name, scores in judgement.baselines.items()},
        "verdict": judgement.verdict,
        "seconds": {stage: _finite(seconds.get(stage, 0.0), 3) for stage in ("read", "train", "total")},
        "peak_mb": _finite(peak_mb, 1),
        "warnings": [sentence(concern) for concern in concerns],
        "paths": {
            name: None if paths.get(name) is None else str(paths[name]) for name in ("run", "model", "report")
        },
    }


def sentence(concern: Concern) -> str:
    """A concern as one line of text that says where: "prices.csv: 3 of 100 test rows ..."."""
    return (
        concern.message
        if concern.where in concern.message or not concern.where
        else f"{concern.where}: {concern.message}"
    )


def _plain(scores: Mapping[str, Interval]) -> dict[str, dict[str, float | None]]:
    return {
        metric: {"value": _finite(each.value), "low": _finite(each.low), "high": _finite(each.high)}
        for metric, each in scores.items()
    }


def _finite(value: float | None, decimals: int | None = None) -> float | None:
    if value is None or not isfinite(value):
        return None
    return float(value) if decimals is None else round(float(value), decimals)
