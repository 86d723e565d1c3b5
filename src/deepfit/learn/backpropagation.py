"""Backpropagation on a graph of six numbers: by hand, by autograd, and by trying."""

from __future__ import annotations

from collections.abc import Iterator
from math import tanh

import torch
from torch import Tensor

from deepfit.learn.samples import houses
from deepfit.learn.walk import Shown
from deepfit.report.charts import Line, lines
from deepfit.report.graphs import Node, graph
from deepfit.report.view import Figure, Table

# N rows, F inputs, D hidden neurons

TARGET = 1.0
"""What the neuron should say."""


def forward(x: float, w: float, b: float) -> dict[str, float]:
    """The six numbers, from the inputs to the loss."""
    z = w * x + b
    y = tanh(z)
    return {"x": x, "w": w, "b": b, "z": z, "y": y, "loss": (y - TARGET) ** 2}


def backward(at: dict[str, float]) -> dict[str, float]:
    """The derivative of the loss by each of the six numbers, from the loss to the inputs."""
    d_loss = 1.0
    d_y = d_loss * 2 * (at["y"] - TARGET)  # of the square
    d_z = d_y * (1 - at["y"] ** 2)  # of tanh
    return {"loss": d_loss, "y": d_y, "z": d_z, "x": d_z * at["w"], "w": d_z * at["x"], "b": d_z}


def by_autograd(x: float, w: float, b: float) -> dict[str, float]:
    """The same derivatives as PyTorch works them out, in double precision."""
    at = {
        name: torch.tensor(v, dtype=torch.float64, requires_grad=True)
        for name, v in zip("xwb", (x, w, b), strict=True)
    }
    at["z"] = at["w"] * at["x"] + at["b"]
    at["y"] = torch.tanh(at["z"])
    at["loss"] = (at["y"] - TARGET) ** 2
    for number in at.values():
        number.retain_grad()
    at["loss"].backward()
    return {name: number.grad.item() for name, number in at.items() if number.grad is not None}


def by_trying(x: float, w: float, b: float, small: float = 1e-6) -> dict[str, float]:
    """How much the loss moves when an input is moved a little, both ways."""
    found = {}
    for name in ("x", "w", "b"):
        more, less = ({"x": x, "w": w, "b": b} for _ in range(2))
        more[name] += small
        less[name] -= small
        found[name] = (forward(**more)["loss"] - forward(**less)["loss"]) / (2 * small)
    return found


def gradients(x_NF: Tensor, target_N: Tensor, w1_FD: Tensor, w2_D: Tensor) -> tuple[Tensor, Tensor]:
    """The gradients of mean((tanh(x W1) w2 - target)^2), worked out by hand with matrices."""
    h_ND = torch.tanh(x_NF @ w1_FD)
    d_y_N = 2 * (h_ND @ w2_D - target_N) / len(target_N)
    d_w2_D = h_ND.T @ d_y_N
    d_h_ND = d_y_N[:, None] * w2_D
    return x_NF.T @ (d_h_ND * (1 - h_ND**2)), d_w2_D


def lesson(seed: int = 0) -> Iterator[Shown]:
    """Six numbers forward and back, thirty steps down, then the same with matrices on real houses."""
    yield """
    To make a loss smaller, training has to know for each weight: if I raise it a little, does the loss rise
    or fall, and how fast? That is the derivative of the loss by the weight, and **backpropagation** finds all
    of them in one pass from the loss back to the inputs. It needs nothing but the chain rule. Here is one
    neuron with one input and a loss: six numbers in all. First **forward**, from the inputs to the loss.
    """
    start = {"x": 1.5, "w": 0.8, "b": -0.7}
    at = forward(**start)
    by_hand, automatic, tried = backward(at), by_autograd(**start), by_trying(**start)

    yield """
    Then **backward**. At the loss the derivative is 1. Each arrow that was walked forward is walked back, and
    the derivative is multiplied by the arrow's own, which depends only on numbers that the forward pass has
    found already.
    """
    places = {"x": (0, 0), "w": (0, 1), "b": (0, 2), "z": (1, 1), "y": (2, 1), "loss": (3, 1)}
    nodes = [Node(name, *places[name], f"{at[name]:.4f}", f"{by_hand[name]:+.4f}") for name in places]
    slopes = [
        ("x", "z", f"w = {at['w']:g}"),
        ("w", "z", f"x = {at['x']:g}"),
        ("b", "z", "1"),
        ("z", "y", f"1 - y² = {1 - at['y'] ** 2:.3f}"),
        ("y", "loss", f"2(y - 1) = {2 * (at['y'] - 1):.3f}"),
    ]
    yield Figure(
        graph(nodes, slopes),
        "Blue: the value, on the way forward. Orange: the derivative of the loss by it. On arrows: slopes.",
        wide=True,
    )
    yield Table(
        ["Number", "Made by", "Value", "By hand", "By autograd", "By trying"],
        [
            [
                name,
                made,
                f"{at[name]:.6f}",
                f"{by_hand[name]:.6f}",
                f"{automatic[name]:.6f}",
                f"{tried[name]:.6f}" if name in tried else "",
            ]
            for name, made in {
                "loss": "(y - 1)²",
                "y": "tanh(z)",
                "z": "w x + b",
                "x": "",
                "w": "",
                "b": "",
            }.items()
        ],
        words=2,
        caption="The derivative of the loss by each number, worked out in three ways.",
    )
    apart = max(abs(by_hand[name] - automatic[name]) for name in by_hand)
    yield f"""
    By hand and by PyTorch's **autograd**, which notes every operation and walks the notes backward, the
    derivatives agree to within {max(apart, 1e-16):.0e}. Moving each input a little and looking at the loss
    gives the same, but needs two forward passes for every single weight; backpropagation needs one pass back
    for all of them, however many there are.

    ## What the derivatives are for

    The derivative by `w` is {by_hand["w"]:.2f}, below zero: raising `w` lowers the loss. So move each weight
    against its derivative, a little, and begin anew. That is gradient descent.
    """
    w, b, losses = start["w"], start["b"], []
    for _ in range(30):
        now = forward(start["x"], w, b)
        slope = backward(now)
        losses.append(now["loss"])
        w, b = w - 0.3 * slope["w"], b - 0.3 * slope["b"]
    yield Figure(
        lines([Line("loss", range(len(losses)), losses, marked=True)], x_label="step", y_label="loss"),
        f"In 30 steps the loss falls from {losses[0]:.3f} to {losses[-1]:.4f}.",
    )

    yield """
    ## The same with matrices

    A network is the same graph with matrices for numbers. Below, eight hidden neurons predict the price of
    real houses from three columns. The gradient of every weight is worked out by hand in four lines, and
    again by autograd.
    """
    torch.manual_seed(seed)
    table = torch.from_numpy(houses("Gr_Liv_Area", "Year_Built", "Garage_Area", "Sale_Price")).double()
    table = (table - table.mean(0)) / table.std(0)
    x_NF, price_N = table[:, :3], table[:, 3]
    w1_FD = torch.randn(3, 8, dtype=torch.float64, requires_grad=True)
    w2_D = torch.randn(8, dtype=torch.float64, requires_grad=True)
    loss = (torch.tanh(x_NF @ w1_FD) @ w2_D - price_N).square().mean()
    for_w1_FD, for_w2_D = torch.autograd.grad(loss, (w1_FD, w2_D))
    hand_w1_FD, hand_w2_D = gradients(x_NF, price_N, w1_FD.detach(), w2_D.detach())
    farthest = max((hand_w1_FD - for_w1_FD).abs().max().item(), (hand_w2_D - for_w2_D).abs().max().item())
    parameters = w1_FD.numel() + w2_D.numel()
    yield f"""
    On {len(x_NF):,} houses the {parameters} derivatives by hand differ from autograd's by at most
    {farthest:.0e}. Trying would have taken {2 * parameters} forward passes over all houses. Nobody works
    gradients out by hand any more, but this is all that happens when a library says `backward()`.
    """
