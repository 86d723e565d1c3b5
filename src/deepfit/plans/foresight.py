"""What a network says of encoded rows, in their order: in evaluation mode and without gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from deepfit.contract import Batch
from deepfit.data.batches import Selection, cut, num_rows
from deepfit.data.ragged import Ragged
from deepfit.plans.batches import on_device, tensors

Forward = Callable[[Batch], Tensor]
"""A batch of tensors on the device -> what the network says of it."""

ITEMS_AT_ONCE = 1 << 13
"""Tokens in a batch, padding included, when a network only answers."""


def foresee(
    net: nn.Module,
    batch: Batch,
    forward: Forward,
    *,
    rows_at_once: int = 4096,
    answer: Callable[[Tensor], Tensor] | None = None,
) -> np.ndarray:
    """What the network says of encoded rows, in order, as one array.

    [rows, ...] float32, in evaluation mode and without gradients.
    """
    device = next((parameter.device for parameter in net.parameters()), torch.device("cpu"))
    rows = num_rows(batch)
    inputs = tensors(
        {name: array for name, array in batch.items() if name != "target"}, device, largest_share=0.0
    )
    was_training = net.training
    net.eval()
    said = []
    with torch.no_grad():  # not inference_mode, whose tensors would stay in a network's caches
        for start in range(0, max(rows, 1), rows_at_once):
            outputs = forward(on_device(cut(inputs, start, start + rows_at_once), device))
            said.append((answer(outputs) if answer else outputs).float().cpu())
    net.train(was_training)
    return torch.cat(said).numpy()


def foresee_by_length(
    net: nn.Module,
    batch: Batch,
    forward: Forward,
    *,
    by: str,
    items_at_once: int = ITEMS_AT_ONCE,
    answer: Callable[[Tensor], Tensor] | None = None,
) -> np.ndarray:
    """As `foresee`, but read in the order of the lengths of the Ragged array `by`; answers row by row."""
    found: np.ndarray | None = None
    for places, said in _said(net, batch, forward, by, items_at_once, answer):
        if found is None:
            found = np.empty((num_rows(batch), *said.shape[1:]), said.dtype)
        found[places] = said
    if found is None:
        raise ValueError("there are no rows to answer for")
    return found


def foresee_items(
    net: nn.Module, batch: Batch, forward: Forward, *, by: str, items_at_once: int = ITEMS_AT_ONCE
) -> Ragged:
    """Answers for each item (forward: BT... outputs), as rows as long as those of the Ragged array `by`."""
    starts = batch[by].starts - batch[by].starts[0]
    found: np.ndarray | None = None
    for places, said in _said(net, batch, forward, by, items_at_once, None):
        if found is None:
            found = np.empty((starts[-1], *said.shape[2:]), said.dtype)
        for place, row in zip(places, said, strict=True):
            found[starts[place] : starts[place + 1]] = row[: starts[place + 1] - starts[place]]
    if found is None:
        raise ValueError("there are no rows to answer for")
    return Ragged(found, starts)


def _said(
    net: nn.Module,
    batch: Batch,
    forward: Forward,
    by: str,
    items_at_once: int,
    answer: Callable[[Tensor], Tensor] | None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places of rows of similar length, and what the network says of them."""
    device = next((parameter.device for parameter in net.parameters()), torch.device("cpu"))
    inputs = {name: array for name, array in batch.items() if name != "target"}
    was_training = net.training
    net.eval()
    with torch.no_grad():
        for places in by_length(batch[by].lengths, items_at_once):
            part = on_device(Selection(inputs, places), device)
            outputs = forward(part)
            yield places, (answer(outputs) if answer else outputs).float().cpu().numpy()
    net.train(was_training)


def by_length(lengths: np.ndarray, items_at_once: int) -> Iterator[np.ndarray]:
    """Rows, shortest first, in groups that fill at most so many items with padding; one row at least."""
    order = np.argsort(lengths, kind="stable")
    start = 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and (stop + 1 - start) * max(int(lengths[order[stop]]), 1) <= items_at_once:
            stop += 1
        yield order[start:stop]
        start = stop
