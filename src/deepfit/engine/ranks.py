"""Several processes, one training.

For a script of your own that `torchrun` starts and that calls `engine.train`.

Every rank walks the same batches and works on its own part of each. Gradients are summed and divided by the
global count, so any number of ranks, with parts of unequal size, gives the result of one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from deepfit.data.batches import cut, num_rows


@dataclass(frozen=True)
class Ranks:
    """This process's place among `size` processes."""

    rank: int = 0
    size: int = 1

    def share(self, rows: Any) -> Any:
        """This rank's contiguous part; parts differ by one row at most."""
        if self.size == 1:
            return rows
        count = num_rows(rows)
        return cut(rows, self.rank * count // self.size, (self.rank + 1) * count // self.size)

    def gather(self, rows: Tensor) -> Tensor:
        """The parts of all ranks, concatenated along the first axis, in order of rank; differentiable."""
        return rows if self.size == 1 else _gather(rows)

    def sum_up(self, sums: Mapping[str, Sequence[float]]) -> Mapping[str, Sequence[float]]:
        """Sums and counts by name, over all ranks."""
        if self.size == 1:
            return sums
        told: list[Any] = [None] * self.size
        dist.all_gather_object(told, dict(sums))  # pyright: ignore[reportUnknownMemberType]  (untyped in PyTorch)
        return {name: [sum(part.get(name, (0.0, 0.0))[k] for part in told) for k in (0, 1)] for name in sums}

    def agree(self, values: Mapping[str, float]) -> Mapping[str, float]:
        """Rank 0's values, on every rank."""
        if self.size == 1:
            return values
        told: list[Any] = [dict(values)]
        dist.broadcast_object_list(told, src=0)
        return told[0]

    def reduce_gradients(self, parameters: Sequence[Tensor], count: Tensor) -> Tensor:
        """Sum gradients and count over ranks in one message.

        A parameter that no rank used keeps no gradient.
        """
        if self.size == 1:
            return count
        used = torch.tensor([parameter.grad is not None for parameter in parameters], dtype=torch.float64)
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        facts = torch.cat([used, count.double().reshape(1).cpu()]).to(flat.device)
        _add_up(flat)
        _add_up(facts)
        anyone: list[float] = facts[:-1].tolist()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  (a bare list in PyTorch)
        start = 0
        for parameter, gradient, users in zip(parameters, gradients, anyone, strict=True):
            if users:
                parameter.grad = gradient.copy_(flat[start : start + gradient.numel()].view(gradient.shape))
            start += gradient.numel()
        return facts[-1]

    def mean_buffers(self, net: torch.nn.Module) -> None:
        """Make running statistics the mean over ranks, which saw different rows."""
        if self.size > 1:
            for buffer in net.buffers():
                if buffer.is_floating_point():
                    _add_up(buffer)
                    buffer /= self.size


class _Gather(torch.autograd.Function):
    """all_gather of parts of unequal length; its gradient is the sum over ranks of the part's own slice."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        size, rank = dist.get_world_size(), dist.get_rank()
        lengths = [torch.zeros(1, dtype=torch.int64, device=rows.device) for _ in range(size)]
        _collect(lengths, torch.tensor([len(rows)], device=rows.device))
        counts = [int(length) for length in lengths]
        padded = rows.new_zeros((max(counts), *rows.shape[1:]))
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in range(size)]
        _collect(parts, padded)
        ctx.start, ctx.count = sum(counts[:rank]), len(rows)
        return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        gradient = gradients[0].contiguous()
        _add_up(gradient)
        return gradient[ctx.start : ctx.start + ctx.count]


def _gather(rows: Tensor) -> Tensor:
    return _Gather.apply(rows)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  (untyped in PyTorch)


def _add_up(tensor: Tensor) -> None:
    """The sum over ranks, in place."""
    dist.all_reduce(tensor)  # pyright: ignore[reportUnknownMemberType]  (untyped in PyTorch)


def _collect(parts: list[Tensor], own: Tensor) -> None:
    """Every rank's own tensor, in order of rank, into `parts`."""
    dist.all_gather(parts, own)  # pyright: ignore[reportUnknownMemberType]  (untyped in PyTorch)


def join() -> Ranks:
    """Join the processes that `torchrun` started; alone where it started none."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return Ranks()
    if not dist.is_initialized():
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    return Ranks(dist.get_rank(), dist.get_world_size())
