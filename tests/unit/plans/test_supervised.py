"""Batches of the supervised plan, and asking a network."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from deepfit.plans.batches import Shuffled
from deepfit.plans.foresight import foresee


def test_an_epoch_holds_every_row_once():
    arrays = {"x": torch.arange(103)}
    rows = torch.cat([batch["x"] for batch in Shuffled(arrays, 103, 10, torch.Generator().manual_seed(0))])
    assert sorted(rows.tolist()) == list(range(103))


def test_batches_are_of_nearly_equal_size():
    arrays = {"x": torch.arange(257)}
    sizes = [len(batch["x"]) for batch in Shuffled(arrays, 257, 256, torch.Generator())]
    assert sizes == [128, 129]


def test_the_same_generator_seed_gives_the_same_order():
    orders = [Shuffled({}, 50, 8, torch.Generator().manual_seed(3)).order for _ in range(2)]
    assert torch.equal(*orders)


def test_a_network_is_asked_in_blocks_without_a_change_of_mode():
    net = nn.Sequential(nn.Linear(2, 1), nn.Dropout(0.9)).train()
    x = np.random.default_rng(0).normal(size=(11, 2)).astype(np.float32)
    said = foresee(net, {"x": x, "target": np.zeros(11)}, lambda batch: net(batch["x"]), rows_at_once=4)
    np.testing.assert_allclose(said, net[0](torch.from_numpy(x)).detach().numpy(), rtol=1e-5)
    assert net.training


def test_no_rows_give_no_answers():
    net = nn.Linear(2, 3)
    assert foresee(net, {"x": np.zeros((0, 2), np.float32)}, lambda batch: net(batch["x"])).shape == (0, 3)
