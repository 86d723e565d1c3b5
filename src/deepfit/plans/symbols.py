"""How a network over strings of letters is trained and asked: windows of long strings, and both strands."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepfit.contract import Batch, Facts
from deepfit.data import alphabets
from deepfit.data.batches import num_rows
from deepfit.data.ragged import Ragged
from deepfit.data.symbol_encoding import mean_by_row, windows_of
from deepfit.nn import letters
from deepfit.plans import objectives
from deepfit.plans.foresight import Forward, foresee_by_length, foresee_items

LETTERS_AT_ONCE = 1 << 16
"""Letters in a batch, padding included, when the network only answers."""


def shown(net: nn.Module, facts: Facts) -> Forward:
    """The network as a function of a training batch.

    Of a string longer than the window it sees one window, drawn at random, and where both strands tell the
    same, either of them.
    """
    table = complements(facts)

    def forward(batch: Batch) -> Tensor:
        codes_BT, lengths_B = letters.crop(
            batch["letters"], lengths_of(batch, facts), facts["window"], random=net.training
        )
        if net.training and table is not None:
            turned_B = torch.rand(len(codes_BT), device=codes_BT.device) < 0.5
            other_BT = letters.other_strand(codes_BT, lengths_B, table.to(codes_BT.device))
            codes_BT = torch.where(turned_B[:, None], other_BT, codes_BT.long())
        return net(codes_BT, lengths_B)

    return forward


def outputs(net: nn.Module, batch: Batch, facts: Facts, options: Any) -> np.ndarray:
    """Logits, float32 [rows, classes]; of both strands, and of several windows, their joint answer.

    That is the logarithm of the mean probability; of the hinge losses, whose outputs are margins, their mean.
    """
    windows, owners = windows_of(batch["letters"], facts["window"])
    table, joined = complements(facts), objectives.joined(options)

    def forward(part: Batch) -> Tensor:
        lengths_B = lengths_of(part, facts)
        logits_BK = net(part["letters"], lengths_B)
        if table is None:
            return logits_BK
        other_BT = letters.other_strand(part["letters"], lengths_B, table.to(logits_BK.device))
        return joined(torch.stack([logits_BK, net(other_BT, lengths_B)], dim=1))

    said = foresee_by_length(net, {"letters": windows}, forward, by="letters", items_at_once=LETTERS_AT_ONCE)
    return mean_by_row(said, owners, num_rows(batch), margins=options.loss in objectives.HINGES)


def saliency(net: nn.Module, batch: Batch, facts: Facts, classes: np.ndarray) -> Ragged:
    """How much each letter of the batch's strings speaks for a class, one a row: float32.

    Of a string longer than the window, of the letters of its first window.
    """
    rows = batch["letters"]
    first = Ragged.of([rows.row(row)[: facts["window"]] for row in range(len(rows))], rows.dtype)

    def forward(part: Batch) -> Tensor:
        return letters.saliency(net, part["letters"], lengths_of(part, facts), part["classes"])  # pyright: ignore[reportArgumentType]

    asked = {"letters": first, "classes": np.asarray(classes, np.int64)}
    return foresee_items(net, asked, forward, by="letters", items_at_once=LETTERS_AT_ONCE // 4)


def lengths_of(batch: Batch, facts: Facts) -> Tensor | None:
    """Letters of each string of a padded batch, or None where all have the length of training."""
    return None if facts["length"] else batch["letters_keep"].sum(1)


def complements(facts: Facts) -> Tensor | None:
    """The code on the other strand of each code, where that strand is read, else None."""
    return torch.from_numpy(alphabets.complements(facts)) if facts["reverse_complement"] else None
