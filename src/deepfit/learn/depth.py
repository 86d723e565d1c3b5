"""Deep against shallow: the same two spirals, one to five hidden layers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from deepfit.learn.samples import spirals
from deepfit.learn.training import fit
from deepfit.learn.walk import Shown
from deepfit.nn.losses import sparse_categorical_crossentropy
from deepfit.nn.nets.mlp import MLP
from deepfit.options import Options
from deepfit.report.charts import Line, lines
from deepfit.report.maps import regions
from deepfit.report.view import Figure, Table

WIDTH = 8
"""Neurons in each hidden layer."""


def answers(net: MLP, x_N2: Tensor) -> Tensor:
    """Logits of both spirals; of category columns, which the network also reads, there are none."""
    return net(x_N2, torch.zeros(len(x_N2), 0, dtype=torch.int64))[:, 0]


def accuracy(net: MLP, x_N2: np.ndarray, spiral_N: np.ndarray) -> float:
    """The share of points that are put on the right spiral."""
    with torch.no_grad():
        return float((answers(net, torch.from_numpy(x_N2)).argmax(1).numpy() == spiral_N).mean())


def lesson(seed: int = 0) -> Iterator[Shown]:
    """Networks of one to five layers on two spirals, and a wide shallow one with as many parameters."""
    yield """
    Two spirals are wound into each other. No straight line parts them, so one layer of neurons has to bend
    its boundary all the way round. A **deep** network does it in steps: each **hidden layer** bends the plane
    a little, and the next one starts from what is bent already. The same points go to five networks that
    differ in nothing but the number of hidden layers.
    """
    x_N2, spiral_N = spirals(seed, 600)
    unseen_N2, unseen_N = spirals(seed + 1000, 1000)
    across = np.linspace(-1.15, 1.15, 70)
    grid_YX2 = torch.from_numpy(np.stack(np.meshgrid(across, across), -1).astype(np.float32))

    def train_layers(widths: list[int]):
        """A network with hidden layers of these widths, trained; and its loss after each epoch."""
        torch.manual_seed(seed)
        net = MLP(2, [], 2, widths=widths, dropout=0.0, activation="tanh")
        history = yield from fit(
            net,
            {"x": x_N2, "target": spiral_N},
            Options(epochs=100, batch_size=100, learning_rate=0.02, weight_decay=0, seed=seed),
            forward=lambda batch: answers(net, batch["x"]),
            loss=sparse_categorical_crossentropy,
        )
        return net, [each.losses["loss"] for each in history]

    nets, losses = {}, {}
    for layers in range(1, 6):
        nets[layers], losses[layers] = yield from train_layers([WIDTH] * layers)
    right = {layers: accuracy(net, unseen_N2, unseen_N) for layers, net in nets.items()}

    lowest = min(losses, key=lambda each: losses[each][-1])

    for layers, net in nets.items():
        share_YX = answers(net, grid_YX2.reshape(-1, 2)).softmax(1)[:, 1].detach().reshape(70, 70).numpy()
        yield Figure(
            regions(
                across,
                across,
                share_YX,
                [("one spiral", *x_N2[spiral_N == 0].T), ("the other", *x_N2[spiral_N == 1].T)],
                x_label="x",
                y_label="y",
            ),
            f"{layers} hidden layer{'s' if layers > 1 else ''}: right for {right[layers]:.0%} of new points.",
        )
    yield Figure(
        lines(
            [Line(f"{n} hidden", range(1, 101), each, colour=n - 1) for n, each in losses.items()],
            x_label="epoch",
            y_label="loss of a training point",
            log_y=True,
        ),
        f"The same points, the same number of steps: the loss ends lowest with {lowest} hidden layers.",
    )

    yield """
    Is that depth, or only more parameters? Give a single hidden layer as many parameters as the network of
    four layers has, by making it wide.
    """
    size = {layers: sum(p.numel() for p in net.parameters()) for layers, net in nets.items()}
    wide = round((size[4] - 2) / 5)  # 2 inputs, a bias and 2 outputs a neuron: 5 parameters
    wide_net, wide_losses = yield from train_layers([wide])
    right_wide = accuracy(wide_net, unseen_N2, unseen_N)
    rows = [
        [
            f"{n} x {WIDTH}",
            f"{size[n]:,}",
            f"{accuracy(net, x_N2, spiral_N):.1%}",
            f"{right[n]:.1%}",
            f"{losses[n][-1]:.4f}",
        ]
        for n, net in nets.items()
    ]
    trained_wide = accuracy(wide_net, x_N2, spiral_N)
    wide_size = sum(p.numel() for p in wide_net.parameters())
    rows.append(
        [
            f"1 x {wide}",
            f"{wide_size:,}",
            f"{trained_wide:.1%}",
            f"{right_wide:.1%}",
            f"{wide_losses[-1]:.4f}",
        ]
    )
    yield Table(
        ["Hidden layers", "Parameters", "Right, training", "Right, new points", "Training loss"],
        rows,
        caption="Hidden layers as number x neurons in each.",
    )
    yield f"""
    One layer of {WIDTH} neurons gets {right[1]:.0%} of new points right, {lowest} such layers
    {right[lowest]:.0%}. One wide layer with {wide_size:,} parameters, about as many as four thin ones, gets
    {right_wide:.0%}. On data whose shape is bent many times, depth is the better use of parameters. It has
    its price: gradients must pass through every layer, which is what the lesson `activations` measures, and
    more layers are not better without end.
    """
