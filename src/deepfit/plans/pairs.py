"""Learning from pairs of texts: a siamese encoder, one phase, a loss that looks across the batch.

Source of the siamese encoder: Reimers and Gurevych 2019, arXiv 1908.10084, section 3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from deepfit.contract import Batch, Facts, Phase, Run, Splits
from deepfit.data.batches import num_rows
from deepfit.data.ragged import Ragged
from deepfit.data.text_ids import beginnings
from deepfit.nn.losses import cosent, in_batch_contrastive, mean_squared_error
from deepfit.nn.nets.word_average import WordAverage
from deepfit.options import USUAL
from deepfit.plans.supervised import supervised
from deepfit.plans.text_vectors import load_base, of_tokens

RATES = {"word_average": 2e-3, "transformer_encoder": 5e-4, "base": 5e-5}
"""Learning rates that suit the networks."""
TOKENS_SEEN = {"word_average": 12_000_000, "transformer_encoder": 20_000_000, "base": 600_000}
"""Tokens that training sees, repeats included, where no number of epochs is given."""
MOST_EPOCHS = {"word_average": 60, "transformer_encoder": 60, "base": 4}
PAIRS_A_STEP = {"word_average": 256, "transformer_encoder": 128, "base": 64}
"""More pairs in a batch are more negatives; a pretrained encoder needs fewer, and takes longer."""

Found = Sequence[Tensor]
"""The vectors of the first texts, the second ones and, where there are any, the third ones: each BD."""


def settle(options: Any, rows: int, tokens: int) -> Any:
    """The options with numbers in place of the zeros that leave a choice to us.

    For so many training rows, whose texts have so many tokens.
    """
    kind = kind_of(options)
    rate = RATES[kind] * USUAL[options.optimizer].rate
    return options.model_copy(
        update={
            "epochs": options.epochs or min(MOST_EPOCHS[kind], max(1, round(TOKENS_SEEN[kind] / tokens))),
            "batch_size": options.batch_size or min(PAIRS_A_STEP[kind], max(16, rows // 8)),
            "learning_rate": options.learning_rate or rate,
        }
    )


def kind_of(options: Any) -> str:
    """The network by which defaults are chosen: "base" for a published one."""
    return "base" if options.base else "word_average" if options.network == "auto" else options.network


def plan(
    net: nn.Module,
    data: Splits[Batch],
    options: Any,
    facts: Facts,
    run: Run,
    *,
    score: Callable[[], Mapping[str, float]],
    best: str,
) -> Iterator[Phase]:
    """One phase of supervised learning from the beginnings of texts, with the loss that facts name."""
    names = [name for name in ("first", "second", "negative") if name in data.train]
    if options.base:
        load_base(net, options.base)
    if isinstance(net, WordAverage):
        net.weigh(*texts_with(data.train, ("first", "second"), facts["num_tokens"]))
    short = {name: beginnings(data.train[name], facts) for name in names}
    tokens = sum(int(texts.lengths.sum()) for texts in short.values())
    each = [of_tokens(net, name) for name in names]
    yield from supervised(
        net,
        Splits({**data.train, **short}, data.valid, data.test),
        settle(options, num_rows(data.train), max(tokens, 1)),
        run,
        forward=lambda batch: [forward(batch) for forward in each],  # pyright: ignore[reportArgumentType]
        loss=LOSSES[facts["loss"]](options, run),  # pyright: ignore[reportArgumentType]
        score=score,
        best=best,
        by=names,
        coupled=facts["loss"] != "mean_squared_error",
    )


def texts_with(batch: Batch, names: Sequence[str], num_tokens: int) -> tuple[Tensor, int]:
    """How many texts hold each token, and how many texts there are."""
    counts = np.zeros(num_tokens, np.int64)
    for name in names:
        ids: Ragged = batch[name]
        rows = np.repeat(np.arange(len(ids)), ids.lengths)
        inside = ids.values[ids.starts[0] : ids.starts[-1]].astype(np.int64)
        counts += np.bincount(np.unique(rows * num_tokens + inside) % num_tokens, minlength=num_tokens)
    return torch.from_numpy(counts), sum(len(batch[name]) for name in names)


def partners(options: Any, run: Run) -> Callable[[Found, Batch], Tensor]:
    """Each first text finds its second among all of the batch, third texts included, and the other way."""

    def loss(found: Found, batch: Batch) -> Tensor:
        first_BD, second_BD = found[0], found[1]
        all_first_ND, all_second_ND = run.gather(first_BD), run.gather(second_BD)
        keys = [run.gather(batch[name]) for name in ("first_key", "second_key")]
        own = run.share(torch.arange(len(all_first_ND), device=first_BD.device))
        apart_BN = (batch["first_key"][:, None] != keys[0]) & (batch["second_key"][:, None] != keys[1])
        candidates_MD, apart_BM = all_second_ND, apart_BN & (batch["first_key"][:, None] != keys[1])
        if len(found) > 2:
            more_ND = run.gather(found[2])
            candidates_MD = torch.cat([candidates_MD, more_ND])
            apart_BM = torch.cat([apart_BM, apart_BM.new_ones(len(apart_BM), len(more_ND))], 1)
        how = {"temperature": options.temperature, "partner_N": own}
        there = in_batch_contrastive(first_BD, candidates_MD, apart_NM=apart_BM, **how)
        apart_back_BN = apart_BN & (batch["second_key"][:, None] != keys[0])
        back = in_batch_contrastive(second_BD, all_first_ND, apart_NM=apart_back_BN, **how)
        return (there + back) / 2

    return loss


def order(options: Any, run: Run) -> Callable[[Found, Batch], Tensor]:
    """Pairs that are rated higher get the higher cosine."""

    def loss(found: Found, batch: Batch) -> Tensor:
        cosines_B = functional.cosine_similarity(found[0], found[1])
        ratings_B = batch["target"]
        return cosent(cosines_B, ratings_B, run.gather(cosines_B), run.gather(ratings_B))

    return loss


def size(options: Any, run: Run) -> Callable[[Found, Batch], Tensor]:
    """The cosine is the rating, as a share of its range."""

    def loss(found: Found, batch: Batch) -> Tensor:
        return mean_squared_error(functional.cosine_similarity(found[0], found[1]), batch["target"])

    return loss


LOSSES: dict[str, Callable[[Any, Run], Callable[[Found, Batch], Tensor]]] = {
    "in_batch_contrastive": partners,
    "cosent": order,
    "mean_squared_error": size,
}
