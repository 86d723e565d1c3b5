"""`report.html`: a run on one self-contained page, without a byte from elsewhere."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepfit import metrics
from deepfit.judge.scorecard import held_out
from deepfit.judge.verdict import DASH, number, outcome, readable, span
from deepfit.report import charts
from deepfit.report.rates import section as rate_section
from deepfit.report.sections import make
from deepfit.report.view import View

if TYPE_CHECKING:
    from jinja2 import Environment

    from deepfit.job.result import Result
    from deepfit.judge.intervals import Interval

NAME = "report.html"
SOURCES = {
    **dict.fromkeys(("image-classification", "image-clustering"), "new_photos"),
    "token-classification": "new.conll",
}
MADE = dict.fromkeys(("unconditional-image-generation", "text-to-image"), "grid.png")
"""Where tasks that make something new write it, in place of answers to rows."""
ANSWERS = {"token-classification": "answers.conll"}


def write(result: Result, *, importance: Mapping[str, Interval] | None = None) -> Path:
    """Write `report.html` into the run's folder and return its path.

    importance: of columns or covariates, the most important first, as `explain.permutation.of_columns` or
    `explain.covariates.of_covariates` gives it; without it there is no such section.
    """
    from deepfit.job.folder import write_text

    path = Path(result.run) / NAME
    write_text(path, render(result, importance=importance))
    return path


def render(result: Result, *, importance: Mapping[str, Interval] | None = None) -> str:
    """The page as text.

    All text from data is escaped; its colours follow the reader's light or dark setting.
    """
    view = View(result, importance or {})
    card = result.scorecard
    config = _config(Path(result.run))
    sections = [section for name in result.task.sections if (section := make(name, view)) is not None]
    if rates := rate_section(view):
        sections.append(rates)
    template = environment().get_template("template.html")
    return template.render(
        card=card,
        name=Path(result.run).name or "run",
        source=config.get("source", ""),
        verdict=card["verdict"],
        outcome=outcome(card["verdict"]),
        held_out=held_out(result.task, card),
        scores=_scores(card, view.main_metric),
        comparison=_comparison(card, view.main_metric),
        main=metrics.title(view.main_metric),
        costs=_costs(card),
        sections=sections,
        concerns=[(concern.kind, concern.where, concern.message) for concern in result.concerns],
        options=_options(result, config),
        usage=_usage(card, result),
    )


def environment(*packages: str) -> Environment:
    """Templates of these packages and of this one, whose styles they may include; all text is escaped."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=ChoiceLoader([PackageLoader(each, ".") for each in (*packages, "deepfit.report")]),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _scores(card: Mapping[str, Any], main_metric: str) -> dict[str, Any]:
    """The scorecard as a table: a row a method, the network first; a column a metric, the main one first."""
    everyone = {"network": card["metrics"], **card["baselines"]}
    names = list(dict.fromkeys(name for scores in everyone.values() for name in scores))
    names.sort(key=lambda name: name != main_metric)
    best = {}
    for name in names:
        values = [scores[name]["value"] for scores in everyone.values() if _known(scores, name)]
        if len(values) > 1 and len(set(values)) > 1:
            best[name] = min(values, key=lambda value, name=name: metrics.cost(name, value))
    rows = []
    for who, scores in everyone.items():
        cells = []
        for name in names:
            if not _known(scores, name):
                cells.append((DASH, "", False))
                continue
            score = scores[name]
            spread = span(score["low"], score["high"])
            cells.append((number(score["value"], 4), spread, score["value"] == best.get(name)))
        rows.append((readable(who), cells))
    header = [(metrics.title(name), _arrow(name)) for name in names]
    return {"header": header, "rows": rows if names else []}


def _arrow(metric: str) -> str:
    """Where a metric gets better."""
    if metric in metrics.NOMINAL:
        return f"→ {metrics.NOMINAL[metric]:g}"
    return "↓" if metric in metrics.LESS_IS_BETTER else "↑"


def _comparison(card: Mapping[str, Any], main_metric: str) -> Any:
    everyone = {"network": card["metrics"], **card["baselines"]}
    drawn = {
        readable(who): scores[main_metric] for who, scores in everyone.items() if _known(scores, main_metric)
    }
    if not drawn:
        return ""
    if len(drawn) > 3:  # the most trivial baseline is so far off that nothing else could be told apart
        drawn.pop(next(iter(readable(name) for name in card["baselines"])), None)
    return charts.intervals(
        list(drawn),
        [score["value"] for score in drawn.values()],
        [score["low"] for score in drawn.values()],
        [score["high"] for score in drawn.values()],
        label=f"{metrics.title(main_metric)}, 95 % interval",
        first_stands_out=True,
    )


def _known(scores: Mapping[str, Any], name: str) -> bool:
    return name in scores and scores[name]["value"] is not None


def _costs(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    rows, seconds = card["rows"], card["seconds"]
    return [
        *((f"{part} rows", f"{rows[part]:,}") for part in ("train", "valid", "test")),
        ("training", _duration(seconds["train"])),
        ("in all", _duration(seconds["total"])),
        ("peak memory", f"{card['peak_mb'] or 0:,.0f} MB"),
    ]


def _duration(seconds: float | None) -> str:
    whole = round(seconds or 0)
    if whole < 120:
        return f"{number(seconds or 0.0, 2)} s" if whole < 10 else f"{whole} s"
    return (
        f"{whole // 60} min {whole % 60} s" if whole < 7200 else f"{whole // 3600} h {whole % 3600 // 60} min"
    )


def _config(run: Path) -> dict[str, Any]:
    import yaml

    path = run / "config.yaml"
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.exists() else {}


def _options(result: Result, config: Mapping[str, Any]) -> list[tuple[str, str, str, bool]]:
    """(name, value, meaning, whether it differs from the default) of every resolved option."""
    fields = getattr(result.task.Options, "model_fields", {})
    values = config or result.task.options.model_dump(mode="json")
    listed = []
    for name, value in values.items():
        field = fields.get(name)
        changed = field is not None and value != field.default
        listed.append((name, _shown(value), (field.description or "") if field is not None else "", changed))
    return listed


def _shown(value: Any) -> str:
    if value is None or value == "":
        return DASH
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def _usage(card: Mapping[str, Any], result: Result) -> dict[str, str]:
    """Commands and code that use this very model, with its real paths."""
    run = str(card["paths"].get("run") or result.run)
    place = shlex.quote(run)
    if made := MADE.get(card["task"]):
        return {
            "shell": f"deepfit sample {place} --seed 1 --out {made}\n"
            f"deepfit resume {place}\n"
            f"tensorboard --logdir {place}",
            "python": "import deepfit\n\n"
            f"model = deepfit.load({run!r})\n"
            'model.sample(64, seed=1)["images"]  # uint8 [64, height, width, channels]',
        }
    new = SOURCES.get(card["task"], "new.csv")
    labelled = SOURCES.get(card["task"], "labelled.csv")
    return {
        "shell": f"deepfit predict {place} {new} --out {ANSWERS.get(card['task'], 'answers.csv')}\n"
        f"deepfit evaluate {place} {labelled}\n"
        f"deepfit resume {place}\n"
        f"tensorboard --logdir {place}",
        "python": "import deepfit\n\n"
        f"model = deepfit.load({run!r})\n"
        f"model.predict({new!r})      # one prediction a row\n"
        f"model.evaluate({labelled!r})  # the scorecard on rows whose answer is known",
    }
