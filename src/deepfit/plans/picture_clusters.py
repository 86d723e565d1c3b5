"""Codes of pictures for `plans.clusters`: random views in training, and how well a code tells its picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from deepfit.contract import Batch, Facts
from deepfit.nn.augment import standardise
from deepfit.nn.picture_autoencoder import PictureAutoencoder
from deepfit.nn.picture_views import Views, viewed
from deepfit.plans.clusters import Codes
from deepfit.plans.foresight import foresee

# B batch, D width of codes

PIXELS_AT_ONCE = 1 << 21
"""Numbers of pictures, channels counted, that a network answers for together."""


def rows_at_once(facts: Facts) -> int:
    """Pictures that the network answers for together."""
    return max(1, PIXELS_AT_ONCE // (int(np.prod(facts["size"])) * facts["channels"]))


def standard(batch: Batch, facts: Facts) -> Tensor:
    """Pictures BCHW with mean 0 and deviation 1 over those of training."""
    moments = {name: [255 * value for value in facts[name]] for name in ("mean", "std")}
    return standardise(batch["images"], **moments)


def codes(net: PictureAutoencoder, facts: Facts, options: Any) -> Codes:
    """Codes of pictures; in training of a random view of each."""
    how = Views(
        shift=options.shift,
        zoom=options.zoom,
        turn=options.turn,
        flip=facts["flip"],
        colour=options.colour,
    )

    def of(batch: Batch) -> Tensor:
        x_BCHW = standard(batch, facts)
        return net(viewed(x_BCHW, torch.default_generator, how=how) if net.training else x_BCHW)

    return of


def errors(net: PictureAutoencoder, facts: Facts) -> Callable[[Tensor, Batch], Tensor]:
    """How badly pictures are drawn from their codes, B: the pictures themselves are asked for, not views."""
    return lambda codes_BD, batch: net.errors(codes_BD, standard(batch, facts))


def foreseen(
    net: PictureAutoencoder, says: Callable[[Tensor], Tensor], batch: Batch, facts: Facts
) -> np.ndarray:
    """What the network, or a part of it, says of pictures."""
    return foresee(net, batch, lambda part: says(standard(part, facts)), rows_at_once=rows_at_once(facts))
