from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
import torch

from deepfit.data.tags import bio_tags, may_follow
from deepfit.nn.crf import CRF

TAGS = bio_tags(["A"])


@pytest.fixture(params=[False, True], ids=["free", "bio"])
def crf(request):
    torch.manual_seed(0)
    net = CRF(len(TAGS), may_follow(TAGS) if request.param else None).double()
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter)
    return net


def everything(crf, scores_TC):
    """Every way to tag, and its score, one by one."""
    found = {}
    for way in product(range(len(TAGS)), repeat=len(scores_TC)):
        score = crf.begin[way[0]] + crf.end_C[way[-1]]
        score = score + sum(scores_TC[place, code] for place, code in enumerate(way))
        found[way] = score + sum(crf.steps[a, b] for a, b in pairwise(way))
    return found


LENGTHS = (4, 1, 3)


@pytest.fixture
def batch():
    torch.manual_seed(1)
    keep_BT = torch.arange(4) < torch.tensor(LENGTHS)[:, None]
    return torch.randn(3, 4, len(TAGS), dtype=torch.float64), keep_BT


def test_the_sum_over_all_ways_is_that_of_each_way(crf, batch):
    scores_BTC, keep_BT = batch
    for row, length in enumerate(LENGTHS):
        ways = torch.stack(list(everything(crf, scores_BTC[row, :length]).values()))
        torch.testing.assert_close(crf.log_partition(scores_BTC, keep_BT)[row], ways.logsumexp(0))


def test_the_probability_of_tags_is_their_share_of_all_ways(crf, batch):
    scores_BTC, keep_BT = batch
    tags_BT = torch.tensor([[1, 2, 0, 1], [0, 0, 0, 0], [1, 2, 2, 0]])
    said_B = crf(scores_BTC, tags_BT, keep_BT)
    for row, length in enumerate(LENGTHS):
        ways = everything(crf, scores_BTC[row, :length])
        wanted = ways[tuple(tags_BT[row, :length].tolist())] - torch.stack(list(ways.values())).logsumexp(0)
        torch.testing.assert_close(said_B[row], wanted)


def test_marginals_add_up_the_ways_that_have_a_tag(crf, batch):
    scores_BTC, keep_BT = batch
    said_BTC = crf.log_marginals(scores_BTC, keep_BT).exp()
    for row, length in enumerate(LENGTHS):
        ways = everything(crf, scores_BTC[row, :length])
        shares = torch.stack(list(ways.values())).softmax(0)
        for place, code in product(range(length), range(len(TAGS))):
            wanted = sum(share for share, way in zip(shares, ways, strict=True) if way[place] == code)
            torch.testing.assert_close(said_BTC[row, place, code], torch.as_tensor(wanted).double())


def test_gradients_are_right(crf, batch):
    scores_BTC, keep_BT = batch
    tags_BT = torch.tensor([[1, 2, 0, 1], [0, 0, 0, 0], [1, 2, 2, 0]])
    assert torch.autograd.gradcheck(
        lambda scores, *_: crf(scores, tags_BT, keep_BT), (scores_BTC.requires_grad_(), *crf.parameters())
    )


def test_padding_changes_nothing(crf, batch):
    scores_BTC, keep_BT = batch
    other_BTC = torch.where(keep_BT[:, :, None], scores_BTC, 99.0)
    for say in (crf.log_partition, crf.log_marginals):
        torch.testing.assert_close(say(scores_BTC, keep_BT), say(other_BTC, keep_BT))


def test_what_is_not_allowed_has_no_probability():
    crf = CRF(len(TAGS), may_follow(TAGS))
    marginals = crf.log_marginals(torch.zeros(1, 2, 3), torch.ones(1, 2, dtype=torch.bool)).exp()
    np.testing.assert_allclose(marginals[0, 0].tolist(), [0.4, 0.6, 0.0], atol=1e-6)
