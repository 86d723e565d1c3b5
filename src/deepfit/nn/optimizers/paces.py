"""Parameters that learn at different rates under one optimizer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer


def paced(optimizer: Optimizer, net: nn.Module, factor: Callable[[str], float]) -> Optimizer:
    """The optimizer, before its first step, with each parameter's learning rate times that of its name.

    Groups are split where factors differ, so settings of a group stay as they are.
    """
    factors = {id(parameter): factor(name) for name, parameter in net.named_parameters()}
    groups: list[dict[str, Any]] = []
    for group in optimizer.param_groups:
        by_factor: dict[float, list[Tensor]] = {}
        for parameter in group["params"]:
            by_factor.setdefault(factors[id(parameter)], []).append(parameter)
        for each, parameters in sorted(by_factor.items(), reverse=True):
            groups.append({**group, "params": parameters, "lr": group["lr"] * each})
    optimizer.param_groups[:] = groups
    return optimizer


def layer_factor(name: str, layers: int, decay: float, *, answer: float) -> float:
    """What the parameter of a fine-tuned encoder learns by: `answer` for its new last layer, decay^k below.

    k = 0 in the topmost block and one more in each block below it; the embeddings are below all blocks.
    Source: Howard and Ruder 2018, arXiv 1801.06146, section 3.2 (discriminative fine-tuning).
    """
    if name.startswith("answer."):
        return answer
    parts = name.split(".")
    block = int(parts[parts.index("blocks") + 1]) if "blocks" in parts else -1
    return decay ** (layers - 1 - block)
