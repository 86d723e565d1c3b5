"""Every activation and its derivative, and how much gradient gets through twenty layers of each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn

from deepfit.learn.samples import spirals
from deepfit.learn.training import fit
from deepfit.learn.walk import Shown
from deepfit.nn.activations import activation
from deepfit.nn.losses import sparse_categorical_crossentropy
from deepfit.options import Options
from deepfit.report.charts import Line, lines
from deepfit.report.view import Figure, Table
from deepfit.vocabulary import ACTIVATIONS

# N rows, D width


class Stack(nn.Module):
    """Linear layers of one width with the same activation after each, and two outputs."""

    def __init__(self, name: str, inputs: int, width: int, layers: int) -> None:
        super().__init__()
        self.bend = activation(name)
        sizes = [inputs, *[width] * layers]
        linear = [nn.Linear(a, b) for a, b in pairwise(sizes)]
        self.layers = nn.ModuleList(linear)
        for layer in linear:
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
            nn.init.zeros_(layer.bias)
        self.last = nn.Linear(width, 2)

    def forward(self, x_ND: Tensor) -> Tensor:
        """[N, inputs] -> logits [N, 2]."""
        for layer in self.layers:
            x_ND = self.bend(layer(x_ND))
        return self.last(x_ND)


def curve(name: str, x: Tensor) -> tuple[Tensor, Tensor]:
    """An activation over x and its derivative by autograd; softmax as the first of three, the others at 0."""
    x = x.clone().requires_grad_()
    if name == "softmax":
        y = activation(name)(torch.stack([x, torch.zeros_like(x), torch.zeros_like(x)], 1))[:, 0]
    else:
        y = activation(name)(x)
    return y.detach(), torch.autograd.grad(y.sum(), x)[0]


def share_of_gradient(name: str, seed: int, layers: int = 20) -> float:
    """The length of the gradient that reaches the first of so many layers, as a share of the last's."""
    torch.manual_seed(seed)
    net = Stack(name, 64, 64, layers)
    first_ND = last_ND = net.bend(net.layers[0](torch.randn(256, 64)))
    for layer in net.layers[1:]:
        last_ND = net.bend(layer(last_ND))
    loss = sparse_categorical_crossentropy(net.last(last_ND), torch.randint(0, 2, (256,)))
    first, last = torch.autograd.grad(loss, (first_ND, last_ND))
    return float(first.norm() / last.norm())


def lesson(seed: int = 0) -> Iterator[Shown]:
    """The curves, what arrives through twenty layers, and what each makes of two spirals."""
    yield """
    Without a bend between them, two linear layers are one linear layer, however large. The **activation** is
    the bend. Two things about it matter: the **function**, which decides what a layer can express, and its
    **derivative**, by which every gradient is multiplied on its way back (see the lesson `backpropagation`).
    Where the derivative is near 0, the activation is **saturated** and nothing is learned through it.
    """
    x = torch.linspace(-4, 4, 161)
    for name, meaning in ACTIVATIONS.items():
        y, slope = curve(name, x)
        yield Figure(
            lines(
                [
                    Line(name, x.numpy(), y.numpy()),
                    Line("derivative", x.numpy(), slope.numpy(), colour=1, dashed=True),
                ],
                x_label="x",
                y_label=f"{name}(x)",
                y_span=(-2.0, 4.0) if float(y.max()) > 1.5 else (-1.1, 1.1),
            ),
            f"{name}: {meaning}.",
        )

    yield """
    Softmax looks at all features of a layer at once, so its picture shows one of three, the other two held at
    0. It belongs at the end, where it makes probabilities; between layers it is a poor bend.

    ## What arrives after twenty layers

    A gradient is multiplied by the derivative in every layer. Twenty layers of 64 neurons start at random,
    and the gradient that reaches the first is compared with that at the last. Then a network of four layers
    with each activation learns the two spirals of the lesson `depth`, for the same number of steps.
    """
    x_N2, spiral_N = spirals(seed, 600)
    unseen_N2, unseen_N = spirals(seed + 1000, 1000)

    def learn(name: str):
        """The share of new points that a network with this activation gets right after training."""
        torch.manual_seed(seed)
        net = Stack(name, 2, 16, 4)
        options = Options(epochs=60, batch_size=100, learning_rate=0.01, weight_decay=0, seed=seed)
        yield from fit(net, {"x": x_N2, "target": spiral_N}, options, loss=sparse_categorical_crossentropy)
        with torch.no_grad():
            return float((net(torch.from_numpy(unseen_N2)).argmax(1).numpy() == unseen_N).mean())

    steepest = {name: float(curve(name, x)[1].abs().max()) for name in ACTIVATIONS}
    arrives = {name: share_of_gradient(name, seed) for name in ACTIVATIONS}
    right = {}
    for name in ACTIVATIONS:
        right[name] = yield from learn(name)
    yield Table(
        ["Activation", "Steepest", "Gradient through 20 layers", "Spirals right"],
        [
            [name, f"{steepest[name]:.2f}", f"{arrives[name]:.1e}", f"{right[name]:.0%}"]
            for name in sorted(ACTIVATIONS, key=lambda each: -arrives[each])
        ],
        caption="Gradient at the first layer as a share of that at the last, before training.",
    )
    best = max(right, key=lambda each: right[each])
    yield f"""
    The **sigmoid** is never steeper than {steepest["sigmoid"]:.2f}, so each layer takes at least three
    quarters of the gradient, and {arrives["sigmoid"]:.0e} of it arrives: it **vanishes**. **relu** passes it
    whole where it is positive and not at all elsewhere, which leaves {arrives["relu"]:.0e}; starting weights
    of twice the variance, which deepfit gives to relu, make up for that. **selu** is scaled so that
    {arrives["selu"]:.1f} arrives. `linear` lets {arrives["linear"]:.1f} through and learns
    {right["linear"]:.0%} of the spirals, because without a bend there is nothing to learn with. {best} did
    best here with {right[best]:.0%}; between gelu, swish and mish the choice seldom matters much.
    """
