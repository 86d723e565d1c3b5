"""Attention: where a Transformer looks, as a map."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

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

LETTERS = "abcdefgh"
DIGITS = "0123456789"
PAIRS = 5
"""Letters with a digit behind each; then comes a question."""


def riddles(rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Texts such as `c7a2h9b2e4?a`: int64 tokens [rows, 12], and the digit behind the letter asked."""
    letters = np.stack([rng.permutation(len(LETTERS))[:PAIRS] for _ in range(rows)])
    digits = rng.integers(0, len(DIGITS), (rows, PAIRS))
    asked = rng.integers(0, PAIRS, rows)
    pairs = np.stack([letters, digits + len(LETTERS)], 2).reshape(rows, -1)
    mark = np.full((rows, 1), len(LETTERS) + len(DIGITS))
    every = np.arange(rows)
    return np.hstack([pairs, mark, letters[every, asked][:, None]]), digits[every, asked]


def text(tokens_T: np.ndarray) -> list[str]:
    """Tokens as signs."""
    return list(np.array([*LETTERS, *DIGITS, "?"])[tokens_T])


def weights(attention: SelfAttention, x_BTD: Tensor) -> Tensor:
    """How much each step looks at each other one: softmax(q k' / sqrt(K)), [B, H, T, T]."""
    q_BHTK, k_BHTK, _ = attention.qkv(x_BTD).unflatten(-1, (3, attention.heads, -1)).permute(2, 0, 3, 1, 4)
    return (q_BHTK @ k_BHTK.transpose(-1, -2) / q_BHTK.shape[-1] ** 0.5).softmax(-1)


def maps(net: TransformerEncoder, tokens_BT: Tensor) -> list[Tensor]:
    """The attention of every layer, [B, H, T, T] each, from a run through the network."""
    found = []
    hooks = [
        block.attention.register_forward_pre_hook(
            lambda module, given: found.append(weights(module, given[0]))
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
    """Attention worked out by hand, then a small Transformer that learns to look something up."""
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
    ## A task that needs looking

    Five letters, each with a digit behind it, then a question mark and one of the letters: which digit stood
    behind it? In `c7a2h9b2e4?a` the answer is 2. The pairs are drawn anew for every text, so nothing can be
    learned by heart: the network has to look. It is deepfit's **Transformer** encoder with two layers; in
    each layer attention is followed by a small network of its own for every step.
    """
    rng = np.random.default_rng(seed)
    tokens_BT, digit_B = riddles(rng, 8000)
    new_BT, new_B = riddles(rng, 1000)
    torch.manual_seed(seed)
    vocabulary = len(LETTERS) + len(DIGITS) + 1
    net = TransformerEncoder(
        vocabulary, width=32, layers=2, heads=2, hidden=64, positions=12, types=0, pooled=False, dropout=0.0
    )
    says = torch.nn.Linear(32, len(DIGITS))
    both = torch.nn.ModuleList([net, says])

    def answer(tokens_BT: Tensor) -> Tensor:
        """Logits of the ten digits, read off the last step."""
        return says(net(tokens_BT)[:, -1])

    def right() -> float:
        """The share of new riddles that are solved."""
        with torch.no_grad():
            return float((answer(torch.from_numpy(new_BT)).argmax(1).numpy() == new_B).mean())

    untrained = maps(net, torch.from_numpy(new_BT))
    history = yield from fit(
        both,
        {"x": tokens_BT, "target": digit_B},
        Options(epochs=20, batch_size=64, learning_rate=0.004, weight_decay=0, seed=seed),
        loss=sparse_categorical_crossentropy,
        forward=lambda batch: answer(batch["x"]),
        score=lambda: {"right": right()},
    )
    solved = [each.scores["right"] for each in history]
    yield Figure(
        lines(
            [Line("new riddles", range(1, len(solved) + 1), solved, marked=True)],
            x_label="epoch",
            y_label="share solved",
        ),
        f"At first it guesses one of the digits that it saw; then it finds out how to look. "
        f"In the end {solved[-1]:.0%} of new riddles are solved.",
    )

    yield """
    ## Where it looks

    A map for each layer and head: each row is a step that looks, each column a step that is looked at, and
    the darker, the more is taken. The last row matters, since the answer is read off there.
    """
    example = 0
    signs = text(new_BT[example])
    trained = maps(net, torch.from_numpy(new_BT))
    for layer, map_BHTT in enumerate(trained):
        for head in range(2):
            yield Figure(
                heat(
                    map_BHTT[example, head].numpy(),
                    rows=signs,
                    columns=signs,
                    x_label="is looked at",
                    y_label="looks",
                ),
                f"Layer {layer + 1}, head {head + 1}. Answer: {DIGITS[new_B[example]]}.",
            )

    def looks_at_answer(layers: list[Tensor]) -> list[float]:
        """For each layer, how much the last step looks at the right digit, in the head that does most."""
        letters_BP = new_BT[:, 0 : 2 * PAIRS : 2]
        place_B = 2 * (letters_BP == new_BT[:, -1:]).argmax(1) + 1
        return [float(each[np.arange(len(new_BT)), :, -1, place_B].amax(1).mean()) for each in layers]

    def looks_back(layers: list[Tensor]) -> list[float]:
        """For each layer, how much the digits look at the letter before them, in the head that does most."""
        steps = np.arange(1, 2 * PAIRS, 2)
        return [float(each[:, :, steps, steps - 1].mean((0, 2)).max()) for each in layers]

    before, after = looks_at_answer(untrained), looks_at_answer(trained)
    back_before, back_after = looks_back(untrained), looks_back(trained)
    yield Table(
        ["Layer", "Digit at its letter, before", "After", "Last step at the answer, before", "After"],
        [
            [
                str(n + 1),
                f"{back_before[n]:.0%}",
                f"{back_after[n]:.0%}",
                f"{before[n]:.0%}",
                f"{after[n]:.0%}",
            ]
            for n in range(2)
        ],
        caption="Share of attention before and after training, mean over 1,000 new riddles, best head.",
    )
    yield f"""
    Nobody told the network how. In the first layer the digits look at the letter before them
    ({back_after[0]:.0%} of their attention), so that each digit knows whose it is. In the second the last
    step, which knows which letter is asked, finds the digit that belongs to it: {after[1]:.0%} of its
    attention goes to the right one of twelve steps. Two layers of looking make one look-up. Large language
    models contain the same pair of heads, found in the same way.
    """
