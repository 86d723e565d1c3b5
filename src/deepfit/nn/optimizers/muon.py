"""Muon: momentum whose matrices are made orthogonal, and AdamW for everything that is no hidden matrix.

Letters: N matrices of one shape, A and B their sides, A <= B.
"""

# PyTorch's kernels over lists of tensors have private names, and no others
# pyright: reportPrivateImportUsage=false

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from deepfit.nn.optimizers.states import LightOptimizer, kept, moments

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the Newton-Schulz polynomial; Jordan chose them for the steepest slope at 0."""
ITERATIONS = 5


class Muon(LightOptimizer):
    """One optimizer for a whole network, at one learning rate.

    A group's "kind" says how: "flat" (a kernel [out, in, ...] is a matrix [out, in * ...]) and "batched"
    (the last two axes are the matrix; each member of [members, in, out] is one of its own) by Muon, others
    by AdamW.

    Muon: m <- u m + (1 - u) g;  o = orthogonal(u m + (1 - u) g);  w <- (1 - r d) w - 0.2 sqrt(max(A, B)) r o.
    AdamW: arXiv 1711.05101, algorithm 2.  r: learning rate, u: momentum, d: weight decay.
    Source: Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"; the factor, which
    gives a step the length that AdamW's has, so that one learning rate and decay fit both: Liu et al. 2025,
    arXiv 2502.16982, eq. 4.
    Differs: matrices of one shape are made orthogonal together; in bfloat16 on accelerators only, since CPUs
    mostly emulate it. `torch.optim.Muon` takes matrices alone and needs a second optimizer for the rest.
    """

    def __init__(
        self,
        params: Any,
        lr: float,
        *,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {"lr": lr, "momentum": momentum, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "kind": "batched", "steps": 0})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            group["steps"] += 1
            if group["kind"] in ("flat", "batched"):
                self._turn(group)
            else:
                self._adamw(group)

    def _turn(self, group: dict[str, Any]) -> None:
        """Muon's own step."""
        parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
        if not parameters:
            return
        gradients = [gradient for parameter in parameters if (gradient := parameter.grad) is not None]
        means = [kept(self, parameter, "mean") for parameter in parameters]
        torch._foreach_lerp_(means, gradients, 1 - group["momentum"])
        updates = torch._foreach_lerp(gradients, means, group["momentum"])
        if group["weight_decay"]:
            torch._foreach_mul_(parameters, 1 - group["lr"] * group["weight_decay"])
        as_matrices = [_matrices(update, flat=group["kind"] == "flat") for update in updates]
        for parameter, turned_NAB in zip(parameters, orthogonal_all(as_matrices), strict=True):
            length = 0.2 * math.sqrt(max(turned_NAB.shape[1:]))
            parameter.add_(turned_NAB.reshape(parameter.shape), alpha=-group["lr"] * length)

    def _adamw(self, group: dict[str, Any]) -> None:
        found = moments(self, group)
        if not found.parameters:
            return
        beta1, beta2 = group["betas"]
        steps = torch.full((), float(group["steps"]), device=found.parameters[0].device)
        torch._fused_adamw_(
            found.parameters,
            found.gradients,
            found.means,
            found.squares,
            [],
            [steps] * len(found.parameters),
            lr=group["lr"],
            beta1=beta1,
            beta2=beta2,
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
        )


def _matrices(update: Tensor, *, flat: bool) -> Tensor:
    """The update of a parameter as matrices [N, A, B], A and B in any order."""
    return update.reshape(1, len(update), -1) if flat else update.reshape(-1, *update.shape[-2:])


def orthogonal_all(updates: Iterable[Tensor]) -> list[Tensor]:
    """`orthogonal` of several, those of one shape in one go."""
    updates = list(updates)
    by_shape: dict[Any, list[int]] = {}
    for place, update in enumerate(updates):
        by_shape.setdefault((update.shape[1:], update.dtype, update.device), []).append(place)
    turned: list[Tensor] = [torch.empty(0)] * len(updates)
    for places in by_shape.values():
        together = orthogonal(torch.cat([updates[place] for place in places]))
        sizes = [len(updates[place]) for place in places]
        for place, part in zip(places, together.split(sizes), strict=True):
            turned[place] = part
    return turned


def orthogonal(update_NAB: Tensor, *, iterations: int = ITERATIONS) -> Tensor:
    """Roughly U V' of each U S V': singular values come to lie between about 0.7 and 1.2.

    X <- a X + (b X X' + c (X X')^2) X, from X = update / |update|. A matrix of zeros stays one.
    """
    a, b, c = COEFFICIENTS
    tall = update_NAB.shape[1] > update_NAB.shape[2]
    dtype = torch.bfloat16 if update_NAB.device.type != "cpu" else update_NAB.dtype
    x_NAB = update_NAB.to(dtype)
    x_NAB = x_NAB.mT if tall else x_NAB
    x_NAB = x_NAB / x_NAB.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(iterations):
        square_NAA = x_NAB @ x_NAB.mT
        square_NAA = torch.baddbmm(square_NAA, square_NAA, square_NAA, beta=b, alpha=c)
        x_NAB = torch.baddbmm(x_NAB, square_NAA, x_NAB, beta=a)
    return (x_NAB.mT if tall else x_NAB).to(update_NAB.dtype)
