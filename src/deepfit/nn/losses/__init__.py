"""Losses as sums over items, never means: the engine divides by the global count.

By the names of `deepfit.vocabulary`; which arguments each takes, its own docstring says.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from deepfit.nn.losses.amounts import (
    huber,
    log_cosh,
    mean_absolute_error,
    mean_squared_error,
    poisson,
    quantile,
)
from deepfit.nn.losses.classes import (
    balanced,
    binary_crossentropy,
    categorical_crossentropy,
    categorical_hinge,
    focal,
    hinge,
    sparse_categorical_crossentropy,
)
from deepfit.nn.losses.embeddings import contrastive, cosent, in_batch_contrastive, triplet
from deepfit.nn.losses.members import log_mean_softmax, over_members
from deepfit.nn.losses.sequences import ctc

LOSSES: dict[str, Callable[..., Tensor]] = {
    "binary_crossentropy": binary_crossentropy,
    "categorical_crossentropy": categorical_crossentropy,
    "sparse_categorical_crossentropy": sparse_categorical_crossentropy,
    "categorical_hinge": categorical_hinge,
    "hinge": hinge,
    "mean_squared_error": mean_squared_error,
    "mean_absolute_error": mean_absolute_error,
    "huber": huber,
    "log_cosh": log_cosh,
    "quantile": quantile,
    "poisson": poisson,
    "focal": focal,
    "ctc": ctc,
    "contrastive": contrastive,
    "in_batch_contrastive": in_batch_contrastive,
    "cosent": cosent,
    "triplet": triplet,
}

__all__ = [
    "LOSSES",
    "balanced",
    "binary_crossentropy",
    "categorical_crossentropy",
    "categorical_hinge",
    "contrastive",
    "cosent",
    "ctc",
    "focal",
    "hinge",
    "huber",
    "in_batch_contrastive",
    "log_cosh",
    "log_mean_softmax",
    "mean_absolute_error",
    "mean_squared_error",
    "over_members",
    "poisson",
    "quantile",
    "sparse_categorical_crossentropy",
    "triplet",
]
