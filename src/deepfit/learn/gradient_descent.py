"""Gradient descent on a surface: learning rate, momentum and batch size, seen from above."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from deepfit.contract import Batch
from deepfit.learn.samples import houses
from deepfit.learn.training import fit
from deepfit.learn.walk import Shown
from deepfit.options import Options
from deepfit.report.charts import Line, lines
from deepfit.report.maps import contours
from deepfit.report.view import Figure, Table

START = (-0.4, 0.5)
"""The two weights before training."""


def squared(outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The loss: the squared difference, added up."""
    return (outputs[:, 0] - target).square().sum()


def descend(x_N2: np.ndarray, price_N: np.ndarray, options: Options):
    """Train two weights; returns where they stood before each step and at the end, [steps + 1, 2]."""
    net = nn.Linear(2, 1, bias=False)
    net.weight.data = torch.tensor([START])
    path = []

    def forward(batch: Batch) -> torch.Tensor:
        path.append(net.weight[0].tolist())
        return net(batch["x"])

    yield from fit(net, {"x": x_N2, "target": price_N}, options, loss=squared, forward=forward)
    return np.array([*path, net.weight[0].tolist()])


def lesson(seed: int = 0) -> Iterator[Shown]:
    """The loss of a linear model with two weights is a valley; several ways down it."""
    yield """
    A network's loss is a landscape over all its weights, and **gradient descent** walks down it: look which
    way is steepest down, take a step, look again. With two weights the landscape can be drawn. Here the price
    of houses in Ames is predicted from their living area and their number of rooms, each times a weight. All
    three are standardised. Large houses have many rooms, so the two inputs say nearly the same, and the
    landscape is a long narrow valley, as those of networks are.
    """
    table = houses("Gr_Liv_Area", "TotRms_AbvGrd", "Sale_Price")
    table = (table - table.mean(0)) / table.std(0)
    x_N2, price_N = table[:, :2].copy(), table[:, 2].copy()
    rows = len(x_N2)
    lowest = np.linalg.lstsq(x_N2, price_N, rcond=None)[0]
    curvature = np.linalg.eigvalsh(2 * x_N2.T.astype(np.float64) @ x_N2 / rows)
    limit = 2 / curvature[1]

    first, second = np.linspace(-0.8, 1.5, 70), np.linspace(-0.9, 1.0, 60)
    grid_YX2 = np.stack(np.meshgrid(first, second), -1)
    height_YX = ((grid_YX2 @ x_N2.T - price_N) ** 2).mean(-1)
    levels = height_YX.min() + (height_YX.max() - height_YX.min()) * np.linspace(0.03, 1, 14) ** 2

    def seen_from_above(paths: list[Line]):
        """The valley with paths in it; the ring is its lowest point."""
        return contours(
            first,
            second,
            height_YX,
            paths,
            levels=levels,
            x_label="weight of the living area",
            y_label="weight of the rooms",
            goal=(lowest[0], lowest[1]),
        )

    def loss_at(path_S2: np.ndarray) -> np.ndarray:
        """How far above the lowest point each place of a path lies."""
        return ((path_S2 @ x_N2.T - price_N) ** 2).mean(1) - ((x_N2 @ lowest - price_N) ** 2).mean()

    plain = {"optimizer": "sgd", "momentum": 0.0, "schedule": "constant", "warmup": 0.0, "weight_decay": 0.0}
    whole = {**plain, "batch_size": rows, "seed": seed}

    yield f"""
    ## Learning rate

    The **learning rate** is the length of a step for a given slope. Across the valley the ground bends
    {curvature[1] / curvature[0]:.0f} times as sharply as along it. Steps that are right for the steep
    direction are short for the flat one. And there is a limit: where the learning rate is above 2 /
    curvature, here {limit:.2f}, each step lands higher on the other side than it began.
    """
    rates = (0.1 * limit, 0.9 * limit, 1.03 * limit)
    tried = {}
    for rate in rates:
        tried[rate] = yield from descend(x_N2, price_N, Options(epochs=30, learning_rate=rate, **whole))
    by_rate = [
        Line(f"learning rate {rate:.2f}", *path.T, colour=place, marked=True)
        for place, (rate, path) in enumerate(tried.items())
    ]
    yield Figure(
        seen_from_above(by_rate),
        "Thirty steps each: short ones creep, long ones leap from side to side, too long ones never settle.",
    )
    yield Figure(
        lines(
            [
                Line(line.name, range(31), loss_at(tried[rate]), colour=place)
                for place, (line, rate) in enumerate(zip(by_rate, rates, strict=True))
            ],
            x_label="step",
            y_label="loss above the lowest",
            log_y=True,
        ),
        "Above the limit the loss rises again: training diverges.",
    )
    short, long, wild = (loss_at(path)[-1] for path in tried.values())

    yield f"""
    After 30 steps the loss is {short:.2g} above the lowest with the small rate, {long:.1e} with one just
    below the limit, and {wild:.2g} and rising with one just above. The best learning rate is usually close
    below the largest that works.

    ## Momentum

    **Momentum** keeps a running mean of the gradients and steps along that. Leaps from side to side cancel in
    the mean; the slope along the valley adds up.
    """
    plain_path = yield from descend(x_N2, price_N, Options(epochs=30, learning_rate=0.3 * limit, **whole))
    keen = {**whole, "momentum": 0.7}
    momentum_path = yield from descend(x_N2, price_N, Options(epochs=30, learning_rate=0.3 * limit, **keen))
    adam = {**whole, "optimizer": "adam"}
    del adam["momentum"]
    adam_path = yield from descend(x_N2, price_N, Options(epochs=30, learning_rate=0.1, **adam))
    ways = {"no momentum": plain_path, "momentum 0.7": momentum_path, "adam": adam_path}
    yield Figure(
        seen_from_above(
            [
                Line(name, *path.T, colour=place, marked=True)
                for place, (name, path) in enumerate(ways.items())
            ]
        ),
        "The same rate with and without momentum, and Adam, which steps equally far along both weights.",
    )
    yield Figure(
        lines(
            [
                Line(name, range(31), loss_at(path), colour=place)
                for place, (name, path) in enumerate(ways.items())
            ],
            x_label="step",
            y_label="loss above the lowest",
            log_y=True,
        ),
        f"At the end {loss_at(plain_path)[-1]:.1e} without, {loss_at(momentum_path)[-1]:.1e} with momentum.",
    )

    yield """
    ## Batch size

    So far every step looked at all houses. **Stochastic gradient descent** (SGD) looks at a few, a
    **mini-batch**: its gradient points the right way only on average, but it costs a fraction, so in the same
    time it can take many more steps. Here every run sees each house exactly twice.
    """
    sizes = (8, 64, rows)
    seen = {}
    for size in sizes:
        few = {**whole, "batch_size": size}
        seen[size] = yield from descend(x_N2, price_N, Options(epochs=2, learning_rate=0.1 * limit, **few))
    falling = {**whole, "batch_size": 8, "schedule": "cosine"}
    seen[0] = yield from descend(x_N2, price_N, Options(epochs=2, learning_rate=0.1 * limit, **falling))
    names = {8: "batches of 8", 64: "batches of 64", rows: "all at once", 0: "8, falling rate"}
    yield Figure(
        seen_from_above(
            [
                Line(names[size], *path.T, colour=place)
                for place, (size, path) in enumerate(seen.items())
                if size
            ]
        ),
        "Two passes over the houses: small batches arrive but wander, one large batch takes two steps.",
    )
    late = {size: path[-len(path) // 4 :] for size, path in seen.items()}
    yield Table(
        ["Run", "Steps", "Loss above the lowest, last quarter", "Wandering"],
        [
            [
                names[size],
                f"{len(path) - 1:,}",
                f"{loss_at(late[size]).mean():.4f}",
                f"{np.linalg.norm(late[size].std(0)):.4f}",
            ]
            for size, path in seen.items()
        ],
        caption="Wandering: standard deviation of the weights over the last quarter of the steps.",
    )
    yield f"""
    Batches of 8 take {len(seen[8]) - 1:,} steps where the whole data set takes {len(seen[rows]) - 1}, and end
    far lower. They do not come to rest, since each batch pulls its own way; a larger batch wanders less, and
    so does a **learning rate that falls** over the run, which is why deepfit trains with a schedule unless
    told otherwise.
    """
