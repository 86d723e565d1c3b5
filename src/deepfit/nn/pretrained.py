"""Start a network from weights in a local `.safetensors` or `.pth` file.

Names and shapes have to be the network's own. Two parts may differ, because they belong to the data that the
weights were learned from: the last linear layer (another number of classes: it keeps its fresh values) and
the first convolution (another number of channels: its weights are averaged or repeated). Nothing else is
guessed.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from deepfit.errors import ArtifactError

WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Keys under which training scripts put the weights beside other things."""


def load_pretrained(net: nn.Module, path: str | Path) -> list[str]:
    """Copy the weights of a file into the network; returns a sentence for each part that was adapted.

    ArtifactError where the file cannot be read, holds anything but tensors, or does not fit: with the names
    that are missing, unexpected or of another shape. The network is unchanged then.
    """
    found, notes = fit(net, path)
    net.load_state_dict(found, strict=False)
    return notes


def fit(net: nn.Module, path: str | Path) -> tuple[dict[str, Tensor], list[str]]:
    """What `load_pretrained` would copy and say, with its errors; the network may be on the meta device."""
    path = Path(path)
    found = read_weights(path)
    wanted = net.state_dict()
    notes = []
    head, stem = _last(net, nn.Linear), _first(net, nn.Conv2d)
    if head is not None and _rows(found, head) not in (None, len(wanted[f"{head}.weight"])):
        here = len(wanted[f"{head}.weight"])
        notes.append(
            f"'{head}' of {path.name} tells {_rows(found, head)} classes apart, here are {here}: it is"
            " learned anew."
        )
        found.update({name: value for name, value in wanted.items() if name.startswith(f"{head}.")})
    if stem is not None:
        name = f"{stem}.weight"
        weight = found.get(name)
        if weight is not None and weight.ndim == 4 and _differ_in_channels_only(weight, wanted[name]):
            there, here = weight.shape[1], wanted[name].shape[1]
            found[name] = fit_channels(weight, here)
            notes.append(
                f"'{stem}' of {path.name} looks at {there} channels, here are {here}: its weights were"
                f" {'averaged' if here < there else 'repeated'}."
            )
    _check(found, wanted, path)
    return found, notes


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a `.safetensors`, `.pth`, `.pt` or `.bin` file by name.

    ArtifactError where it holds anything else. All but the first are unpickled by PyTorch's reader of weights
    alone, so one that wants to run code is refused. A `module.` before every name, as data-parallel training
    leaves it, is taken off.
    """
    path = Path(path)
    if not path.is_file():
        raise ArtifactError(
            f"{path}: there is no such file. --pretrained takes a local .safetensors or .pth file of weights."
        )
    if path.suffix == ".safetensors":
        found = _read_safetensors(path)
    elif path.suffix in (".pth", ".pt", ".bin"):
        found = _read_torch(path)
    else:
        raise ArtifactError(
            f"{path}: weights are read from .safetensors, .pth, .pt and .bin files, received '{path.suffix}'."
        )
    while (key := next((key for key in WRAPPERS if isinstance(found.get(key), Mapping)), None)) is not None:
        found = found[key]
    other = [
        name for name, value in found.items() if not isinstance(name, str) or not isinstance(value, Tensor)
    ]
    if other or not found:
        held = f"{_some(map(str, other))} is no named tensor" if other else "it is empty"
        raise ArtifactError(
            f"{path}: expected named tensors, but {held}. Save the network's state_dict() alone."
        )
    prefixed = all(name.startswith("module.") for name in found)
    return {name.removeprefix("module.") if prefixed else name: value for name, value in found.items()}


def fit_channels(weight_OIHW: Tensor, channels: int) -> Tensor:
    """A first convolution for another number of input channels, [O, channels, H, W].

    Fewer channels each get the mean over the old ones, more repeat the old ones in turn; times old / new, so
    that answers keep their size: from colour to grey, a grey picture gives what its three equal channels gave
    before.
    """
    old = weight_OIHW.shape[1]
    if channels < old:
        fitted = weight_OIHW.mean(1, keepdim=True).expand(-1, channels, -1, -1)
    else:
        fitted = weight_OIHW[:, torch.arange(channels) % old]
    return fitted * (old / channels)


def _read_safetensors(path: Path) -> dict[str, Any]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ArtifactError(
            f"{path}: not a readable .safetensors file ({error}). Fetch or save it again."
        ) from error


def _read_torch(path: Path) -> Mapping[str, Any]:
    try:
        with warnings.catch_warnings():
            # PyTorch warns of a protocol that it may not know; what it does not know it refuses anyway.
            warnings.simplefilter("ignore", UserWarning)
            found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ArtifactError(
            f"{path}: holds more than tensors, so loading it could run somebody's code, or is no file of"
            " weights at all; it was not opened further. Save the network's state_dict() alone, best as"
            " .safetensors."
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise ArtifactError(
            f"{path}: not a readable file of weights ({error}). Fetch or save it again."
        ) from error
    if not isinstance(found, Mapping):
        raise ArtifactError(
            f"{path}: expected a mapping of names to tensors, received {type(found).__name__}."
        )
    return found


def _check(found: Mapping[str, Tensor], wanted: Mapping[str, Tensor], path: Path) -> None:
    # Batch normalisation counts its batches in a tensor that weights saved by old versions lack and that
    # nothing reads here.
    missing = [name for name in wanted if name not in found and not name.endswith("num_batches_tracked")]
    unexpected = [name for name in found if name not in wanted]
    reshaped = [
        f"{name} {list(found[name].shape)} instead of {list(wanted[name].shape)}"
        for name in wanted
        if name in found and found[name].shape != wanted[name].shape
    ]
    problems = [("missing", missing), ("unexpected", unexpected), ("of another shape", reshaped)]
    if any(names for _, names in problems):
        said = "; ".join(f"{kind} ({len(names)}): {_some(names)}" for kind, names in problems if names)
        raise ArtifactError(
            f"{path}: these weights are not of this network. {said}. Choose the --network that they were made"
            " for."
        )


def _differ_in_channels_only(weight: Tensor, wanted: Tensor) -> bool:
    one, other = list(weight.shape), list(wanted.shape)
    return one[1] != other[1] and one[:1] + one[2:] == other[:1] + other[2:]


def _rows(found: Mapping[str, Tensor], layer: str) -> int | None:
    weight = found.get(f"{layer}.weight")
    return len(weight) if weight is not None and weight.ndim > 0 else None


def _first(net: nn.Module, kind: type[nn.Module]) -> str | None:
    return next((name for name, module in net.named_modules() if isinstance(module, kind)), None)


def _last(net: nn.Module, kind: type[nn.Module]) -> str | None:
    return next(
        (name for name, module in reversed(list(net.named_modules())) if isinstance(module, kind)), None
    )


def _some(names: Iterable[str]) -> str:
    names = list(names)
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
