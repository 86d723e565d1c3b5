"""Losses and answers of networks with several members, and the precision that losses are summed in."""

from __future__ import annotations

import math

import torch
from torch import Tensor

# N rows, K members of an ensemble, C classes


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


def wide(x: Tensor) -> Tensor:
    """The tensor in float32 where it is narrower, since sums and exponentials need the digits."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x
