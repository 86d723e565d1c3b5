from __future__ import annotations

import numpy as np
import torch
from torch import nn

from deepfit.contract import Splits
from deepfit.data.ragged import Ragged
from deepfit.engine import Run
from deepfit.options import Options
from deepfit.plans.batches import Bucketed, cut_by_padding, on_device
from deepfit.plans.foresight import foresee_by_length, foresee_items
from deepfit.plans.supervised import supervised


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


def test_one_very_long_row_does_not_pad_the_others_and_none_is_lost():
    tokens = Ragged.of([np.ones(length) for length in [*range(20, 83), 4000]], np.int32)
    batch = {"tokens": tokens, "row": np.arange(64)}
    parts = cut_by_padding(batch, ["tokens"])
    assert np.concatenate([part["row"] for part in parts]).tolist() == list(range(64))
    assert [len(part["row"]) for part in parts] == [63, 1]
    assert sum(part["tokens"].padded()[0].size for part in parts) == 63 * 82 + 4000
    assert cut_by_padding({"tokens": tokens[:63]}, ["tokens"], least_saved=10_000)[0]["tokens"] is not None
    assert len(cut_by_padding({"tokens": tokens[:63]}, ["tokens"], least_saved=10_000)) == 1


def test_no_cut_that_saves_enough_is_left_out():
    rng = np.random.default_rng(0)
    tokens = Ragged.of([np.ones(int(length)) for length in sorted(rng.pareto(1.0, 200) * 20)], np.int32)
    for part in cut_by_padding({"tokens": tokens}, ["tokens"], least_saved=500):
        lengths = part["tokens"].lengths
        assert max(place * (lengths[-1] - lengths[place - 1]) for place in range(len(lengths))) < 500


def test_rows_of_equal_length_one_row_and_none_are_not_cut():
    for lengths in ([9000] * 5, [9000], []):
        batch = {"tokens": Ragged.of([np.ones(length) for length in lengths], np.int32)}
        assert cut_by_padding(batch, ["tokens"]) == [batch]


def test_a_batch_in_pieces_gives_the_loss_of_the_whole_batch():
    tokens = Ragged.of([np.arange(length) % 7 for length in [*range(3, 40), 500, 3000]], np.int32)
    data = Splits({"tokens": tokens, "target": np.linspace(-1, 1, 39, dtype=np.float32)}, {}, None)
    net = nn.Embedding(7, 1)
    widths, run = [], Run(Options(threads=1, batch_size=64), None)

    def forward(batch):
        widths.append(batch["tokens"].shape)
        return (net(batch["tokens"]).squeeze(2) * batch["tokens_keep"]).sum(1)

    phase = next(
        supervised(
            net,
            data,
            run.options,
            run,
            forward=forward,
            loss=lambda said, batch: (said - batch["target"]).square().sum(),
            by="tokens",
        )
    )
    (batch,) = phase.batches(0)
    (loss,) = phase.step(batch)
    padded, keep = map(torch.from_numpy, tokens.padded())
    whole = ((net(padded).squeeze(2) * keep).sum(1) - torch.from_numpy(data.train["target"])).square().sum()
    assert len(widths) == 3
    assert loss.count == 39
    torch.testing.assert_close(loss.total, whole)
    ours, theirs = (torch.autograd.grad(each, net.weight)[0] for each in (loss.total, whole))
    torch.testing.assert_close(ours, theirs)
