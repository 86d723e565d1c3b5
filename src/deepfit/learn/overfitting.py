"""Epochs, underfitting, overfitting and early stopping."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from deepfit.learn.samples import credits
from deepfit.learn.training import fit
from deepfit.learn.walk import Shown
from deepfit.nn.losses import sparse_categorical_crossentropy
from deepfit.options import Options
from deepfit.report.charts import Line, lines
from deepfit.report.view import Figure, Table


def squared(outputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The loss of a number: the squared difference, added up."""
    return (outputs[:, 0] - target).square().sum()


def log_loss(net: nn.Module, x_N: np.ndarray, target_N: np.ndarray) -> float:
    """The mean of minus the logarithm of the probability that the truth was given."""
    net.eval()
    with torch.no_grad():
        loss = sparse_categorical_crossentropy(net(torch.from_numpy(x_N)), torch.from_numpy(target_N))
    return float(loss) / len(x_N)


def lesson(seed: int = 0) -> Iterator[Shown]:
    """Three networks on 25 points, then loans with and without early stopping."""
    yield """
    An **epoch** is one pass over the training rows. Networks need many, and the question is how many. Before
    that, the other knob: size. Below are 25 points on a wave, each moved a little by chance. Three networks
    learn them, each trained until its loss hardly falls any more, and are judged on 1,000 other points of the
    same wave.
    """
    rng = np.random.default_rng(seed)

    def wave(rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Points of a noisy wave: x [rows, 1] in [-1, 1], y [rows]."""
        x_N1 = np.sort(rng.uniform(-1, 1, (rows, 1)), axis=0).astype(np.float32)
        return x_N1, (np.sin(4 * x_N1[:, 0]) + rng.normal(0, 0.4, rows)).astype(np.float32)

    (x_N1, y_N), (new_N1, new_N) = wave(25), wave(1000)

    def train_width(width: int):
        """A network with so many hidden neurons, trained for 1,000 epochs."""
        torch.manual_seed(seed)
        first = nn.Linear(1, width)
        net = nn.Sequential(first, nn.Tanh(), nn.Linear(width, 1))
        nn.init.uniform_(first.weight, -3 - width / 3, 3 + width / 3)
        nn.init.uniform_(first.bias, -3 - width / 3, 3 + width / 3)
        options = Options(
            epochs=1000, batch_size=25, optimizer="adam", learning_rate=0.03, weight_decay=0, seed=seed
        )
        yield from fit(net, {"x": x_N1, "target": y_N}, options, loss=squared)
        return net

    sizes = {"too small": 1, "about right": 4, "too large": 80}
    nets = {}
    for name, width in sizes.items():
        nets[name] = yield from train_width(width)

    grid_G1 = torch.linspace(-1, 1, 300)[:, None]
    curves = [
        Line(
            f"{name} ({sizes[name]})",
            grid_G1[:, 0].numpy(),
            net(grid_G1)[:, 0].detach().numpy(),
            colour=place,
        )
        for place, (name, net) in enumerate(nets.items())
    ]
    yield Figure(
        lines(
            [Line("25 points", x_N1[:, 0], y_N, dashed=True, marked=True, colour=7), *curves],
            x_label="x",
            y_label="y",
            y_span=(-2.2, 2.2),
        ),
        "Hidden neurons in brackets. The small network misses the wave, the large one learns single points.",
    )

    def errors(net: nn.Module) -> tuple[float, float]:
        """Mean squared error on the 25 points and on the others."""
        known, new = (
            float(np.square(net(torch.from_numpy(x))[:, 0].detach().numpy() - y).mean())
            for x, y in ((x_N1, y_N), (new_N1, new_N))
        )
        return known, new

    table_rows = {name: errors(net) for name, net in nets.items()}
    yield Table(
        ["Network", "Hidden neurons", "Error on its 25 points", "Error on 1,000 others"],
        [[name, str(sizes[name]), f"{own:.3f}", f"{new:.3f}"] for name, (own, new) in table_rows.items()],
        caption="Mean squared error. Chance alone makes 0.16, which no network can foresee.",
    )
    (small_own, _), (_, right_new), (large_own, large_new) = table_rows.values()
    yield f"""
    The smallest network **underfits**: its error is {small_own:.2f} even on the points it was trained on. The
    largest **overfits**: it got its own points right to {large_own:.3f} and is wrong by {large_new:.2f} on
    others, worse than the network with four neurons ({right_new:.2f}). A low training loss shows that a
    network has learned, not that it has learned something true.

    ## Too many epochs

    The same happens over time. A network with far more parameters than rows learns whether 300 loans were
    repaid. After each epoch its loss is measured twice: on these loans, and on **validation** rows that
    training does not touch.
    """
    loans_N8, repaid_N = credits()
    unseen_N8, unseen_N = credits("test")
    chosen = np.random.default_rng(seed).permutation(len(loans_N8))
    train, valid = chosen[:300], chosen[300:1300]
    x_N8, target_N = loans_N8[train], repaid_N[train]

    def learn(options: Options, dropout: float = 0.0):
        """A network of two wide layers, trained on the 300 loans; and its record of each epoch."""
        torch.manual_seed(seed)
        layers = [nn.Linear(8, 128), nn.ReLU(), nn.Dropout(dropout), nn.Linear(128, 128), nn.ReLU()]
        net = nn.Sequential(*layers, nn.Dropout(dropout), nn.Linear(128, 2))
        history = yield from fit(
            net,
            {"x": x_N8, "target": target_N},
            options,
            loss=sparse_categorical_crossentropy,
            score=lambda: {
                "train": log_loss(net, x_N8, target_N),
                "valid": log_loss(net, loans_N8[valid], repaid_N[valid]),
            },
            best="-valid" if options.patience else None,
        )
        return net, history

    steady = {"batch_size": 50, "learning_rate": 0.001, "schedule": "constant", "warmup": 0.0, "seed": seed}
    last, history = yield from learn(Options(epochs=60, weight_decay=0, **steady))
    train_losses, valid_losses = ([each.scores[part] for each in history] for part in ("train", "valid"))
    turn = int(np.argmin(valid_losses)) + 1
    yield Figure(
        lines(
            [
                Line("training loans", range(1, 61), train_losses, colour=0),
                Line("validation loans", range(1, 61), valid_losses, colour=1),
            ],
            x_label="epoch",
            y_label="loss",
            best=turn,
        ),
        f"The training loss only falls. The validation loss turns at epoch {turn} (dashed line).",
    )

    yield """
    ## Early stopping, and what else helps

    **Early stopping** keeps the weights of the best epoch and ends training when no better one has come for a
    while: `--patience 8` in deepfit. **Regularisation** makes learning by heart harder: **weight decay**
    pulls all weights towards zero, **dropout** silences random neurons at each step.
    """
    stopped, stopped_history = yield from learn(Options(epochs=60, weight_decay=0, patience=8, **steady))
    decayed, _ = yield from learn(Options(epochs=60, weight_decay=2.0, **steady))
    dropped, _ = yield from learn(Options(epochs=60, weight_decay=0, patience=8, **steady), dropout=0.5)
    kinds = {
        "all 60 epochs": last,
        f"stopped after {len(stopped_history)}": stopped,
        "60 epochs, weight decay": decayed,
        "dropout, and stopped": dropped,
    }
    result = {
        name: (log_loss(net, x_N8, target_N), log_loss(net, unseen_N8, unseen_N))
        for name, net in kinds.items()
    }
    share = max(unseen_N.mean(), 1 - unseen_N.mean())
    base = float(-(share * np.log(share) + (1 - share) * np.log(1 - share)))
    yield Table(
        ["Training", "Loss, its 300 loans", f"Loss, {len(unseen_N)} test loans"],
        [[name, f"{own:.3f}", f"{new:.3f}"] for name, (own, new) in result.items()]
        + [["no network: the share of each answer", "", f"{base:.3f}"]],
        caption="Test loans were used neither to train nor to choose the epoch.",
    )
    (_, full), (_, early), *_ = result.values()
    yield f"""
    Trained for all 60 epochs the network scores {full:.2f} on new loans, which is worse than no network at
    all ({base:.2f}). Stopped in time it scores {early:.2f}. The validation rows decided when to stop, so they
    can no longer say how good the network is; that takes a third part, the **test** rows. deepfit holds out
    both for you.
    """
