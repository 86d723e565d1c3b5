"""Losses of classes, from logits: what a network says before any softmax or sigmoid.

class_weights_C: how much an item of each class counts; `balanced` gives every class the same say. They weigh
the sum and leave the count alone, so weights that are 1 on average keep the size of a step. Label smoothing
is defined where targets are shares, that is for the cross-entropies.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from deepfit.nn.losses.members import wide

# N items, C classes

IGNORED = -100
"""The target of an item that is left out: padding, an unlabelled pixel."""


def balanced(class_rows: Sequence[int]) -> Tensor:
    """Weights that give every class the same say, [C]: rows / (classes * rows of the class), 1 on average.

    A class without rows gets 0. Source: King and Zeng 2001, Political Analysis 9(2); as in scikit-learn.
    """
    rows_C = torch.tensor(class_rows, dtype=torch.float32)
    present = rows_C > 0
    return torch.where(present, rows_C.sum() / (present.sum() * rows_C.clamp(min=1)), 0.0)


def binary_crossentropy(
    logits_N: Tensor,
    target_N: Tensor,
    *,
    class_weights_C: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """sum_n w_n (log(1 + exp(z_n)) - y_n z_n), in nats: -log sigmoid(z) for class 1, -log sigmoid(-z) for 0.

    target: 0 or 1, or a share between them, of any shape that logits share. class_weights_C [2]: w_n = y w_1
    + (1 - y) w_0. label_smoothing e: y becomes (1 - e) y + e / 2. Returns a scalar. From logits, so a sure
    and wrong answer costs |z|, not infinity; with two logits an item, z is their difference. Source: Good
    1952, JRSS B 14(1).
    """
    logits_N = wide(logits_N)
    target_N = target_N.to(logits_N.dtype)
    weights_N = None
    if class_weights_C is not None:
        low, high = class_weights_C.to(logits_N).unbind()
        weights_N = target_N * high + (1 - target_N) * low
    if label_smoothing:
        target_N = (1 - label_smoothing) * target_N + label_smoothing / 2
    return functional.binary_cross_entropy_with_logits(logits_N, target_N, weights_N, reduction="sum")


def categorical_crossentropy(
    logits_NC: Tensor,
    target_NC: Tensor,
    *,
    class_weights_C: Tensor | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """sum_n sum_c -w_c q_nc log softmax(logits_n)[c], in nats; q_n are the item's shares, adding up to 1.

    label_smoothing e mixes the target with the uniform distribution, (1 - e) q + e / C. Returns a scalar.
    Source: Szegedy et al. 2016, arXiv 1512.00567, section 7.
    """
    return functional.cross_entropy(
        logits_NC,
        target_NC.to(logits_NC.dtype),
        class_weights_C,
        reduction="sum",
        label_smoothing=label_smoothing,
    )


def sparse_categorical_crossentropy(
    logits_NC: Tensor,
    target_N: Tensor,
    *,
    class_weights_C: Tensor | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int = IGNORED,
) -> Tensor:
    """sum_n -w log softmax(logits_n)[target_n], in nats, w the weight of the target's class.

    `categorical_crossentropy` with the whole share on one class, label smoothing included. An item whose
    target is ignore_index adds nothing and gets no gradient; the count is then of the others. Returns a
    scalar.
    """
    return functional.cross_entropy(
        logits_NC,
        target_N,
        class_weights_C,
        ignore_index=ignore_index,
        reduction="sum",
        label_smoothing=label_smoothing,
    )


def focal(
    logits_NC: Tensor, target_N: Tensor, *, gamma: float = 2.0, class_weights_C: Tensor | None = None
) -> Tensor:
    """sum_n -w (1 - p_n)^gamma log p_n, p_n = softmax(logits_n)[target_n]: easy items count little.

    gamma 0 is the cross-entropy. The power is taken of the logarithm of the other classes' probability, so
    its gradient is finite at p = 1 for any gamma. Returns a scalar. Source: Lin et al. 2017, arXiv
    1708.02002, eq. 5. Differs: softmax over classes, not one sigmoid each; w by class in the place of alpha.
    """
    logits_NC = wide(logits_NC)
    true_N1 = target_N.unsqueeze(1)
    total_N = logits_NC.logsumexp(1)
    others_N = logits_NC.scatter(1, true_N1, -torch.inf).logsumexp(1)
    log_p_N = logits_NC.gather(1, true_N1).squeeze(1) - total_N
    loss_N = -(gamma * (others_N - total_N)).exp() * log_p_N
    return _weighted(loss_N, target_N, class_weights_C)


def categorical_hinge(
    logits_NC: Tensor, target_N: Tensor, *, class_weights_C: Tensor | None = None
) -> Tensor:
    """sum_n w max(0, 1 + max_(c wrong) logits_nc - logits_n[target_n]): 1 ahead of the best wrong class.

    Returns a scalar. Source: Crammer and Singer 2001, JMLR 2, section 3; scikit-learn's hinge_loss for many
    classes. Differs from Keras, where wrong classes below 0 count as 0.
    """
    true_N1 = target_N.unsqueeze(1)
    wrong_N = logits_NC.scatter(1, true_N1, -torch.inf).amax(1)
    loss_N = (1 + wrong_N - logits_NC.gather(1, true_N1).squeeze(1)).clamp(min=0)
    return _weighted(wide(loss_N), target_N, class_weights_C)


def hinge(logits_N: Tensor, target_N: Tensor, *, class_weights_C: Tensor | None = None) -> Tensor:
    """sum_n w max(0, 1 - s_n z_n), s = 1 for class 1 and -1 for class 0.

    target: 0 or 1. Returns a scalar. Source: Cortes and Vapnik 1995, Machine Learning 20; with two logits per
    item, z is their difference.
    """
    signs_N = (2 * target_N - 1).to(logits_N.dtype)
    loss_N = (1 - signs_N * logits_N).clamp(min=0)
    return _weighted(wide(loss_N), target_N, class_weights_C)


def _weighted(loss_N: Tensor, target_N: Tensor, class_weights_C: Tensor | None) -> Tensor:
    return loss_N.sum() if class_weights_C is None else (class_weights_C.to(loss_N)[target_N] * loss_N).sum()
