"""Schedule-free AdamW: the weights that are kept are an average over the way, so no schedule is needed."""

# PyTorch's kernels over lists of tensors have private names, and no others
# pyright: reportPrivateImportUsage=false

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from deepfit.nn.optimizers.states import LightOptimizer


class ScheduleFree(LightOptimizer):
    """AdamW without a schedule.

    Three points: z moves, x is the average of z and what is kept, y lies between and has the gradient. The
    network holds y while it learns; `applied` and `give` put x there.
    v <- b2 v + (1 - b2) g^2;  u = g / (sqrt(v / (1 - b2^t)) + eps) + d y;  z <- z - r u;
    x <- (1 - c) x + c z  with  c = h^2 / (sum of h^2 so far);  y = (1 - b1) z + b1 x.
    g: gradient at y; r: learning rate, h: its highest value so far, so that a warm-up counts less; d: weight
    decay.
    Source: Defazio et al. 2024, arXiv 2405.15682, algorithm 1, with the step's bias correction and the
    average's weights of the authors' code (facebookresearch/schedule_free).
    Differs: x is put in place and y put back bit for bit, where the authors' code computes y anew from x. As
    in their code x is not stored but found from y and z.
    """

    def __init__(
        self,
        params: Any,
        lr: float,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "steps": 0, "highest": 0.0, "weight_sum": 0.0})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            group["steps"] += 1
            group["highest"] = max(group["highest"], group["lr"])
            weight = group["highest"] ** 2
            group["weight_sum"] += weight
            share = weight / group["weight_sum"] if group["weight_sum"] else 0.0
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            if parameters:
                self._move(group, parameters, share)

    def _move(self, group: dict[str, Any], parameters: list[Tensor], share: float) -> None:
        (beta1, beta2), rate = group["betas"], group["lr"]
        gradients = [gradient for parameter in parameters if (gradient := parameter.grad) is not None]
        moved = [self._moved(parameter) for parameter in parameters]
        squares = [self.state[parameter]["square"] for parameter in parameters]
        torch._foreach_mul_(squares, beta2)
        torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta2)
        below = torch._foreach_div(squares, 1 - beta2 ** group["steps"])
        torch._foreach_sqrt_(below)
        torch._foreach_add_(below, group["eps"])
        updates = torch._foreach_div(gradients, below)
        if group["weight_decay"]:
            torch._foreach_add_(updates, parameters, alpha=group["weight_decay"])
        # y' = (1 - b1) z' + b1 x', written in y and z alone
        torch._foreach_lerp_(parameters, moved, share)
        torch._foreach_add_(parameters, updates, alpha=rate * (beta1 * (1 - share) - 1))
        torch._foreach_sub_(moved, updates, alpha=rate)

    def _moved(self, parameter: Tensor) -> Tensor:
        """z, which begins where the parameter is."""
        state = self.state[parameter]
        if "moved" not in state:
            state["moved"] = parameter.clone(memory_format=torch.preserve_format)
            state["square"] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
        return state["moved"]

    @contextmanager
    def applied(self) -> Generator[None]:
        """Within it the network holds the averaged weights, after it its own again, bit for bit."""
        own = [(parameter, parameter.detach().clone()) for parameter in self._begun()]
        self.give()
        try:
            yield
        finally:
            with torch.no_grad():
                for parameter, value in own:
                    parameter.copy_(value)

    @torch.no_grad()
    def give(self) -> None:
        """Leave the network with the averaged weights: x = y + (y - z) (1 - b1) / b1."""
        for group in self.param_groups:
            beta1 = group["betas"][0]
            for parameter in self._begun(group):
                parameter.lerp_(self.state[parameter]["moved"], 1 - 1 / beta1)

    def _begun(self, group: dict[str, Any] | None = None) -> list[Tensor]:
        """The parameters that have moved at all."""
        groups = self.param_groups if group is None else [group]
        return [each for some in groups for each in some["params"] if "moved" in self.state.get(each, {})]
