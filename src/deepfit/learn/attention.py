"""Attention: where a Transformer looks, as a map."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from deepfit.learn.recurrence import gradient_over_steps as recurrent_gradient
from deepfit.learn.training import fit
from deepfit.learn.walk import Shown
from deepfit.nn.attention import SelfAttention, attend
from deepfit.nn.losses import sparse_categorical_crossentropy
from deepfit.nn.nets.transformer_encoder import TransformerEncoder
from deepfit.options import Options
from deepfit.report.charts import Line, lines
from deepfit.report.maps import heat
from deepfit.report.view import Figure, Table

# B sequences, T steps, H heads, D width, K = D / H

LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz"))
STEPS = 12
"""Letters of a word."""


def gradient_over_steps(steps: int, *, seed: int, width: int = 64) -> Tensor:
    """How strongly the last output of an untrained layer of attention depends on each step, [T]."""
    torch.manual_seed(seed)
    attention = SelfAttention(width, 4).double()
    x_BTD = torch.randn(32, steps, width, dtype=torch.float64, requires_grad=True)
    said = (attention(x_BTD)[:, -1] @ torch.randn(width, dtype=torch.float64)).sum()
    return torch.autograd.grad(said, x_BTD)[0].norm(dim=2).mean(0)


def weights(attention: SelfAttention, x_BTD: Tensor) -> Tensor:
    """How much each step looks at each other one: softmax(q k' / sqrt(K)), [B, H, T, T]."""
    q_BHTK, k_BHTK, _ = attention.qkv(x_BTD).unflatten(-1, (3, attention.heads, -1)).permute(2, 0, 3, 1, 4)
    return (q_BHTK @ k_BHTK.transpose(-1, -2) / q_BHTK.shape[-1] ** 0.5).softmax(-1)


def maps(net: TransformerEncoder, tokens_BT: Tensor) -> list[Tensor]:
    """The attention of every layer, [B, H, T, T] each, from a run through the network."""
    found = []
    hooks = [
        block.get_submodule("attention").register_forward_pre_hook(
            lambda module, given: found.append(weights(cast(SelfAttention, module), given[0]))
        )
        for block in net.blocks
    ]
    net.eval()
    with torch.no_grad():
        net(tokens_BT)
    for hook in hooks:
        hook.remove()
    return found


def lesson(seed: int = 0) -> Iterator[Shown]:
    """Attention worked out by hand, then a small Transformer that learns where to look."""
    yield """
    In a recurrent network everything about the past has to squeeze through the state. **Attention** lets each
    step look at every other one directly. Each step makes three vectors: a **query** (what do I look for?), a
    **key** (what am I?) and a **value** (what do I have to say?). How well a query fits each key, made to add
    up to 1 by softmax, says how much of each value is taken: `softmax(q k' / sqrt(K)) v`.
    """
    key_SK = torch.tensor([[4.0, 0.0], [0.0, 4.0], [4.0, 4.0]])
    value_SK = torch.tensor([[10.0, 0.0], [20.0, 0.0], [30.0, 0.0]])
    query_K = torch.tensor([3.0, 0.0])
    fits_S = key_SK @ query_K / 2**0.5
    share_S = fits_S.exp() / fits_S.exp().sum()
    by_hand = share_S @ value_SK
    ours = attend(query_K[None, None, None], key_SK[None, None], value_SK[None, None])[0, 0, 0]
    yield Table(
        ["Step", "Key", "Query times key / sqrt(2)", "Share", "Value"],
        [
            [
                str(s + 1),
                str(key_SK[s].tolist()),
                f"{fits_S[s]:.2f}",
                f"{share_S[s]:.3f}",
                f"{value_SK[s, 0]:g}",
            ]
            for s in range(3)
        ],
        words=2,
        caption=f"The query (3, 0) gets {by_hand[0]:.2f}; deepfit's attend() gives {ours[0]:.2f}.",
    )

    yield """
    ## Every step is one step away

    In the lesson `recurrence` the gradient had to pass through every step between. Here it does not. Measured
    as there, over 100 steps of noise and before any training: the last output depends on what was read long
    ago as much as on what was read just now.
    """
    reach = {
        "attention": gradient_over_steps(100, seed=seed),
        "LSTM": recurrent_gradient("LSTM", 100, seed=seed),
        "RNN": recurrent_gradient("RNN", 100, seed=seed),
    }
    yield Figure(
        lines(
            [
                Line(kind, range(99, -1, -1), (each / each[-1]).numpy(), colour=place)
                for place, (kind, each) in enumerate(reach.items())
            ],
            x_label="steps back from the end",
            y_label="gradient, as a share of the last step's",
            log_y=True,
        ),
        "Attention is level from one end to the other, apart from the last step itself.",
    )

    yield f"""
    ## A task that needs looking

    Write a word of {STEPS} random letters backwards. No letter can be guessed, each has to be fetched from
    the mirror place. The network is deepfit's **Transformer** encoder with one layer and one head: each step
    knows its letter and its place, looks at all steps, and names a letter.
    """
    rng = np.random.default_rng(seed)
    words_BT, new_BT = (rng.integers(0, len(LETTERS), (rows, STEPS)) for rows in (2000, 500))
    torch.manual_seed(seed)
    net = TransformerEncoder(
        len(LETTERS),
        width=32,
        layers=1,
        heads=1,
        hidden=64,
        positions=STEPS,
        types=0,
        pooled=False,
        dropout=0.0,
    )
    names = nn.Linear(32, len(LETTERS))
    both = nn.ModuleList([net, names])

    def answer(tokens_BT: Tensor) -> Tensor:
        """Logits of the letters at each step."""
        return names(net(tokens_BT))

    def share_right() -> float:
        """The share of letters of new words that are right."""
        with torch.no_grad():
            return float((answer(torch.from_numpy(new_BT)).argmax(2).numpy() == new_BT[:, ::-1]).mean())

    [untrained_B1TT] = maps(net, torch.from_numpy(new_BT))
    history = yield from fit(
        both,
        {"x": words_BT, "target": words_BT[:, ::-1].copy()},
        Options(epochs=8, batch_size=64, learning_rate=0.01, weight_decay=0, seed=seed),
        loss=lambda logits, target: (
            sparse_categorical_crossentropy(logits.flatten(0, 1), target.flatten()) / STEPS
        ),
        forward=lambda batch: answer(batch["x"]),
        score=lambda: {"right": share_right()},
    )
    right = [each.scores["right"] for each in history]
    yield Figure(
        lines(
            [Line("new words", range(1, len(right) + 1), right, marked=True)],
            x_label="epoch",
            y_label="share of letters right",
            whole=True,
        ),
        f"In the end {right[-1]:.0%} of the letters of 500 new words are right; guessing gets 4 %.",
    )

    yield """
    ## Where it looks

    A map of attention: each row is a step that looks, each column a step that is looked at, and the stronger
    the colour, the more is taken from there. On the left before training, on the right after it.
    """
    [trained_B1TT] = maps(net, torch.from_numpy(new_BT))
    signs = LETTERS[new_BT[0]].tolist()
    written = "".join(LETTERS[answer(torch.from_numpy(new_BT[:1])).argmax(2)[0].numpy()])
    for when, map_B1TT in (("Before training", untrained_B1TT), ("After training", trained_B1TT)):
        yield Figure(
            heat(
                map_B1TT[0, 0].numpy(),
                rows=signs,
                columns=signs,
                x_label="is looked at",
                y_label="looks",
                most=1.0,
            ),
            f"{when}, on the word {''.join(signs)}.",
        )

    def at_the_mirror(map_B1TT: Tensor) -> float:
        """How much of its attention a step gives to the mirror step, mean over steps and words."""
        return float(map_B1TT.flip(-1).diagonal(dim1=-2, dim2=-1).mean())

    before, after = at_the_mirror(untrained_B1TT), at_the_mirror(trained_B1TT)
    yield Table(
        ["Attention", "Before training", "After training"],
        [
            ["to the mirror step", f"{before:.0%}", f"{after:.0%}"],
            ["to the eleven others together", f"{1 - before:.0%}", f"{1 - after:.0%}"],
        ],
        caption="Mean over all steps of 500 new words.",
    )
    yield f"""
    The network writes {written} for {"".join(signs)}. Nobody told it where to look: before training each step
    looks at all others alike ({before:.0%} is one in twelve), afterwards it gives {after:.0%} of its
    attention to the one step that has what it needs. In a large language model many such maps work side by
    side and one upon the other. Some look at the word before, some at the subject of a verb, and they were
    all found in this way.
    """
