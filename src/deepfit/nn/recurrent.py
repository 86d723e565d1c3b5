"""What recurrent networks share: their start, sequences of several lengths, and how their outputs are read.

Letters: B batch, T steps, F features, D width (twice of it in both directions), L layers times directions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

State = TypeVar("State", Tensor, tuple[Tensor, Tensor])
"""h_LBD, for an LSTM the pair (h_LBD, c_LBD)."""


def start(
    layers: nn.RNNBase, gates: int, *, open_gate: int | None = None, opening: tuple[float, float] = (1.0, 1.0)
) -> None:
    """Set the weights that a recurrent network begins with, gate by gate.

    Recurrent weights: random orthogonal matrices, which neither shrink nor stretch what they carry through
    time. Source: Saxe et al. 2014, arXiv 1312.6120. Input weights: uniform with variance 2 / (F + D). Source:
    Glorot and Bengio 2010, AISTATS, eq. 16. Biases: zero, and `opening` for the gate of the number open_gate,
    which keeps what is there (an LSTM's forget gate, a GRU's update gate), so that the network remembers from
    the start: from the first number in equal steps over the units to the last. Source: Jozefowicz et al.
    2015, ICML, section 2; different units for different times: Tallec and Ollivier 2018, arXiv 1804.11188.
    """
    with torch.no_grad():
        for name, parameter in layers.named_parameters():
            for number, block in enumerate(parameter.chunk(gates)):
                if name.startswith("weight_hh"):
                    nn.init.orthogonal_(block)
                elif name.startswith("weight_ih"):
                    nn.init.xavier_uniform_(block)
                else:
                    opens = number == open_gate and name.startswith("bias_ih")
                    block.copy_(torch.linspace(*(opening if opens else (0.0, 0.0)), len(block)))


def check_dropout(layers: int, dropout: float) -> None:
    """ValueError for dropout between the layers of a network that has one."""
    if layers == 1 and dropout:
        raise ValueError(f"dropout acts between layers, and there is one; received dropout={dropout}")


def unroll(
    layers: Callable[[Any, Any], tuple[Any, State]],
    x_BTF: Tensor,
    lengths_B: Tensor | None,
    state: State | None,
) -> tuple[Tensor, State]:
    """Run torch's layers (batch first) over sequences, each as far as its length.

    Returns outputs_BTD, zero from each length on, and the state after each sequence's last step. A sequence
    of no steps keeps its state.
    """
    if lengths_B is None:
        return layers(x_BTF, state)
    # torch packs on the CPU, so an accelerator waits here once a batch
    at_least_one = lengths_B.clamp(min=1).cpu()
    packed = pack_padded_sequence(x_BTF, at_least_one, batch_first=True, enforce_sorted=False)
    said, after = layers(packed, state)
    outputs_BTD, _ = pad_packed_sequence(said, batch_first=True, total_length=x_BTF.shape[1])
    return blank(outputs_BTD, lengths_B), keep_empty(after, state, lengths_B)


def both_ways(net: nn.LSTM | nn.GRU, x_BTF: Tensor, lengths_B: Tensor) -> Tensor:
    """The outputs alone of a network of both directions, BTD: those of `unroll`, faster in training.

    The second direction reads each sequence turned round, padding stays behind it. PyTorch's packed sequences
    take a product a step of all rows that last so long, and fill an array of zeros a step to go back through.
    """
    if x_BTF.device.type == "cpu" and torch.is_autocast_enabled("cpu"):
        with torch.autocast("cpu", enabled=False):  # oneDNN has no LSTM in bfloat16 on most processors
            return both_ways(net, x_BTF.float(), lengths_B)
    lstm = isinstance(net, nn.LSTM)
    place_T = torch.arange(x_BTF.shape[1], device=x_BTF.device)
    inside_BT = place_T < lengths_B[:, None]
    turned_BT = torch.where(inside_BT, lengths_B[:, None] - 1 - place_T, place_T)
    zero_1BD = x_BTF.new_zeros(1, len(x_BTF), net.hidden_size)
    for layer in range(net.num_layers):
        said = []
        for suffix in ("", "_reverse"):
            names = (f"{kind}_l{layer}{suffix}" for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
            weights = [getattr(net, name) for name in names]
            read_BTF = turned(x_BTF, turned_BT) if suffix else x_BTF
            state = (zero_1BD, zero_1BD) if lstm else zero_1BD
            run = torch.lstm if lstm else torch.gru
            out_BTD = run(read_BTF, state, weights, True, 1, 0.0, net.training, False, True)[0]  # pyright: ignore
            said.append(turned(out_BTD, turned_BT) if suffix else out_BTD)
        x_BTF = torch.cat(said, 2) * inside_BT[:, :, None]
        if layer < net.num_layers - 1:
            x_BTF = functional.dropout(x_BTF, net.dropout, net.training)
    return x_BTF


def turned(x_BTD: Tensor, place_BT: Tensor) -> Tensor:
    """The steps at these places."""
    return x_BTD.gather(1, place_BT[:, :, None].expand(-1, -1, x_BTD.shape[2]))


def blank(x_BTD: Tensor, lengths_B: Tensor) -> Tensor:
    """What is valid of x, and zeros from each length on."""
    return x_BTD.masked_fill(~valid(lengths_B, x_BTD.shape[1]).unsqueeze(2), 0.0)


def valid(lengths_B: Tensor, steps: int) -> Tensor:
    """Which steps are before the end of their sequence: BT."""
    return torch.arange(steps, device=lengths_B.device) < lengths_B.unsqueeze(1)


def keep_empty(after: State, before: State | None, lengths_B: Tensor) -> State:
    """The state after the sequences; for those of no steps the one before (zeros where None)."""
    if isinstance(after, tuple):
        pairs = zip(after, before or (None, None), strict=True)
        return tuple(keep_empty(new, old, lengths_B) for new, old in pairs)  # pyright: ignore[reportReturnType]  (a pair)
    old = torch.zeros_like(after) if before is None else before
    return torch.where((lengths_B > 0)[:, None], after, old)  # pyright: ignore[reportReturnType, reportCallIssue, reportArgumentType]  (tensors)


def detached(state: State) -> State:
    """The state without its past, fit to be carried into the next window."""
    if isinstance(state, tuple):
        return tuple(part.detach() for part in state)  # pyright: ignore[reportReturnType]  (a pair)
    return state.detach()


def pooled(
    outputs_BTD: Tensor,
    lengths_B: Tensor | None = None,
    how: Literal["last", "mean", "max"] = "last",
    *,
    bidirectional: bool = False,
) -> Tensor:
    """One vector a sequence from the outputs at its valid steps: BD, zeros for a sequence of no steps.

    last: the output at the last valid step; where the network reads in both directions, the second half of
    the features is that of the first step, where the backward reading ends.
    """
    rows, steps, width = outputs_BTD.shape
    if not steps:
        return outputs_BTD.new_zeros(rows, width)
    if lengths_B is None and how == "last" and not bidirectional:
        return outputs_BTD[:, -1]
    if lengths_B is None:
        lengths_B = torch.full((rows,), steps, device=outputs_BTD.device)
    keep_BT1 = valid(lengths_B, steps).unsqueeze(2)
    if how == "mean":
        return outputs_BTD.masked_fill(~keep_BT1, 0).sum(1) / lengths_B.clamp(min=1).unsqueeze(1)
    if how == "max":
        highest = outputs_BTD.masked_fill(~keep_BT1, -torch.inf).amax(1)
        return highest.masked_fill((lengths_B == 0).unsqueeze(1), 0)
    place_B = (lengths_B - 1).clamp(min=0)
    last = outputs_BTD[torch.arange(rows, device=place_B.device), place_B]
    if bidirectional:
        last = torch.cat([last[:, : width // 2], outputs_BTD[:, 0, width // 2 :]], dim=1)
    return last.masked_fill((lengths_B == 0).unsqueeze(1), 0)
