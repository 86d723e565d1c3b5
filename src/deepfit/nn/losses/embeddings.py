"""Losses that compare examples by the distance of their embeddings, so that like lies near like."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from deepfit.nn.losses.members import wide

# N pairs or triples, D width


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


def in_batch_contrastive(first_ND: Tensor, second_ND: Tensor, *, temperature: float = 0.05) -> Tensor:
    """sum_n -log softmax_m(cos(first_n, second_m) / temperature)[n]: each finds its own partner in the batch.

    The other pairs' partners are the negatives, so the loss looks across the batch (`Phase.coupled`). Returns
    a scalar. Source: van den Oord et al. 2018, arXiv 1807.03748, eq. 4 (InfoNCE), with the cosine and
    temperature of Chen et al. 2020, arXiv 2002.05709, eq. 1. Differs from the latter: one direction.
    """
    first_ND = functional.normalize(wide(first_ND), dim=1)
    second_ND = functional.normalize(wide(second_ND), dim=1)
    partner_N = torch.arange(len(first_ND), device=first_ND.device)
    return functional.cross_entropy(first_ND @ second_ND.T / temperature, partner_N, reduction="sum")


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
