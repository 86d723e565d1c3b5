"""Losses as sums over items, never means: the engine divides by the global count."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

# N rows, K members of an ensemble, C classes


def sparse_categorical_crossentropy(
    logits_NC: Tensor, target_N: Tensor, *, label_smoothing: float = 0.0
) -> Tensor:
    """sum_n -log softmax(logits_n)[target_n], in nats.

    label_smoothing e mixes the target with the uniform distribution, (1 - e) onehot + e / C. Source: Szegedy
    et al. 2016, arXiv 1512.00567, section 7. Returns a scalar.
    """
    return F.cross_entropy(logits_NC, target_N, reduction="sum", label_smoothing=label_smoothing)


def mean_squared_error(outputs_N: Tensor, target_N: Tensor) -> Tensor:
    """sum_n (outputs_n - target_n)^2. Returns a scalar."""
    return (outputs_N - target_N).square().sum()


def over_members(loss, outputs_NKC: Tensor, target_N: Tensor) -> Tensor:  # noqa: ANN001 (a loss of outputs [M, C] and target [M])
    """The mean over K members of each member's own loss sum.

    Members learn one by one, not through their average.

    Source: Gorishniy et al. 2024, arXiv 2410.24210, section 3.
    """
    members = outputs_NKC.shape[1]
    return loss(outputs_NKC.flatten(0, 1), target_N.repeat_interleave(members)) / members


def log_mean_softmax(logits_NKC: Tensor) -> Tensor:
    """Log of the members' mean probability, [N, C]."""
    return torch.logsumexp(logits_NKC.log_softmax(-1), dim=1) - math.log(logits_NKC.shape[1])
