"""Recurrence and vanishing gradients: how far back an RNN and an LSTM remember."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from deepfit.learn.training import fit
from deepfit.learn.walk import Shown
from deepfit.nn.losses import sparse_categorical_crossentropy
from deepfit.nn.nets.gru import GRU
from deepfit.nn.nets.lstm import LSTM
from deepfit.nn.nets.rnn import RNN
from deepfit.options import Options
from deepfit.report.charts import Line, lines
from deepfit.report.view import Figure, Table

# B sequences, T steps, F features, D width

KINDS: dict[str, type[nn.Module]] = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}


class Reader(nn.Module):
    """A recurrent network that reads a sequence and then says which of two classes it is."""

    def __init__(self, kind: str, width: int = 32) -> None:
        super().__init__()
        self.steps = KINDS[kind](1, width)
        self.says = nn.Linear(width, 2)

    def forward(self, x_BTF: Tensor) -> Tensor:
        """[B, T, F] -> logits [B, 2], from the last step alone."""
        outputs_BTD, _ = self.steps(x_BTF)
        return self.says(outputs_BTD[:, -1])


def gradient_over_steps(kind: str, steps: int, *, seed: int, width: int = 64) -> Tensor:
    """How strongly the last output depends on the input at each step before it, [T], in double precision.

    The length of the gradient of a random sum of the last output, mean over 32 sequences of noise.
    """
    torch.manual_seed(seed)
    net = KINDS[kind](8, width).double()
    x_BTF = torch.randn(32, steps, 8, dtype=torch.float64, requires_grad=True)
    outputs_BTD, _ = net(x_BTF)
    said = (outputs_BTD[:, -1] @ torch.randn(width, dtype=torch.float64)).sum()
    return torch.autograd.grad(said, x_BTF)[0].norm(dim=2).mean(0)


def first_bit(rng: np.random.Generator, rows: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise whose first step alone tells the class by its sign: [rows, steps, 1] and int64 [rows]."""
    target_B = rng.integers(0, 2, rows)
    x_BT1 = rng.normal(0, 0.2, (rows, steps, 1))
    x_BT1[:, 0, 0] = 2 * target_B - 1
    return x_BT1.astype(np.float32), target_B


def lesson(seed: int = 0) -> Iterator[Shown]:
    """Gradients over a hundred steps, then the same task with ever longer waiting."""
    yield """
    A **recurrent** network reads a sequence step by step. At each step the same layer gets the new input and
    its own last output, the **state**, which is all that it remembers. Unrolled, it is a very deep network:
    the gradient of a loss at the end passes through one layer for each step, and each multiplies it. If the
    factor is mostly below 1, little of it arrives: it **vanishes**, and the network cannot learn what
    happened long ago. If it is above 1, it **explodes**.

    How much, can be measured. Three untrained networks read 100 steps of noise; for each step, how strongly
    does the last output depend on what was read there?
    """
    steps = 100
    back = np.arange(steps)[::-1]
    reach = {kind: gradient_over_steps(kind, steps, seed=seed) for kind in KINDS}
    yield Figure(
        lines(
            [Line(kind, back, each, colour=place) for place, (kind, each) in enumerate(reach.items())],
            x_label="steps back from the end",
            y_label="length of the gradient",
            log_y=True,
        ),
        "A straight line downward is a gradient that is multiplied by the same factor at each step.",
    )
    kept = {kind: float(each[0] / each[-1]) for kind, each in reach.items()}
    yield Table(
        ["Network", "Last step", "50 steps back", "99 steps back", "Share that arrives", "Factor a step"],
        [
            [
                kind,
                f"{each[-1]:.2e}",
                f"{each[-51]:.2e}",
                f"{each[0]:.2e}",
                f"{kept[kind]:.1e}",
                f"{kept[kind] ** (1 / 99):.3f}",
            ]
            for kind, each in reach.items()
        ],
        caption="Length of the gradient of the last output by the input.",
    )
    yield f"""
    From the end to the beginning the RNN keeps {kept["RNN"]:.0e} of its gradient, the LSTM
    {kept["LSTM"]:.0e}. The **LSTM** has a memory beside its state, which is not pushed through a layer at
    each step but multiplied by a **gate** between 0 and 1 and added to. As long as the gate is open, what was
    written stays, and so does the gradient. The **GRU** does the same with fewer gates.

    ## What it means for learning

    A task that needs memory: the first number of a sequence is 1 or -1, then comes noise, and at the end the
    network has to say which it was. Each network sees the same sequences, for as many steps of training; only
    the waiting time differs.
    """
    waits = (5, 20, 60)

    def remember(kind: str, wait: int):
        """Train a network on sequences of this length; the share of new ones that it gets right."""
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        net = Reader(kind)
        x_BTF, target_B = first_bit(rng, 512, wait)
        options = Options(epochs=8, batch_size=32, learning_rate=0.005, clip_norm=1.0, seed=seed)
        history = yield from fit(
            net, {"x": x_BTF, "target": target_B}, options, loss=sparse_categorical_crossentropy
        )
        new_BTF, new_B = first_bit(rng, 1000, wait)
        with torch.no_grad():
            right = float((net(torch.from_numpy(new_BTF)).argmax(1).numpy() == new_B).mean())
        return right, [each.losses["loss"] for each in history]

    learned = {}
    for kind in KINDS:
        for wait in waits:
            learned[kind, wait] = yield from remember(kind, wait)
    yield Table(
        ["Network", *(f"after {wait} steps" for wait in waits)],
        [[kind, *(f"{learned[kind, wait][0]:.0%}" for wait in waits)] for kind in KINDS],
        caption="Share of 1,000 new sequences that are told right; guessing gets 50 %.",
    )
    yield Figure(
        lines(
            [
                Line(kind, range(1, 9), learned[kind, waits[-1]][1], colour=place)
                for place, kind in enumerate(KINDS)
            ],
            x_label="epoch",
            y_label="loss",
            whole=True,
        ),
        f"Learning to remember over {waits[-1]} steps. A loss of 0.69 is guessing.",
    )
    yield f"""
    Over {waits[0]} steps the RNN is right for {learned["RNN", waits[0]][0]:.0%}, over {waits[-1]} steps for
    {learned["RNN", waits[-1]][0]:.0%}; the LSTM for {learned["LSTM", waits[-1]][0]:.0%}. The RNN is able to
    represent the answer, but the gradient that would teach it does not arrive. Gates made long memories
    learnable; the lesson `attention` does without recurrence altogether, so that any two steps are one apart.
    """
