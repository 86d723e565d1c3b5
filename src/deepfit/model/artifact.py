"""A saved model: a folder of data and no code.

`model.safetensors` (weights), `config.json` (format, task, options, versions, checksums), `facts.json` (what
was learned from the training rows), `metrics.json` (the scorecard, where there is one), `README.md` (the
model card). `config.json` names things from closed tables only, so loading a stranger's model cannot run a
stranger's code.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from deepfit.errors import ArtifactError

FORMAT = 1
CAN_HOLD_CODE = {
    ".pkl",
    ".pickle",
    ".pt",
    ".pth",
    ".bin",
    ".joblib",
    ".ckpt",
    ".npy",
    ".npz",
    ".py",
    ".pyc",
    ".so",
    ".dll",
}


def write(
    folder: Path, weights: Mapping[str, Any], config: Mapping[str, Any], texts: Mapping[str, str]
) -> None:
    """Write an artifact beside its final place and rename it there.

    ArtifactError where the folder holds something else.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType]  (it types a bare PathLike)

    if folder.exists() and (
        not folder.is_dir() or (any(folder.iterdir()) and not (folder / "config.json").exists())
    ):
        raise ArtifactError(
            f"{folder}: there is something else under this name. Choose another folder, or remove it first."
        )
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        save_file(
            {name: value.detach().cpu().contiguous().clone() for name, value in weights.items()},
            partial / "model.safetensors",
        )
        for name, text in texts.items():
            (partial / name).write_text(text, encoding="utf-8")
        shutil.copymode(partial / "facts.json", partial / "model.safetensors")  # safetensors makes it private
        files = {path.name: checksum(path) for path in sorted(partial.iterdir()) if path.name != "README.md"}
        (partial / "config.json").write_text(
            json.dumps({"format": FORMAT, **config, "files": files}, indent=2), encoding="utf-8"
        )
        old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
        if folder.exists():
            folder.rename(old)
        partial.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    except (OSError, SafetensorError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise ArtifactError(
            f"{folder}: could not be written ({error}). Nothing that was there has changed."
        ) from error


def find(folder: Path) -> Path:
    """The model folder itself, from it or from the run folder that holds it."""
    if not folder.exists():
        raise ArtifactError(f"{folder}: there is no such folder.")
    for place in (folder, folder / "model"):
        if (place / "config.json").exists():
            return place
    unfinished = (folder / "checkpoint").exists()
    hint = f" The run is not finished: 'deepfit resume {folder}' goes on with it." if unfinished else ""
    raise ArtifactError(f"{folder}: holds no model (no config.json, nor model/config.json).{hint}")


def read(folder: Path) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Config, facts and weights of an artifact, after checking that it is whole, readable here and data only.

    ArtifactError for a missing, truncated or changed file, a newer format, or a file that could run code,
    which is not opened.
    """
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in CAN_HOLD_CODE:
            raise ArtifactError(
                f"{path}: a {path.suffix} file can run code when it is opened, so this model is refused and "
                "the file was not opened. "
                "A model of deepfit holds only model.safetensors, JSON and README.md."
            )
    config = read_json(folder / "config.json")
    version = config.get("format")
    if not isinstance(version, int) or version > FORMAT:
        raise ArtifactError(
            f"{folder / 'config.json'}: format {version!r}, written by deepfit "
            f"{config.get('deepfit', '?')}; this version reads up to "
            f"{FORMAT}. Run 'pip install --upgrade deepfit'."
        )
    files = config.get("files")
    if not isinstance(files, dict) or not {"model.safetensors", "facts.json"} <= files.keys():
        raise ArtifactError(
            f"{folder / 'config.json'}: lists no model.safetensors and facts.json, so it is not a model of "
            "deepfit."
        )
    for name, expected in cast("dict[str, Any]", files).items():
        if Path(name).name != name:
            raise ArtifactError(
                f"{folder / 'config.json'}: names a file outside the model's folder, received {name!r}."
            )
        if not (folder / name).is_file():
            raise ArtifactError(
                f"{folder / name}: is missing, though config.json lists it. Copy the whole folder again."
            )
        if checksum(folder / name) != expected:
            raise ArtifactError(
                f"{folder / name}: is not the file that was saved (its SHA-256 differs): truncated, damaged "
                "or changed. Copy it again."
            )
    return config, read_json(folder / "facts.json"), read_weights(folder / "model.safetensors")


def read_weights(path: Path) -> dict[str, Any]:
    """The tensors of a safetensors file.

    ArtifactError for anything else, a pickle under that name included.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]  (it types a bare PathLike)

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ArtifactError(f"{path}: is not a whole safetensors file ({error}).") from error


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; ArtifactError with the place of the first mistake."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArtifactError(f"{path}: is not readable JSON ({error}).") from error
    if not isinstance(value, dict):
        raise ArtifactError(f"{path}: should hold a JSON object, received {type(value).__name__}.")
    return cast("dict[str, Any]", value)


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
