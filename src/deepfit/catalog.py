"""Which tasks there are: the files in the folders of `deepfit.tasks`, imported only when one is chosen.

A task is one file `tasks/<name_with_underscores>.py` that holds one class of the same name in CamelCase. Its
id is the file's name with hyphens: `tabular_regression.py` holds `TabularRegression` and is the task
`tabular-regression`. Files that begin with an underscore are not tasks. Nothing here imports PyTorch, NumPy
or pydantic.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from deepfit.errors import DataError, OptionError, suggest

if TYPE_CHECKING:
    from deepfit.contract import Task


COMMANDS = {
    "feature-extraction": "Vectors of texts or pictures by any trained model, `deepfit embed`; to find what "
    "is alike, `deepfit search`.",
}
"""Tasks of the Hugging Face Hub that are no way of learning here, but use what was learned."""


def names() -> list[str]:
    """The ids of all tasks, in alphabetical order: `["image-classification", ...]`."""
    return sorted(_files())


def docstring(name: str) -> str:
    """The text that opens a task's file: a line of summary, then its data contract. Imports nothing."""
    import ast

    with open(_files()[spelled(name)], encoding="utf-8") as file:
        return ast.get_docstring(ast.parse(file.read())) or ""


def summary(name: str) -> str:
    """The first line of a task's docstring."""
    return docstring(name).partition("\n")[0].strip()


def spelled(name: str) -> str:
    """A task's id from one written with hyphens or underscores, in any case; OptionError with a hint."""
    wanted = name.strip().lower().replace("_", "-")
    known = names()
    if wanted in COMMANDS and wanted not in known:
        raise OptionError(
            f"'{wanted}' is nothing to train: it has no answers to learn from. {COMMANDS[wanted]} Train "
            "sentence-similarity, text-classification or image-classification for vectors of your own."
        )
    if wanted not in known:
        raise OptionError(
            f"There is no task '{name}'. {suggest(wanted, known)} `deepfit tasks` lists all tasks."
        )
    return wanted


def find(name: str) -> type[Task]:
    """The class of a task. Imports the task's file, which imports no PyTorch."""
    module_name = spelled(name).replace("-", "_")
    module = import_module(f"deepfit.tasks.{module_name}")
    return getattr(module, "".join(part.capitalize() for part in module_name.split("_")))


def infer(source: Any, target: str | None = None) -> tuple[str, str]:
    """The one task that suits a source, and its reason in words.

    DataError where there is no such source or no task suits, naming what each one takes; OptionError where
    several do.
    """
    asked = {name: find(name).suits(source, target) for name in names()}
    reasons = {name: reason for name, reason in asked.items() if reason is not None}
    if len(reasons) == 1:
        return next(iter(reasons.items()))
    if reasons:
        fits = "\n".join(f"  --task {name}: {reason}" for name, reason in reasons.items())
        raise OptionError(f"Several tasks fit {_shown(source)}. Say which one is meant:\n{fits}")
    if _is_path(source) and not os.path.exists(str(source)):
        raise DataError(_missing(str(source)))
    aimed = f", with the target '{target}'" if target is not None else ""
    wants = "\n".join(f"  {name}: {summary(name)}" for name in names())
    raise DataError(
        f"No task could be inferred from {_shown(source)}{aimed}. A table needs --target COLUMN.\n"
        f"Or name the task with --task; there are:\n{wants}\n"
        "`deepfit tasks NAME` shows what data a task takes."
    )


def _missing(source: str) -> str:
    """What to say of a source that is no file or folder: its neighbours with a similar name."""
    folder = os.path.dirname(source) or "."
    neighbours = os.listdir(folder) if os.path.isdir(folder) else []
    hint = suggest(os.path.basename(source), neighbours)
    return f"There is no file or folder '{source}'." + (f" {hint}" if hint.startswith("Did you mean") else "")


def _files() -> dict[str, str]:
    """Task id -> path of its file; where two folders hold the same name, the first wins, as for imports."""
    found: dict[str, str] = {}
    for folder in import_module("deepfit.tasks").__path__:
        if not os.path.isdir(folder):
            continue
        for entry in os.listdir(folder):
            stem, extension = os.path.splitext(entry)
            if extension == ".py" and not stem.startswith("_"):
                found.setdefault(stem.replace("_", "-"), os.path.join(folder, entry))
    return found


def _shown(source: Any) -> str:
    """A source in a message: its path, or the type of what is in memory."""
    return f"'{source}'" if _is_path(source) else f"a {type(source).__name__} in memory"


def _is_path(source: object) -> bool:
    return isinstance(source, str | os.PathLike)
