"""What is to be run.

The task, its options and its folder, settled and checked before anything is read or written.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deepfit import catalog
from deepfit.errors import ArtifactError, OptionError
from deepfit.job.folder import CONFIG, IN_MEMORY, read_config
from deepfit.job.run import Job
from deepfit.options import resolve


def prepare(
    source: Any,
    *,
    task: str | None = None,
    options: Mapping[str, Any] | None = None,
    test: Any = None,
    valid: Any = None,
    out: str | Path | None = None,
) -> Job:
    """A job that is ready to start.

    DataError, OptionError where the source, the task, an option or the folder will not do.

    source, test, valid: a path, a frame or arrays, as the task takes them. out: a new or empty folder; by
    default `runs/<time>-<task>`.
    """
    given = {name: value for name, value in (options or {}).items() if value is not None}
    reason = None
    if task is None:
        task, reason = catalog.infer(source, given.get("target"))
    task = catalog.spelled(task)
    kind = catalog.find(task)
    resolved = resolve(kind.Options, given)
    for part, place in (("test", test), ("valid", valid)):
        name = f"{part}_fraction"
        if place is not None and getattr(resolved, name) != kind.Options.model_fields[name].default:
            raise OptionError(
                f"--{part}-fraction has no effect with --{part}, which names the rows. Leave one away."
            )
    return Job(task, kind(resolved), source, test=test, valid=valid, out=new_folder(out, task), reason=reason)


def resume(run: str | Path, *, options: Mapping[str, Any] | None = None, source: Any = None) -> Job:
    """The job of a run folder, to go on from its last checkpoint.

    Options (more epochs) replace those of the first start.

    ArtifactError where the folder holds no run. source: the same rows again, for a run that was trained from
    memory.
    """
    folder = Path(run)
    if not (folder / CONFIG).is_file():
        raise ArtifactError(
            f"{folder}: holds no run (no {CONFIG}). Name the folder that 'deepfit train' wrote, such as "
            "runs/prices."
        )
    name, places, given = read_config(folder)
    if source is not None:
        places["source"] = source
    if IN_MEMORY in [value for value in places.values() if isinstance(value, str)]:
        raise OptionError(
            f"{folder}: was trained from data in memory, which no file holds. Pass the same data again: "
            "source=..."
        )
    kind = catalog.find(name)
    resolved = resolve(kind.Options, {**given, **{k: v for k, v in (options or {}).items() if v is not None}})
    return Job(
        catalog.spelled(name),
        kind(resolved),
        places["source"],
        test=places["test"],
        valid=places["valid"],
        out=folder,
        resumes=True,
    )


def new_folder(out: str | Path | None, name: str) -> Path:
    """The folder that is named, which must be new or empty; by default `runs/<time>-<name>`."""
    if out is None:
        stem = Path("runs") / f"{time.strftime('%Y-%m-%d-%H%M%S')}-{name}"
        numbered = (stem if n == 1 else stem.with_name(f"{stem.name}-{n}") for n in range(1, 1000))
        return next(folder for folder in numbered if not folder.exists())
    folder = Path(out)
    if (folder / CONFIG).exists():
        raise OptionError(
            f"--out: {folder} holds a run already. 'deepfit resume {folder}' goes on with it; or choose "
            "another folder."
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OptionError(
            f"--out: {folder} is in use by something else. Choose a folder that is new or empty."
        )
    return folder
