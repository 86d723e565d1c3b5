"""Every loss as a curve, and what a network that minimises it therefore predicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from deepfit.learn.samples import houses
from deepfit.learn.training import fit
from deepfit.learn.walk import Shown
from deepfit.nn.losses import LOSSES
from deepfit.options import Options
from deepfit.report.charts import Line, columns, lines
from deepfit.report.view import Figure, Table
from deepfit.vocabulary import LOSSES as MEANINGS

# N points of a curve


def curve(loss: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """A loss over x: at each point the loss of that one example."""
    return torch.stack([loss(each[None]) for each in x])


def slope(loss: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Its derivative by x, by autograd."""
    x = x.clone().requires_grad_()
    return torch.autograd.grad(loss(x), x)[0]


def two(z_N: Tensor) -> Tensor:
    """Logits of two classes, the second ahead by z: [N, 2]."""
    return torch.stack([torch.zeros_like(z_N), z_N], 1)


def second(z_N: Tensor) -> Tensor:
    """The second class is the true one, every time."""
    return torch.ones(len(z_N), dtype=torch.int64)


def line_of(x_N: Tensor) -> Tensor:
    """Embeddings of one number: [N, 1]."""
    return x_N[:, None]


def lesson(seed: int = 0) -> Iterator[Shown]:
    """Losses of numbers, of classes, of embeddings and of alignments; then six of them on house prices."""
    yield """
    The **loss** says how bad an answer is, and training makes it small; so the loss decides what the network
    will answer. Each picture shows a loss for a single example, and its **slope**, which is the force with
    which the example pulls at the network.

    ## Numbers

    How far is the prediction from the truth? Squares punish far misses most, so a few wild values can rule
    the training; the absolute value pulls equally hard at any distance. **Huber** and **log_cosh** are square
    near zero and straight far away. The **quantile** loss is lopsided on purpose.
    """
    truth = torch.zeros(1)
    difference = torch.linspace(-4, 4, 161)
    numbers = {
        "mean_squared_error": lambda z: LOSSES["mean_squared_error"](z, truth),
        "mean_absolute_error": lambda z: LOSSES["mean_absolute_error"](z, truth),
        "huber": lambda z: LOSSES["huber"](z, truth),
        "log_cosh": lambda z: LOSSES["log_cosh"](z, truth),
        "quantile": lambda z: LOSSES["quantile"](z, truth, share=0.9),
        "poisson": lambda z: LOSSES["poisson"](z, truth + 3),
    }

    def picture(name: str, loss: Callable[[Tensor], Tensor], x: Tensor, x_label: str) -> Figure:
        """A loss and its slope."""
        y = curve(loss, x)
        slopes = torch.cat([slope(loss, each[None]) for each in x])
        both = [
            Line(name, x.numpy(), y.numpy()),
            Line("slope", x.numpy(), slopes.numpy(), colour=1, dashed=True),
        ]
        return Figure(
            lines(both, x_label=x_label, y_label="loss", y_span=(-1.6, 5.0)),
            f"{name}: {MEANINGS[name].summary}.",
        )

    for name, loss in numbers.items():
        label = "logarithm of the predicted rate, truth 3" if name == "poisson" else "predicted less true"
        yield picture(name, loss, difference, label)

    yield """
    ## Classes

    A network says **logits**; softmax or sigmoid makes them probabilities. Over the **margin**, by how much
    the true class is ahead, **cross-entropy** is minus the logarithm of the probability of the truth: sure
    and wrong is expensive, and right is never quite right enough. **hinge** is content once the margin is 1,
    and **focal** looks away from examples that are already easy.
    """
    ones = torch.ones(1)
    classes = {
        "binary_crossentropy": lambda z: LOSSES["binary_crossentropy"](z, ones),
        "categorical_crossentropy": lambda z: LOSSES["categorical_crossentropy"](
            two(z), torch.tensor([[0.0, 1.0]])
        ),
        "sparse_categorical_crossentropy": lambda z: LOSSES["sparse_categorical_crossentropy"](
            two(z), second(z)
        ),
        "focal": lambda z: LOSSES["focal"](two(z), second(z)),
        "hinge": lambda z: LOSSES["hinge"](z, second(z)),
        "categorical_hinge": lambda z: LOSSES["categorical_hinge"](two(z), second(z)),
    }
    for name, loss in classes.items():
        yield picture(name, loss, difference, "margin of the true class")
    equal = float(
        (
            curve(classes["binary_crossentropy"], difference)
            - curve(classes["categorical_crossentropy"], difference)
        )
        .abs()
        .max()
    )

    yield f"""
    For two classes the three cross-entropies are the same curve (they differ by {equal:.0e}); they only take
    the target in another form: 0 or 1, a share for each class, or the number of the class.

    ## Embeddings and alignments

    Some networks give no answer but a place, an **embedding**, and what counts is who is near whom.
    **contrastive** looks at pairs, **triplet** at an example, one like it and one unlike it,
    **in_batch_contrastive** at an example among all partners of its batch, of which one is its own, and
    **cosent** at which of two pairs people rated higher. **ctc** reads a long sequence, such as sound,
    against a short one, such as letters, without being told which belongs where: it adds up the probability
    of all ways to lay the one along the other.
    """
    distance = torch.linspace(0.01, 3, 120)
    near = {
        "alike": lambda d: LOSSES["contrastive"](line_of(d), line_of(0 * d), torch.ones(1)),
        "different": lambda d: LOSSES["contrastive"](line_of(d), line_of(0 * d), torch.zeros(1)),
    }
    yield Figure(
        lines(
            [
                Line(name, distance.numpy(), curve(loss, distance).numpy(), colour=place)
                for place, (name, loss) in enumerate(near.items())
            ],
            x_label="distance of the pair",
            y_label="loss",
        ),
        f"contrastive: {MEANINGS['contrastive'].summary}. Beyond the margin of 1 they are far enough.",
    )
    triple = lambda d: LOSSES["triplet"](line_of(0 * d), line_of(0 * d + 1), line_of(d))  # noqa: E731 (one expression)
    yield Figure(
        lines(
            [Line("triplet", distance.numpy(), curve(triple, distance).numpy())],
            x_label="distance to the unlike one (to the like one it is 1)",
            y_label="loss",
        ),
        f"triplet: {MEANINGS['triplet'].summary}.",
    )

    cosine = torch.linspace(-1, 1, 120)

    def own(cosine_N: Tensor) -> Tensor:
        """A partner at this cosine, beside one that is no partner at a right angle."""
        sine_N = (1 - cosine_N.square()).clamp(min=1e-6).sqrt()
        second_MD = torch.stack([torch.cat([cosine_N, sine_N]), torch.tensor([0.0, 1.0])])
        return LOSSES["in_batch_contrastive"](torch.tensor([[1.0, 0.0]]), second_MD)

    def higher(ahead_N: Tensor) -> Tensor:
        """Two pairs; the one rated higher is ahead by so much in cosine."""
        low_N, ratings_M = torch.zeros(1), torch.tensor([0.0, 1.0])
        return LOSSES["cosent"](low_N, ratings_M[:1], torch.cat([low_N, ahead_N]), ratings_M)

    for name, loss, label in (
        ("in_batch_contrastive", own, "cosine to the partner (to the other one it is 0)"),
        ("cosent", higher, "cosine of the pair rated higher, less that of the other pair"),
    ):
        yield Figure(
            lines([Line(name, cosine.numpy(), curve(loss, cosine).numpy())], x_label=label, y_label="loss"),
            f"{name}: {MEANINGS[name].summary}.",
        )

    def aligned(z_N: Tensor) -> Tensor:
        """Six steps that each favour letter a by z over b and the blank; the text is the single letter a."""
        logits_NTC = torch.stack([torch.zeros_like(z_N), z_N, torch.zeros_like(z_N)], 1)[:, None].expand(
            -1, 6, -1
        )
        one = torch.ones(len(z_N), dtype=torch.int64)
        return LOSSES["ctc"](logits_NTC, one[:, None], 6 * one, one)

    yield Figure(
        lines(
            [Line("ctc", difference.numpy(), curve(aligned, difference).numpy())],
            x_label="logit of letter a at each of six steps",
            y_label="loss",
        ),
        f"ctc: {MEANINGS['ctc'].summary}. Six times a reads as one a, so the loss falls towards 0.",
    )

    yield """
    ## What each loss predicts

    Let a network know nothing at all: it has one weight and must give the same answer for every house. Which
    price does it settle on? That depends on the loss alone.
    """
    price_N = houses("Sale_Price")[:, 0] / 100_000

    class Same(nn.Module):
        """One number, whatever the input."""

        def __init__(self) -> None:
            super().__init__()
            self.answer = nn.Parameter(torch.ones(()))

        def forward(self, x_N1: Tensor) -> Tensor:
            """[N, 1] -> [N]."""
            return self.answer.expand(len(x_N1))

    def settle(loss: Callable[[Tensor, Tensor], Tensor]):
        """The answer that minimises a loss over all houses, found by training."""
        net = Same()
        options = Options(
            epochs=60, batch_size=256, optimizer="adam", learning_rate=0.05, weight_decay=0, seed=seed
        )
        yield from fit(net, {"x": price_N[:, None], "target": price_N}, options, loss=loss)
        return net.answer.item()

    wanted = {
        "mean_squared_error": ("mean", price_N.mean()),
        "mean_absolute_error": ("median", np.median(price_N)),
        "huber": ("between them", None),
        "log_cosh": ("between them", None),
        "quantile, share 0.9": ("90 % lie below", np.quantile(price_N, 0.9)),
        "poisson": ("mean, as a logarithm", price_N.mean()),
    }
    found = {}
    for name in wanted:
        loss = LOSSES[name.partition(",")[0]]
        chosen = (lambda z, y: LOSSES["quantile"](z, y, share=0.9)) if "quantile" in name else loss
        answer = yield from settle(chosen)
        found[name] = float(np.exp(answer)) if name == "poisson" else answer
    yield Table(
        ["Loss", "Answer in dollars", "Which is", "Worked out from the prices"],
        [
            [name, f"{found[name] * 100_000:,.0f}", what, "" if exact is None else f"{exact * 100_000:,.0f}"]
            for name, (what, exact) in wanted.items()
        ],
        caption=f"One answer for {len(price_N):,} houses, found by minimising each loss.",
    )
    counts, edges = np.histogram(price_N * 100, bins=40)
    yield Figure(
        columns(edges, counts, x_label="price in thousand dollars", y_label="houses"),
        "The prices lean to the right.",
    )
    mean, median = found["mean_squared_error"], found["mean_absolute_error"]
    yield f"""
    A few dear houses pull the mean {100_000 * (mean - median):,.0f} dollars above the median, and with it the
    answer of the squared error. A real network does the same for every kind of house: with the squared error
    it predicts the mean of houses like this one, with the absolute error their median, with the quantile loss
    a price that nine in ten stay below. Choose the loss by the answer that you need.
    """
