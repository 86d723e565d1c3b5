from __future__ import annotations

import numpy as np
import torch
from torch import nn

from deepfit.data.ragged import Ragged
from deepfit.plans.batches import Bucketed, on_device
from deepfit.plans.foresight import foresee_by_length, foresee_items


def made(rows=700):
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 60, rows)
    starts = np.concatenate([[0], lengths.cumsum()])
    return Ragged(rng.integers(1, 9, starts[-1]).astype(np.int32), starts)


def test_bucketed_batches_hold_every_row_once_and_little_padding():
    tokens = made()
    batches = Bucketed({"tokens": tokens}, tokens.lengths, 8, torch.Generator().manual_seed(0))
    index = torch.cat([batch.index for batch in batches])
    assert sorted(index.tolist()) == list(range(700))
    padded = sum(len(batch.index) * int(tokens.lengths[batch.index].max()) for batch in batches)
    assert padded < 1.1 * len(tokens.values)
    assert max(len(batch.index) for batch in batches) <= 8


def test_another_generator_gives_another_order_and_the_same_one_the_same():
    lengths = made().lengths
    orders = [
        torch.cat(
            [batch.index for batch in Bucketed({}, lengths, 8, torch.Generator().manual_seed(seed))]
        ).tolist()
        for seed in (0, 0, 1)
    ]
    assert orders[0] == orders[1] != orders[2]


def test_a_ragged_array_comes_padded_with_its_mask():
    batch = on_device({"tokens": Ragged.of([[5], [6, 7]], np.int32)}, torch.device("cpu"))
    assert batch["tokens"].tolist() == [[5, 0], [6, 7]]
    assert batch["tokens_keep"].tolist() == [[True, False], [True, True]]


def test_answers_come_in_the_order_of_rows_whatever_their_length():
    tokens, net = made(100), nn.Linear(1, 1)
    sums = foresee_by_length(
        net, {"tokens": tokens}, lambda b: b["tokens"].sum(1), by="tokens", items_at_once=99
    )
    assert sums.tolist() == [tokens.row(place).sum() for place in range(100)]
    doubled = foresee_items(net, {"tokens": tokens}, lambda b: 2.0 * b["tokens"][..., None], by="tokens")
    assert doubled.lengths.tolist() == tokens.lengths.tolist()
    assert np.array_equal(doubled.values[:, 0], 2 * tokens.values)
