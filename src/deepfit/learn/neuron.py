"""What a neuron and a layer are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn import functional

from deepfit.learn.samples import houses
from deepfit.learn.training import fit
from deepfit.learn.walk import Shown
from deepfit.options import Options
from deepfit.report.charts import Line, lines
from deepfit.report.maps import regions
from deepfit.report.view import Figure, Table


def is_dear(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The loss of a yes-or-no answer: minus the log of the probability that was given to the truth."""
    return functional.binary_cross_entropy_with_logits(logits[:, 0], target, reduction="sum")


def squared(outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The loss of a number: the squared difference."""
    return (outputs[:, 0] - target).square().sum()


def lesson(seed: int = 0) -> Iterator[Shown]:
    """One neuron learns which houses are dear; eight of them learn a curve."""
    yield """
    A **neuron** multiplies each of its inputs by a **weight**, adds a **bias** and bends the sum with an
    **activation**: `y = act(w1 x1 + w2 x2 + ... + b)`. With one input and the sigmoid as activation, the
    weight says how steep the answer rises, and the bias moves the place where it does. That is all a neuron
    can do.
    """
    x = torch.linspace(-6, 6, 121)
    settings = [(1.0, 0.0), (3.0, 0.0), (3.0, -6.0), (-1.0, 0.0)]
    curves = [
        Line(f"w = {w:g}, b = {b:g}", x.numpy(), torch.sigmoid(w * x + b).numpy(), colour=place)
        for place, (w, b) in enumerate(settings)
    ]
    yield Figure(
        lines(curves, x_label="input x", y_label="sigmoid(w x + b)"),
        "A larger weight makes the step steeper, a bias moves it, a negative weight turns it round.",
    )

    yield """
    ## One neuron learns

    Let a neuron with two inputs say whether a house in Ames, Iowa, sold for more than the median price, from
    its living area and the year it was built. Its two weights and its bias start at random; training turns
    them, step by step, so that the probability of the truth rises. Both inputs are standardised first.
    """
    torch.manual_seed(seed)
    table, unseen = (
        houses("Gr_Liv_Area", "Year_Built", "Sale_Price"),
        houses("Gr_Liv_Area", "Year_Built", "Sale_Price", part="test"),
    )
    mean, std, median = table[:, :2].mean(0), table[:, :2].std(0), np.median(table[:, 2])
    x_N2, dear_N = (table[:, :2] - mean) / std, (table[:, 2] > median).astype(np.float32)

    neuron = nn.Linear(2, 1)
    yield from fit(
        neuron,
        {"x": x_N2, "target": dear_N},
        Options(epochs=40, batch_size=128, optimizer="adam", learning_rate=0.05, weight_decay=0, seed=seed),
        loss=is_dear,
    )
    (w_area, w_year), bias = neuron.weight[0].tolist(), neuron.bias.item()
    peer = LogisticRegression(C=np.inf).fit(x_N2, dear_N)
    apart = float(np.abs(peer.coef_[0] - [w_area, w_year]).max())
    said_N = neuron(torch.from_numpy((unseen[:, :2] - mean) / std))[:, 0] > 0
    right = float((said_N.numpy() == (unseen[:, 2] > median)).mean())
    yield f"""
    The neuron settled at `sigmoid({w_area:.2f} area + {w_year:.2f} year {bias:+.2f})` and is right for
    {right:.0%} of {len(unseen)} houses that it never saw; guessing would be right for half. Statisticians
    know one sigmoid neuron as **logistic regression**: scikit-learn's has the same weights, to within
    {apart:.1g}. Where the neuron is undecided, its sum is zero, and that is always a straight line.
    """
    across, up = np.linspace(400, 3200, 57), np.linspace(1880, 2010, 53)
    grid_YX2 = np.stack(np.meshgrid(across, up), -1).astype(np.float32)
    share_YX = torch.sigmoid(neuron(torch.from_numpy((grid_YX2 - mean) / std)))[..., 0].detach().numpy()
    cheap, dear = unseen[unseen[:, 2] <= median], unseen[unseen[:, 2] > median]
    yield Figure(
        regions(
            across,
            up,
            share_YX,
            [("below the median", *cheap[:, :2].T), ("above the median", *dear[:, :2].T)],
            x_label="living area in square feet",
            y_label="year built",
        ),
        "Test houses by what they sold for; behind them, what the neuron says: one straight line.",
    )

    yield """
    ## A layer is many neurons that read the same inputs

    For a whole batch of rows it is one product of matrices: inputs `[rows, inputs]` times weights
    `[inputs, neurons]`, plus a bias for each neuron. A second layer then mixes what the first one says.
    Below, a hidden layer reads a single number, how far east in the town a house stands, and one linear
    neuron adds up what the layer says to a price. Prices rise and fall from one neighbourhood to the next, so
    a straight line is not enough.
    """
    table, unseen = houses("Longitude", "Sale_Price"), houses("Longitude", "Sale_Price", part="test")
    west, east = table[:, 0].min(), table[:, 0].max()
    east_N1, unseen_N1 = (2 * (each[:, :1] - west) / (east - west) - 1 for each in (table, unseen))
    price_N = (table[:, 1] - 180_000) / 80_000

    def train_width(width: int):
        """A network with so many hidden neurons (none: a straight line), trained."""
        torch.manual_seed(seed)
        first = nn.Linear(1, width or 1)
        net = nn.Sequential(first, nn.Tanh(), nn.Linear(width, 1)) if width else first
        if width:
            nn.init.constant_(first.weight, 10.0)  # steep steps, spread evenly over the town
            first.bias.data = -10.0 * torch.linspace(-1, 1, width + 2)[1:-1]
        options = Options(epochs=80, batch_size=128, optimizer="adam", learning_rate=0.03, seed=seed)
        yield from fit(net, {"x": east_N1, "target": price_N}, options, loss=squared)
        return net

    nets = {}
    for width in (0, 1, 8):
        nets[width] = yield from train_width(width)

    def dollars(net: nn.Module, x_N1: np.ndarray) -> np.ndarray:
        """What a network says, on the scale of prices."""
        return net(torch.from_numpy(x_N1)).detach().numpy()[:, 0] * 80_000 + 180_000

    names = {0: "straight line", 1: "1 hidden neuron", 8: "8 hidden neurons"}
    errors = {width: float((dollars(net, unseen_N1) - unseen[:, 1]).std()) for width, net in nets.items()}
    yield Table(
        ["Network", "Weights", "Parameters", "Typical error on test houses"],
        [
            [
                names[width],
                " and ".join("x".join(map(str, p.shape[::-1])) for p in net.parameters() if p.ndim == 2),
                str(sum(p.numel() for p in net.parameters())),
                f"{errors[width]:,.0f} dollars",
            ]
            for width, net in nets.items()
        ],
        words=2,
        caption="Weights are inputs x neurons. Typical error: standard deviation of predicted less actual.",
    )

    grid_G1 = np.linspace(-1, 1, 161, dtype=np.float32)[:, None]
    degrees = west + (grid_G1[:, 0] + 1) / 2 * (east - west)
    edges = np.quantile(table[:, 0], np.linspace(0, 1, 25))
    groups = [table[(table[:, 0] >= a) & (table[:, 0] <= b)].mean(0) for a, b in pairwise(edges)]
    centres, means = np.stack(groups).T
    fits = [
        Line(names[width], degrees, dollars(net, grid_G1) / 1000, colour=place + 1)
        for place, (width, net) in enumerate(nets.items())
    ]
    yield Figure(
        lines(
            [Line("mean of 100 neighbours", centres, means / 1000, dashed=True, marked=True), *fits],
            x_label="longitude in degrees",
            y_label="price in thousand dollars",
        ),
        "A straight line cannot bend, one neuron bends once, eight follow the neighbourhoods.",
    )
    hidden, last = nets[8][0], nets[8][2]
    parts_GD = (torch.tanh(hidden(torch.from_numpy(grid_G1))) * last.weight[0] * 80).detach()
    yield Figure(
        lines(
            [Line(f"neuron {d + 1}", degrees, parts_GD[:, d], colour=d) for d in range(8)],
            x_label="longitude in degrees",
            y_label="share in the price, thousand dollars",
        ),
        "What each of the eight adds: a smooth step, of a height and steepness that training found.",
    )
    yield f"""
    The eight steps add up to the curve, and the typical error falls from {errors[0]:,.0f} dollars (straight
    line) to {errors[8]:,.0f}. A layer wide enough can bend to any smooth curve. Whether that is the cheapest
    way is the question of the lesson `depth`.
    """
