"""Cross-entropy of a linear layer's outputs without ever holding all logits.

With a vocabulary of 50,257 the logits of 4,096 tokens take 0.8 GB, and as much again for their gradient. Here
a few rows at a time are turned into their loss and gradients, and forgotten.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from deepfit.nn.linear import linear

# N tokens, D width, V vocabulary

LOGITS_AT_ONCE = 1 << 22
"""16 MB in float32."""


def linear_crossentropy(x_ND: Tensor, weight_VD: Tensor, target_N: Tensor, *, ignore: int = -100) -> Tensor:
    """sum_n -log softmax(W x_n)[target_n], in nats, over the tokens whose target is not `ignore`.

    Returns a scalar, float32 or wider. The gradients are made together with the loss, so that the logits
    live once and in pieces; W may be the table of tokens itself. Differentiable once.
    """
    if not torch.is_grad_enabled():
        x_ND, weight_VD = x_ND.detach(), weight_VD.detach()
    return _LinearCrossentropy.apply(x_ND, weight_VD, target_N, ignore)  # pyright: ignore[reportReturnType]  (apply is untyped)


class _LinearCrossentropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_ND: Tensor, weight_VD: Tensor, target_N: Tensor, ignore: int) -> Tensor:
        for_x, for_weight = ctx.needs_input_grad[:2]
        wide = torch.promote_types(weight_VD.dtype, torch.float32)
        rows = max(1, LOGITS_AT_ONCE // len(weight_VD))
        total = x_ND.new_zeros((), dtype=wide)
        x_gradient = torch.empty_like(x_ND) if for_x else None
        weight_gradient = torch.zeros_like(weight_VD) if for_weight else None
        for start in range(0, len(x_ND), rows):
            part = slice(start, start + rows)
            counts_n = target_N[part] != ignore
            target_n1 = target_N[part].clamp(0, len(weight_VD) - 1).unsqueeze(1)
            logits_nV = linear(x_ND[part], weight_VD).to(wide)
            norm_n1 = logits_nV.logsumexp(1, keepdim=True)
            losses_n = (norm_n1 - logits_nV.gather(1, target_n1)).squeeze(1)
            total += losses_n.where(counts_n, 0.0).sum()
            if x_gradient is None and weight_gradient is None:
                continue
            slope_nV = logits_nV.sub_(norm_n1).exp_()
            slope_nV.scatter_add_(1, target_n1, slope_nV.new_full((1, 1), -1.0).expand_as(target_n1))
            slope_nV.masked_fill_(~counts_n.unsqueeze(1), 0.0)
            slope_nV = slope_nV.to(weight_VD.dtype)
            if x_gradient is not None:
                x_gradient[part] = linear(slope_nV, weight_VD.t())
            if weight_gradient is not None:
                weight_gradient += linear(slope_nV.t(), x_ND[part].to(weight_VD.dtype).t())
        ctx.save_for_backward(x_gradient, weight_gradient)
        return total

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        scaled = (None if each is None else each * gradients[0].to(each.dtype) for each in ctx.saved_tensors)
        for_x, for_weight = scaled
        return for_x, for_weight, None, None
