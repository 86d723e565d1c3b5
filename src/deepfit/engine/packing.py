"""Nested state as tensors and plain JSON, so that one safetensors file holds it and nothing in it can run."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType]  (it types a bare PathLike)

from deepfit.errors import ArtifactError, TrainingError


def pack(tree: Any, tensors: dict[str, torch.Tensor], path: str = "") -> Any:
    """The JSON outline of a tree of dicts, lists, tuples, numbers, texts and tensors.

    The tensors go into `tensors`.

    A tensor's name is its number and its path: paths alone can collide (the keys 1 and "1", a slash in a
    key).
    """
    name = f"{len(tensors)}{path}"
    if isinstance(tree, torch.Tensor):
        tensors[name] = tree.detach().contiguous().clone()
        return {"tensor": name}
    if isinstance(tree, Mapping):
        branches = cast("Mapping[Any, Any]", tree)
        if wrong := [key for key in branches if not isinstance(key, (str, int))]:
            raise TypeError(
                f"the keys of a state are texts or whole numbers; {path or 'it'} has {wrong[0]!r}"
            )
        return {"dict": [[key, pack(value, tensors, f"{path}/{key}")] for key, value in branches.items()]}
    if isinstance(tree, (list, tuple)):
        kind = "tuple" if isinstance(tree, tuple) else "list"
        items = cast("Sequence[Any]", tree)
        return {kind: [pack(value, tensors, f"{path}/{place}") for place, value in enumerate(items)]}
    if hasattr(tree, "__array__") and hasattr(tree, "dtype") and getattr(tree, "ndim", 0):
        tensors[name] = torch.as_tensor(tree).contiguous().clone()
        return {"array": name}
    if hasattr(tree, "item"):
        return tree.item()
    if tree is None or isinstance(tree, (bool, int, float, str)):
        return tree
    raise TypeError(
        f"a state may hold numbers, texts, tensors, lists and dicts; {path} holds {type(tree).__name__}"
    )


def unpack(outline: Any, tensors: Mapping[str, torch.Tensor]) -> Any:
    """The tree that `pack` took apart."""
    if not isinstance(outline, dict):
        return outline
    (kind, value), *_ = cast("dict[str, Any]", outline).items()
    if kind == "tensor":
        return tensors[value]
    if kind == "array":
        return tensors[value].numpy()
    if kind == "dict":
        return {key: unpack(each, tensors) for key, each in value}
    parts = [unpack(each, tensors) for each in value]
    return tuple(parts) if kind == "tuple" else parts


def save_atomically(path: Path, tree: Mapping[str, Any]) -> None:
    """Write a tree to one file: under a temporary name, fsynced, renamed.

    TrainingError, and the old file intact, where the disk refuses.
    """
    tensors: dict[str, torch.Tensor] = {}
    outline = json.dumps(pack(tree, tensors))
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            save_file(tensors, partial, metadata={"outline": outline})
            with open(partial, "rb") as file:
                os.fsync(file.fileno())
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except (OSError, SafetensorError) as error:
        raise TrainingError(
            f"{path}: the checkpoint could not be written ({error}). The one before it is intact: make room "
            "on the disk, "
            f"then run 'deepfit resume {path.parent.parent}'."
        ) from error


def _sync_folder(folder: Path) -> None:
    """Make a rename in the folder last through a power cut, where the system lets folders be synced."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def load(path: Path) -> dict[str, Any]:
    """The tree of a saved file, its tensors on the CPU.

    ArtifactError where it is truncated or not one of ours.
    """
    try:
        opened: Any = safe_open(path, framework="pt")
        with opened as file:
            metadata: dict[str, str] = file.metadata() or {}
            outline = metadata["outline"]
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (safe_open is no mapping)
        return dict(unpack(json.loads(outline), tensors))
    except (OSError, SafetensorError, LookupError, ValueError, TypeError, RecursionError) as error:
        raise ArtifactError(f"{path}: not a checkpoint of deepfit, or damaged ({error}).") from error
