"""Losses that compare examples by the distance of their embeddings, so that like lies near like."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from deepfit.nn.losses.members import wide

# N pairs or triples, M candidates, D width


def contrastive(first_ND: Tensor, second_ND: Tensor, alike_N: Tensor, *, margin: float = 1.0) -> Tensor:
    """sum_n y d^2 / 2 + (1 - y) max(0, margin - d)^2 / 2, d = |first_n - second_n|, y = 1 for a like pair.

    Pairs that belong together are drawn to one place, others pushed apart until the margin. A pair of equal
    embeddings that should differ has no direction to go and gets no gradient, not NaN. Returns a scalar.
    Source: Hadsell, Chopra, LeCun 2006, CVPR, eq. 4. Differs: y is 1 for a like pair, there 0.
    """
    distance_N = torch.linalg.vector_norm(wide(first_ND) - wide(second_ND), dim=1)
    alike_N = alike_N.to(distance_N.dtype)
    short_N = (margin - distance_N).clamp(min=0)
    return ((alike_N * distance_N.square() + (1 - alike_N) * short_N.square()) / 2).sum()


def in_batch_contrastive(
    first_ND: Tensor,
    second_MD: Tensor,
    *,
    temperature: float = 0.05,
    partner_N: Tensor | None = None,
    apart_NM: Tensor | None = None,
) -> Tensor:
    """sum_n -log softmax_m(cos(first_n, second_m) / temperature)[partner of n]: each finds its own partner.

    The other pairs' partners are the negatives, so the loss looks across the batch (`Phase.coupled`).
    partner_N: the place of each one's partner among the M candidates, by default its own place. apart_NM:
    False where a candidate is no negative (the same text again); a partner always counts. Returns a scalar.
    Source: van den Oord et al. 2018, arXiv 1807.03748, eq. 4 (InfoNCE), with the cosine and temperature of
    Chen et al. 2020, arXiv 2002.05709, eq. 1. Differs from the latter: one direction.
    """
    first_ND = functional.normalize(wide(first_ND), dim=1)
    second_MD = functional.normalize(wide(second_MD), dim=1)
    scores_NM = first_ND @ second_MD.T / temperature
    if partner_N is None:
        partner_N = torch.arange(len(first_ND), device=first_ND.device)
    if apart_NM is not None:
        apart_NM = apart_NM.scatter(1, partner_N[:, None], True)
        scores_NM = scores_NM.masked_fill(~apart_NM, float("-inf"))
    return functional.cross_entropy(scores_NM, partner_N, reduction="sum")


def cosent(cosines_N: Tensor, ratings_N: Tensor, all_cosines_M: Tensor, all_ratings_M: Tensor) -> Tensor:
    """sum_n log(1 + sum over m rated above n of exp((cos_n - cos_m) / 0.05)): order as rated.

    Nothing is asked of how large a cosine is, only that pairs rated higher are nearer. M: the pairs of the
    whole batch, N: those that are summed over, mostly the same, so the loss looks across the batch
    (`Phase.coupled`). Returns a scalar. Source: Su 2022, "CoSENT", kexue.fm/archives/8847, eq. 6. Differs:
    one logarithm a row, not one a batch, so that it is a sum over rows.
    """
    gaps_NM = (wide(cosines_N)[:, None] - wide(all_cosines_M)[None]) / 0.05
    gaps_NM = gaps_NM.masked_fill(ratings_N[:, None] >= all_ratings_M[None], float("-inf"))
    zeros_N1 = gaps_NM.new_zeros(len(gaps_NM), 1)
    return torch.logsumexp(torch.cat([zeros_N1, gaps_NM], 1), 1).sum()


def triplet(anchor_ND: Tensor, like_ND: Tensor, unlike_ND: Tensor, *, margin: float = 0.2) -> Tensor:
    """sum_n max(0, |anchor - like|^2 - |anchor - unlike|^2 + margin).

    The paper's embeddings have length 1, for which its margin 0.2 is meant; the loss does not see to that.
    Returns a scalar. Source: Schroff, Kalenichenko, Philbin 2015, arXiv 1503.03832, section 3.1. Differs from
    `torch.nn.TripletMarginLoss`: squared distances.
    """
    anchor_ND = wide(anchor_ND)
    near_N = (anchor_ND - like_ND).square().sum(1)
    far_N = (anchor_ND - unlike_ND).square().sum(1)
    return (near_N - far_N + margin).clamp(min=0).sum()
