"""LAMB: Adam whose step for each matrix is as long, in proportion, as the matrix itself."""

# PyTorch's kernels over lists of tensors have private names, and no others
# pyright: reportPrivateImportUsage=false

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from deepfit.nn.optimizers.states import LightOptimizer, Moments, moments


class Lamb(LightOptimizer):
    """Layer-wise adaptive moments, for very large batches.

    m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;  u = (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps) +
    d w;
    w <- w - r |w| / |u| u,  |.| the Euclidean norm of one parameter tensor; the ratio is 1 where a norm is 0.
    r: learning rate, d: weight decay. The ratio is for groups whose "kind" is "adapted"; others take r u.
    Source: You et al. 2020, arXiv 1904.00962, algorithm 2, phi(z) = z.
    Differs: biases, norms and scales, which often begin at zero and could hardly leave it in steps that are
    proportional to themselves, are not adapted (nor are they in the authors' own code for BERT).
    """

    def __init__(
        self,
        params: Any,
        lr: float,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "kind": "adapted"}
        super().__init__(params, {**defaults, "steps": 0})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            found = moments(self, group)
            group["steps"] += 1
            if found.parameters:
                self._move(group, found)

    def _move(self, group: dict[str, Any], found: Moments) -> None:
        (beta1, beta2), steps = group["betas"], group["steps"]
        torch._foreach_lerp_(found.means, found.gradients, 1 - beta1)
        torch._foreach_mul_(found.squares, beta2)
        torch._foreach_addcmul_(found.squares, found.gradients, found.gradients, 1 - beta2)
        below = torch._foreach_div(found.squares, 1 - beta2**steps)
        torch._foreach_sqrt_(below)
        torch._foreach_add_(below, group["eps"])
        updates = list(torch._foreach_div(found.means, 1 - beta1**steps))
        torch._foreach_div_(updates, below)
        if group["weight_decay"]:
            torch._foreach_add_(updates, found.parameters, alpha=group["weight_decay"])
        if group["kind"] == "adapted":
            torch._foreach_mul_(updates, _trust(found.parameters, updates))
        torch._foreach_add_(found.parameters, updates, alpha=-group["lr"])


def _trust(parameters: list[Tensor], updates: list[Tensor]) -> list[Tensor]:
    """|w| / |u| of each, 1 where either is 0; on the device, so that nothing waits."""
    lengths = torch.stack(torch._foreach_norm(parameters))
    steps = torch.stack(torch._foreach_norm(updates))
    return list(torch.where((lengths > 0) & (steps > 0), lengths / steps, 1.0).unbind())
