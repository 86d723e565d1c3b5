"""Clusters of texts: points by shared words or by a published encoder, made once, then as of a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deepfit.contract import Batch, Facts, Phase, Run, Splits
from deepfit.data import latent_semantics
from deepfit.nn.text_clusters import TextAutoencoder, WordAxes
from deepfit.plans import clusters, text_vectors
from deepfit.plans.clusters import Codes
from deepfit.plans.foresight import foresee

# B batch, P numbers of a point, D width of codes

NOISE, HIDDEN = 0.5, 0.1
"""Deviation of the noise on stretched points, whose numbers have a size of about 1; share that is hidden."""


def network(options: Any, facts: Facts) -> TextAutoencoder:
    """The network that the facts describe; `plan` fills its reader."""
    return TextAutoencoder(
        reader(facts),
        facts["width"],
        code=options.code,
        slots=options.slots,
        widths=(options.width, options.width),
        activation="relu" if options.activation == "auto" else options.activation,
    )


def reader(facts: Facts) -> nn.Module:
    """What makes points of texts, empty as yet: word axes where facts hold words, else an encoder."""
    if "words" in facts:
        return WordAxes(len(facts["words"]), facts["width"])
    return text_vectors.network("", facts)


def learn_reader(found: nn.Module, train: Batch, facts: Facts, *, base: str | None, seed: int) -> None:
    """Fill what makes the points: the axes of the training texts, or the published weights of a folder."""
    if isinstance(found, WordAxes):
        counts = latent_semantics.weighted(train, len(facts["words"]))
        axes = latent_semantics.learn_axes(counts, facts["width"], seed=seed)
        found.axes_VP.copy_(torch.from_numpy(axes))
    elif base is not None:
        text_vectors.load_base(found, base)


def points(found: nn.Module, batch: Batch, facts: Facts) -> np.ndarray:
    """Each text as a point of length 1, float32 [texts, width]; zero for a text of which no word is known.

    found: a reader that has learned; of a text of several windows the mean of theirs.
    """
    if isinstance(found, WordAxes):
        counts = latent_semantics.weighted(batch, len(facts["words"]))
        return latent_semantics.points(counts, found.axes_VP.cpu().numpy())
    return text_vectors.unit(text_vectors.vectors(found, batch["tokens"], facts))


def plan(net: TextAutoencoder, data: Splits[Batch], facts: Facts, options: Any, run: Run) -> Iterator[Phase]:
    """The points of all texts, then pretraining, k-means among the codes and refinement."""
    learn_reader(net.reader, data.train, facts, base=options.base, seed=options.seed)
    train, valid = ({"points": points(net.reader, part, facts)} for part in (data.train, data.valid))
    yield from clusters.plan(
        net,
        Splits(train, valid),
        options,
        run,
        codes=codes(net),
        errors=lambda codes_BD, batch: net.errors(codes_BD, batch["points"]),
        points=train["points"],
    )


def codes(net: TextAutoencoder) -> Codes:
    """Codes of points; in training with noise on them, and numbers hidden at random."""

    def of_points(batch: Batch) -> Tensor:
        points_BP = batch["points"]
        if net.training:
            points_BP = points_BP + NOISE / net.stretch * torch.randn_like(points_BP)
            points_BP = points_BP * (torch.rand_like(points_BP) >= HIDDEN)
        return net(points_BP)

    return of_points


def outputs(net: TextAutoencoder, batch: Batch, facts: Facts) -> dict[str, np.ndarray]:
    """`belongs` float32 [texts, clusters]."""
    return clusters.outputs(net, {"points": points(net.reader, batch, facts)}, codes(net))


def found_codes(net: TextAutoencoder, batch: Batch, facts: Facts) -> np.ndarray:
    """The codes of encoded texts, float32 [texts, code]."""
    return foresee(net, {"points": points(net.reader, batch, facts)}, codes(net))
