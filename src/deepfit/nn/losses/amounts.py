"""Losses of amounts: how far outputs are from targets. Both are [N], or share any other shape."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from deepfit.nn.losses.members import wide


def mean_squared_error(outputs_N: Tensor, target_N: Tensor) -> Tensor:
    """sum_n (outputs_n - target_n)^2. Returns a scalar. Least at the mean."""
    return (outputs_N - target_N).square().sum()


def mean_absolute_error(outputs_N: Tensor, target_N: Tensor) -> Tensor:
    """sum_n |outputs_n - target_n|. Returns a scalar. Least at the median; the gradient at 0 is 0."""
    return wide(outputs_N - target_N).abs().sum()


def huber(outputs_N: Tensor, target_N: Tensor, *, delta: float = 1.0) -> Tensor:
    """sum_n d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2), d = outputs - target.

    Squared for small differences, absolute for large ones, so that far rows pull no harder than delta.
    Returns a scalar. Source: Huber 1964, Annals of Mathematical Statistics 35(1).
    """
    difference_N = wide(outputs_N - target_N)
    return functional.huber_loss(difference_N, torch.zeros_like(difference_N), reduction="sum", delta=delta)


def log_cosh(outputs_N: Tensor, target_N: Tensor) -> Tensor:
    """sum_n log(cosh(outputs_n - target_n)), as log(exp(d) + exp(-d)) - log 2, which never overflows.

    About d^2 / 2 for small and |d| - log 2 for large differences, smooth everywhere. Returns a scalar.
    Source: Green 1990, IEEE Transactions on Medical Imaging 9(1).
    """
    difference_N = wide(outputs_N - target_N)
    return (torch.logaddexp(difference_N, -difference_N) - math.log(2)).sum()


def quantile(outputs_N: Tensor, target_N: Tensor, *, share: float = 0.5) -> Tensor:
    """sum_n max(share d, (share - 1) d), d = target - outputs; least where that share of targets lies below.

    share 0.5 is half the absolute error. Returns a scalar. Source: Koenker and Bassett 1978, Econometrica
    46(1).
    """
    difference_N = wide(target_N - outputs_N)
    return torch.maximum(share * difference_N, (share - 1) * difference_N).sum()


def poisson(log_rates_N: Tensor, target_N: Tensor) -> Tensor:
    """sum_n exp(z_n) - y_n z_n: -log of the Poisson probability of y at the rate exp(z), without log(y!).

    target: from 0 up, counts or any such amounts; the loss is least at their mean. Returns a scalar. Source:
    Nelder and Wedderburn 1972, JRSS A 135(3). Differs from Keras, whose outputs are rates; of log rates every
    output is valid.
    """
    log_rates_N = wide(log_rates_N)
    return (log_rates_N.exp() - target_N * log_rates_N).sum()
