"""The model card: `README.md` beside the weights, in the form that the Hugging Face Hub reads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from deepfit.judge.scorecard import held_out

if TYPE_CHECKING:
    from deepfit.model.model import Model


def write(model: Model, folder: Path) -> str:
    """The text of the card.

    What the model does, how well on held-out rows, beside which baselines, and how to use it.
    """
    head: dict[str, Any] = {
        "library_name": "deepfit",
        "pipeline_tag": model.task_name,
        "tags": ["deepfit", model.task_name],
    }
    lines = ["---", yaml.safe_dump(head, sort_keys=False).strip(), "---", "", f"# {model.task_name}", ""]
    lines += [
        f"A network of {sum(p.numel() for p in model.net.parameters()):,} parameters, trained by deepfit.",
        "",
    ]
    if model.scorecard:
        lines += [
            model.scorecard["verdict"],
            "",
            *_table(model.scorecard, new=held_out(model.task, model.scorecard)),
            "",
        ]
    lines += [
        "## Use",
        "",
        "```python",
        "import deepfit",
        "",
        f'model = deepfit.load("{folder.name}")',
        "model.predict(rows)",
        "```",
        "",
    ]
    if model.classes:
        lines += ["## Classes", "", ", ".join(f"`{name}`" for name in model.classes[:100]), ""]
    return "\n".join(lines)


def _table(scorecard: Any, *, new: bool) -> list[str]:
    names = list(scorecard["metrics"])
    rows = [("this model", scorecard["metrics"]), *scorecard["baselines"].items()]
    which = "held-out rows" if new else "rows, which training saw too"
    lines = [f"Scores on {scorecard['rows']['test']:,} {which}, with 95 % intervals:", ""]
    lines += ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for name, metrics in rows:
        lines.append(f"| {name} | " + " | ".join(_cell(metrics.get(metric)) for metric in names) + " |")
    return lines


def _cell(score: Any) -> str:
    if not score or score["value"] is None:
        return "-"
    if score.get("low") is None:
        return f"{score['value']:.4g}"
    return f"{score['value']:.4g} ({score['low']:.4g} to {score['high']:.4g})"
