"""Integrated gradients add up to what the tokens together have changed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from deepfit.data.ragged import Ragged
from deepfit.plans import saliency
from deepfit.plans.texts import of_words


class Bent(nn.Module):
    """tanh of the mean vector, mixed: smooth, so that few steps integrate it well."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.table, self.answer = nn.Embedding(10, 6), nn.Linear(6, 3)

    def forward(self, tokens, keep):
        return self.answer(torch.tanh(self.table(tokens).mean(1)))


def test_shares_add_up_to_the_output_less_that_of_nothing():
    net = Bent()
    tokens = Ragged.of([[1, 2, 3], [4, 5, 6, 7, 1]], np.int32)
    found = saliency.of_tokens(net, net, net.table, tokens, np.array([0, 2]))
    nothing = net.answer(torch.zeros(6))
    for row, chosen in ((0, 0), (1, 2)):
        text = net(torch.from_numpy(tokens.row(row))[None].long(), None)[0]
        assert found[row].sum() == pytest.approx((text - nothing)[chosen].item(), abs=2e-3)
        assert len(found[row]) == tokens.lengths[row]


def test_against_another_output_the_difference_is_shared_out():
    net = Bent()
    tokens = Ragged.of([[1, 2, 3]], np.int32)
    one, other, both = (
        saliency.of_tokens(net, net, net.table, tokens, np.array([chosen]), against=against)[0]
        for chosen, against in ((0, None), (1, None), (0, np.array([1])))
    )
    np.testing.assert_allclose(both, one - other, atol=1e-6)


def test_the_network_is_left_as_it_was():
    net = Bent().train()
    before = net(torch.tensor([[1, 2]]), None)
    saliency.of_tokens(net, net, net.table, Ragged.of([[1, 2]], np.int32), np.array([0]))
    assert net.training
    torch.testing.assert_close(net(torch.tensor([[1, 2]]), None), before)
    assert all(parameter.grad is None for parameter in net.parameters())


def test_pieces_are_summed_over_words_of_any_script():
    text = "  un certain café 🍲🍲 شكرا"
    spans = np.array([(2, 4), (4, 8), (8, 12), (12, 17), (18, 19), (18, 19), (19, 20), (20, 23), (23, 25)])
    words = of_words(text, spans, np.arange(1.0, 10.0))
    assert [(text[a:b], share) for a, b, share in words] == [
        ("un", 1.0), ("certain", 5.0), ("café", 4.0), ("🍲🍲", 18.0), ("شكرا", 17.0),
    ]  # fmt: skip
    assert of_words("", np.empty((0, 2), int), np.empty(0)) == []
