"""The weighted mean of vectors, worked by hand."""

from __future__ import annotations

import math

import torch

from deepfit.nn.nets.word_average import WordAverage

TOKENS = torch.tensor([[1, 2, 2], [3, 0, 0], [0, 0, 0]])
KEEP = torch.tensor([[True, True, True], [True, False, False], [False, False, False]])


def test_a_text_is_the_weighted_mean_of_its_tokens_at_length_one():
    net = WordAverage(5, width=4).eval()
    with torch.no_grad():
        net.log_weights.weight[2] = math.log(3.0)
        found = net(TOKENS, KEEP)
    e = net.tokens.weight.detach()
    expected = torch.stack([e[1] + 6 * e[2], e[3]])
    torch.testing.assert_close(found[:2], expected / expected.norm(dim=1, keepdim=True))
    assert torch.equal(found[2], torch.zeros(4))


def test_padding_changes_nothing_and_a_batch_of_no_tokens_gives_zeros():
    net = WordAverage(5, width=4).eval()
    torch.testing.assert_close(net(TOKENS[1:2], KEEP[1:2]), net(TOKENS[1:2, :1]))
    empty = torch.zeros(2, 0, dtype=torch.int64)
    assert torch.equal(net(empty, empty.bool()), torch.zeros(2, 4))


def test_rare_tokens_weigh_as_their_formula_says():
    net = WordAverage(3, width=4)
    net.weigh(torch.tensor([0, 9, 4]), 9)
    expected = [math.log(10) + 1, 1.0, math.log(2) + 1]
    torch.testing.assert_close(net.log_weights.weight.exp().flatten().detach(), torch.tensor(expected))


def test_tokens_are_left_out_in_training_alone():
    torch.manual_seed(0)
    net = WordAverage(40, width=8, token_dropout=0.5)
    text = torch.arange(40)[None]
    assert not torch.equal(net(text), net(text))
    net.eval()
    assert torch.equal(net(text), net(text))
