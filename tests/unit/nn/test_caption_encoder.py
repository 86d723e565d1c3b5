"""A caption's vector depends on its words and their order, and on nothing else."""

from __future__ import annotations

import torch
from torch.testing import assert_close

from deepfit.nn.caption_encoder import CaptionEncoder


def encoder():
    torch.manual_seed(0)
    return CaptionEncoder(9, width=8, out=6)


def vectors(net, *captions, pad=0):
    longest = max(map(len, captions)) + pad
    words = torch.tensor([[*each, *[0] * (longest - len(each))] for each in captions])
    keep = torch.tensor([[place < len(each) for place in range(longest)] for each in captions])
    return net(words, keep)


def test_padding_and_company_change_nothing():
    net = encoder()
    alone = vectors(net, [3, 1, 4])
    assert_close(vectors(net, [3, 1, 4], [1, 5, 2, 6, 5], pad=2)[:1], alone, rtol=1e-5, atol=1e-6)


def test_words_and_their_order_tell_captions_apart():
    net = encoder()
    found = vectors(net, [3, 1, 4], [4, 1, 3], [3, 1, 5])
    gaps = torch.cdist(found, found)[torch.triu(torch.ones(3, 3), 1) > 0]
    assert (gaps > 0.05).all()


def test_vectors_have_mean_zero_and_variance_one_at_first():
    found = vectors(encoder(), [3, 1, 4], [2], [8, 8])
    assert_close(found.mean(1), torch.zeros(3), rtol=0, atol=1e-5)
    assert_close(found.var(1, unbiased=False), torch.ones(3), rtol=0, atol=1e-2)
