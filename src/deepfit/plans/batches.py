"""Encoded rows in batches: in a new order each epoch, and on the device."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from deepfit.contract import Batch
from deepfit.data.batches import Selection, cut
from deepfit.data.graph_sets import Graphs
from deepfit.data.ragged import Ragged
from deepfit.data.windows import Windows

POOL_BATCHES = 50
"""Batches whose rows are sorted together; more saves little padding and leaves less to chance."""


LEAST_SAVED = 2048
"""Items of padding that a cut through a batch must save to be worth another call of the network."""


class Shuffled(Sequence[Selection]):
    """The rows of named arrays in a new order, in batches of nearly equal size.

    So that none is too small for batch statistics.
    """

    def __init__(
        self, arrays: Mapping[str, Any], rows: int, batch_size: int, generator: torch.Generator
    ) -> None:
        self.arrays = arrays
        self.order = torch.randperm(rows, generator=generator)
        self.num_batches = max(1, math.ceil(rows / batch_size))

    def __len__(self) -> int:
        return self.num_batches

    def __getitem__(self, place: int) -> Selection:
        if not 0 <= place < self.num_batches:
            raise IndexError(place)
        rows = len(self.order)
        return Selection(
            self.arrays, self.order[place * rows // self.num_batches : (place + 1) * rows // self.num_batches]
        )


class Bucketed(Sequence[Selection]):
    """The rows of named arrays in a new order, in batches of rows of similar length.

    lengths: items of each row. A random order is cut into pools; within a pool rows are sorted by length and
    cut into batches of nearly equal size, and the batches of all pools come in random order.
    """

    def __init__(
        self, arrays: Mapping[str, Any], lengths: np.ndarray, batch_size: int, generator: torch.Generator
    ) -> None:
        self.arrays = arrays
        rows = len(lengths)
        order = torch.randperm(rows, generator=generator)
        known = torch.as_tensor(lengths)
        pools = max(1, math.ceil(rows / (batch_size * POOL_BATCHES)))
        batches: list[Tensor] = []
        for pool in order.tensor_split(pools):
            by_length = pool[known[pool].argsort(stable=True)]
            batches += by_length.tensor_split(max(1, math.ceil(len(pool) / batch_size)))
        self.batches = [batches[place] for place in torch.randperm(len(batches), generator=generator)]

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, place: int) -> Selection:
        return Selection(self.arrays, self.batches[place])


def cut_by_padding(batch: Batch, by: Sequence[str], *, least_saved: int = LEAST_SAVED) -> list[Batch]:
    """A batch in pieces that need less padding: one very long row does not pad all others to its length.

    by: the Ragged arrays whose lengths count; rows come shortest first, as in `Bucketed`. Cut where most is
    saved, then the pieces again, as long as a cut saves `least_saved` items. Losses are sums, so those
    of the pieces add up to that of the batch.
    """
    lengths = np.sum([batch[name].lengths for name in by], axis=0)
    open_spans, spans = [(0, len(lengths))] if len(lengths) else [], []
    while open_spans:
        start, stop = open_spans.pop()
        saved = np.arange(1, stop - start) * (lengths[stop - 1] - lengths[start : stop - 1])
        if saved.max(initial=0) < least_saved:
            spans.append((start, stop))
            continue
        place = start + 1 + int(saved.argmax())
        open_spans += [(start, place), (place, stop)]
    return [batch] if len(spans) < 2 else [cut(batch, start, stop) for start, stop in sorted(spans)]


def tensors(batch: Batch, device: torch.device, *, largest_share: float = 0.25) -> dict[str, Any]:
    """Arrays as tensors without a copy; Ragged ones, Windows and Graphs as they are.

    Moved to an accelerator now if they fill at most this share of its free memory.
    """
    ragged = {name: array for name, array in batch.items() if isinstance(array, Ragged | Windows | Graphs)}
    batch = {name: array for name, array in batch.items() if name not in ragged}
    held = {
        name: torch.from_numpy(array) if isinstance(array, np.ndarray) else array
        for name, array in batch.items()
    }
    if device.type == "cuda":
        size = sum(tensor.numel() * tensor.element_size() for tensor in held.values())
        if size <= largest_share * torch.cuda.mem_get_info(device)[0]:
            held = {name: tensor.to(device) for name, tensor in held.items()}
    return {**held, **ragged}


def on_device(batch: Batch, device: torch.device) -> dict[str, Tensor]:
    """The arrays of a batch gathered, each once, on the device.

    A Ragged array NAME comes as NAME, padded with zeros behind its rows, and NAME_keep, False there. Graphs
    come as they are.
    """
    found: dict[str, Tensor] = {}
    for name in batch:
        array = batch[name]
        if isinstance(array, Ragged):
            padded, keep = array.padded()
            found[name] = torch.from_numpy(padded).to(device, non_blocking=True)
            found[f"{name}_keep"] = torch.from_numpy(keep).to(device, non_blocking=True)
        elif isinstance(array, Graphs):
            found[name] = array  # pyright: ignore[reportArgumentType]  (the network's plan joins them)
        elif isinstance(array, Windows):
            found[name] = torch.from_numpy(array.gathered()).to(device, non_blocking=True)
        else:
            found[name] = torch.as_tensor(array).to(device, non_blocking=True)
    return found
