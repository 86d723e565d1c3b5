"""The loss that options name, as tasks of classes and of amounts use it: in training and to choose the epoch.

Where the epoch is chosen by the loss itself, its value on validation rows is that of the answers as they will
be given: of the members' joint answer, without label smoothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from deepfit.nn import losses
from deepfit.options import CROSSENTROPIES
from deepfit.vocabulary import LOSSES

# N rows, K members, C classes

Objective = Callable[[Tensor, Tensor], Tensor]
"""Outputs and targets of the same rows -> a scalar sum over them."""

HINGES = ("hinge", "categorical_hinge")


def of_classes(options: Any, target: np.ndarray, num_classes: int) -> Objective:
    """The loss of logits [N, C] and class numbers [N] that `loss` names, with its weights and parameters.

    target: the class numbers of all training rows, which the balanced weights count. With two classes a
    network still has two logits; binary_crossentropy and hinge look at their difference.
    """
    settings: dict[str, Any] = {}
    if options.class_weight == "balanced":
        settings["class_weights_C"] = losses.balanced(np.bincount(target, minlength=num_classes).tolist())
    if options.loss in CROSSENTROPIES:
        settings["label_smoothing"] = options.label_smoothing
    if options.loss == "focal":
        settings["gamma"] = options.focal_gamma
    loss = losses.LOSSES[options.loss]

    def objective(logits_NC: Tensor, target_N: Tensor) -> Tensor:
        given = settings
        if "class_weights_C" in settings:
            given = {**settings, "class_weights_C": settings["class_weights_C"].to(logits_NC.device)}
        if LOSSES[options.loss].use == "two classes":
            return loss(logits_NC[:, 1] - logits_NC[:, 0], target_N, **given)
        if options.loss == "categorical_crossentropy":
            return loss(logits_NC, functional.one_hot(target_N, num_classes), **given)
        return loss(logits_NC, target_N, **given)

    return objective


def of_amounts(options: Any) -> Objective:
    """The loss of outputs [N] and encoded targets [N] that `loss` names, with its parameter."""
    loss = losses.LOSSES[options.loss]
    settings = {"huber": {"delta": options.huber_delta}, "quantile": {"share": options.quantile}}
    return partial(loss, **settings[options.loss]) if options.loss in settings else loss


def mean_of(objective: Objective, outputs: np.ndarray, target: np.ndarray) -> float:
    """The loss per row of answers as NumPy has them; NaN where there are no rows."""
    if not len(target):
        return float("nan")
    return float(objective(torch.from_numpy(outputs), torch.from_numpy(target))) / len(target)


def joined(options: Any) -> Callable[[Tensor], Tensor]:
    """How members' logits [N, K, C] become one answer's [N, C].

    The logarithm of their mean probability, or where a hinge loss made them margins, not logarithms of
    anything, their mean.
    """
    return mean_logits if options.loss in HINGES else losses.log_mean_softmax


def mean_logits(logits_NKC: Tensor) -> Tensor:
    """The members' mean, [N, C]."""
    return logits_NKC.mean(1)
