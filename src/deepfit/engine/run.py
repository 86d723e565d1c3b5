"""The engine's side of a run: where it computes, where it writes, and its random numbers."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from deepfit.engine import ranks
from deepfit.errors import OptionError
from deepfit.options import Options


class Run:
    """Device, folder, options and keyed random numbers of one run; lent to the task (see `contract.Run`).

    folder: where checkpoints go; None for a run in memory, which cannot be resumed.
    """

    def __init__(self, options: Options, folder: str | Path | None) -> None:
        self.options = options
        self.folder = None if folder is None else Path(folder)
        self.device = choose_device(options.device)
        self.ranks = ranks.join()

    def seed_of(self, *key: str | int) -> int:
        """63 bits from the run's seed and a key: the same for the same key, unrelated for any other."""
        text = "\0".join(str(part) for part in (self.options.seed, *key))
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1

    def rng(self, *key: str | int) -> torch.Generator:
        """A CPU generator of its own for a key, the same at any world size."""
        return torch.Generator().manual_seed(self.seed_of(*key))

    def seed(self, *key: str | int) -> int:
        """Set the global generators (dropout draws from them) by a key; ranks draw differently.

        Returns the seed.
        """
        seed = self.seed_of(*key, *((self.ranks.rank,) if self.ranks.rank else ()))
        self.reseed(seed)
        return seed

    def reseed(self, seed: int) -> None:
        """Set the global generators of the CPU and of this run's device.

        `torch.manual_seed` takes 100 times longer.
        """
        torch.default_generator.manual_seed(seed)
        if self.device.type != "cpu":
            torch.get_device_module(self.device).manual_seed(seed)

    def share(self, rows: Any) -> Any:
        """This rank's part of a tensor or batch."""
        return self.ranks.share(rows)

    def gather(self, rows: Tensor) -> Tensor:
        """The parts of all ranks, concatenated; differentiable."""
        return self.ranks.gather(rows)


def choose_device(name: str) -> torch.device:
    """`auto` is the accelerator of this machine, else the CPU. OptionError for a device that is not here."""
    accelerator = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    if name == "auto":
        return accelerator or torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise OptionError(f"--device: received '{name}'; write auto, cpu, cuda, cuda:1 or mps.") from None
    if device.type != "cpu" and (accelerator is None or accelerator.type != device.type):
        raise OptionError(
            f"--device: '{name}' is not available here; this machine offers {accelerator or 'cpu'}."
        )
    return device
