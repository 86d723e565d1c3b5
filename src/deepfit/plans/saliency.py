"""Which tokens an output of a network hangs on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from deepfit.data.ragged import Ragged

STEPS = 8
"""Points on the way from nothing to the text; more changed no picture visibly."""


def of_tokens(
    forward: Callable[[Tensor, Tensor], Tensor],
    net: nn.Module,
    table: nn.Embedding,
    tokens: Ragged,
    chosen: np.ndarray,
    *,
    against: np.ndarray | None = None,
) -> list[np.ndarray]:
    """How much each token of a row has raised the row's chosen output: float32 [tokens] a row.

    sum_w (e - 0) mean_k d f(k e) / d e, k over the midpoints of [0, 1]: integrated gradients from vectors of
    zeros to those of the tokens, so a row's values add up to about f(text) - f(nothing). table: where the
    network looks vectors up. against: an output to subtract, for each row.
    Source: Sundararajan et al. 2017, arXiv 1703.01365, eq. 3.
    """
    device = table.weight.device
    share, seen = 1.0, [torch.empty(0)]

    def scaled(module: nn.Module, given: tuple[Tensor, ...], vectors_BTW: Tensor) -> Tensor:
        seen[0] = (vectors_BTW.detach() * share).requires_grad_()
        return seen[0]

    was_training = net.training
    net.eval()
    hook = table.register_forward_hook(scaled)
    found = []
    try:
        for row in range(len(tokens)):
            ids_1T = torch.from_numpy(tokens.row(row).astype(np.int64))[None].to(device)
            keep_1T = torch.ones_like(ids_1T, dtype=torch.bool)
            total_T = torch.zeros(ids_1T.shape[1], device=device)
            for step in range(STEPS):
                share = (step + 0.5) / STEPS
                with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False):  # no cuDNN RNN here
                    said = forward(ids_1T, keep_1T)[0]
                    value = said[int(chosen[row])]
                    if against is not None:
                        value = value - said[int(against[row])]
                    (slope_1TW,) = torch.autograd.grad(value, seen[0])
                total_T += (slope_1TW * seen[0].detach() / share)[0].sum(1)
            found.append((total_T / STEPS).cpu().numpy())
    finally:
        hook.remove()
        net.train(was_training)
    return found
