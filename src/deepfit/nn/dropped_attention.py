"""Attention with dropout on its weights, for processors.

PyTorch's fast kernel knows no dropout on a CPU; the plain formula computes what causality forbids, keeps two
arrays as large as the weights, and draws slowly. Here blocks of queries see no further than they may, the
mask is the cheap one of `deepfit.nn.dropout`, and backward is written out.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from deepfit.nn.dropout import keep_mask

# B batch, H heads, N = B H, T query steps, S source steps, K width of a head; small letters: those of a block

CAUSAL_BLOCK, BLOCK = 64, 256
"""Queries at once. Causal blocks skip the sources that come after them: fewer queries, less waste."""


def attend_with_dropout(
    q_BHTK: Tensor, k_BHSK: Tensor, v_BHSK: Tensor, keep: Tensor | None, *, causal: bool, drop: float
) -> Tensor:
    """(softmax(q k' / sqrt(K)) * m / (1 - drop)) v, m independently 0 with probability drop, else 1.

    keep and causal as in `attend`. Source: Vaswani et al. 2017, arXiv 1706.03762, eq. 1 and section 5.4.
    """
    wide = torch.promote_types(q_BHTK.dtype, torch.float32)
    inputs = [x.to(wide) for x in (q_BHTK, k_BHSK, v_BHSK)]
    mixed: Tensor = _DroppedAttention.apply(*inputs, keep, causal, drop)  # pyright: ignore[reportAssignmentType]  (apply is untyped)
    return mixed.to(q_BHTK.dtype)


class _DroppedAttention(torch.autograd.Function):
    """With w = softmax(s), d = m w / (1 - drop), o = d v.

    dv = d' do; dw = m (do v') / (1 - drop); ds = w (dw - sum_S w dw); dq = ds k; dk = ds' q.
    """

    @staticmethod
    def forward(
        ctx: Any,
        q_BHTK: Tensor,
        k_BHSK: Tensor,
        v_BHSK: Tensor,
        keep: Tensor | None,
        causal: bool,
        drop: float,
    ) -> Tensor:
        q_NTK, k_NSK, v_NSK = (x.flatten(0, 1).contiguous() for x in (q_BHTK, k_BHSK, v_BHSK))
        q_NTK = q_NTK * q_NTK.shape[-1] ** -0.5
        shape = (*q_BHTK.shape[:3], k_BHSK.shape[2])
        bias, blind = _bias(keep, shape, q_NTK.dtype, causal=causal)
        out_NTK = torch.empty_like(q_NTK)
        ctx.blocks = _blocks(shape[2], shape[3], causal)
        saved = []
        for start, end, seen in ctx.blocks:
            scores_Nts = q_NTK[:, start:end] @ k_NSK[:, :seen].transpose(1, 2)
            if bias is not None:
                scores_Nts.view(*shape[:2], end - start, seen).add_(bias[:, :, start:end, :seen])
            if causal:
                _forbid_future(scores_Nts, start + shape[3] - shape[2])
            weights_Nts = scores_Nts.softmax(-1)
            if blind is not None:
                weights_Nts.view(*shape[:2], end - start, seen).masked_fill_(blind[:, :, start:end], 0.0)
            kept_Nts, ctx.scale = keep_mask(weights_Nts.shape, drop)
            torch.mul(weights_Nts, kept_Nts.to(weights_Nts.dtype), out=scores_Nts)
            out_NTK[:, start:end] = scores_Nts @ v_NSK[:, :seen]
            saved += [weights_Nts, kept_Nts]
        ctx.save_for_backward(q_NTK, k_NSK, v_NSK, *saved)
        return out_NTK.mul_(ctx.scale).view(q_BHTK.shape)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        q_NTK, k_NSK, v_NSK, *saved = ctx.saved_tensors
        shape = gradients[0].shape
        slope_NTK = gradients[0].flatten(0, 1) * ctx.scale
        for_q, for_k, for_v = torch.empty_like(q_NTK), torch.zeros_like(k_NSK), torch.zeros_like(v_NSK)
        for (start, end, seen), weights_Nts, kept_Nts in zip(
            ctx.blocks, saved[::2], saved[1::2], strict=True
        ):
            slope_NtK = slope_NTK[:, start:end]
            mask_Nts = kept_Nts.to(weights_Nts.dtype)
            for_weights = (slope_NtK @ v_NSK[:, :seen].transpose(1, 2)).mul_(mask_Nts)
            for_v[:, :seen].baddbmm_(mask_Nts.mul_(weights_Nts).transpose(1, 2), slope_NtK)
            for_scores = torch._softmax_backward_data(  # pyright: ignore[reportPrivateImportUsage]  (exported, untyped)
                for_weights, weights_Nts, -1, weights_Nts.dtype
            )
            for_q[:, start:end] = for_scores @ k_NSK[:, :seen]
            for_k[:, :seen].baddbmm_(for_scores.transpose(1, 2), q_NTK[:, start:end])
        for_q *= q_NTK.shape[-1] ** -0.5
        back = (x.unflatten(0, shape[:2]) for x in (for_q, for_k, for_v))
        return (*back, None, None, None)


def _blocks(steps: int, sources: int, causal: bool) -> list[tuple[int, int, int]]:
    """First query, last query + 1, and how many sources these may see."""
    size = CAUSAL_BLOCK if causal else BLOCK
    ends = [(start, min(start + size, steps)) for start in range(0, steps, size)]
    return [(start, end, end + sources - steps if causal else sources) for start, end in ends]


def _forbid_future(scores_Nts: Tensor, before: int) -> None:
    """Query t of the block may see the sources up to before + t."""
    queries, seen = scores_Nts.shape[1:]
    future = torch.full((queries, seen - before), torch.finfo(scores_Nts.dtype).min, dtype=scores_Nts.dtype)
    scores_Nts[:, :, before:] += future.triu(1)


def _bias(
    keep: Tensor | None, shape: tuple[int, ...], dtype: torch.dtype, *, causal: bool
) -> tuple[Tensor | None, Tensor | None]:
    """What is added to the scores, BHTS without copies, and the queries that may look nowhere, if any."""
    if keep is None:
        return None, None
    bias = torch.zeros(keep.shape, dtype=dtype).masked_fill_(~keep, torch.finfo(dtype).min / 2)
    steps, sources = shape[2:]
    past_TS = torch.ones(steps, sources, dtype=torch.bool).tril(sources - steps)
    blind = ~(keep & past_TS if causal else keep).any(-1, keepdim=True)
    return bias.expand(shape), blind.expand(*shape[:3], 1) if bool(blind.any()) else None
