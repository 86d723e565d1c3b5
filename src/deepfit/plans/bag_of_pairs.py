"""Fitting the linear part of a network for texts: convex, so it is solved at once and not by steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from deepfit.contract import Batch
from deepfit.data.ragged import Ragged
from deepfit.data.text_pairs import evenly
from deepfit.nn.nets.bag_of_pairs import BagOfPairs
from deepfit.plans.foresight import ITEMS_AT_ONCE, by_length

COST = 5.0
"""C of the L2 penalty; of two classes each has a column that carries half, so it is that of tfidf, among the
baselines. Chosen by cross-validation within the training rows of food reviews."""
ITERATIONS = 100
MOST_ROWS, MOST_TOKENS = 100_000, 10_000_000
"""Of more rows or tokens so many are fitted, rows evenly chosen."""


def fit(bag: BagOfPairs, tokens: Ragged, target: np.ndarray, loss: Callable[[Tensor, Batch], Tensor]) -> None:
    """Set the weights w = r v and b to those with the least loss(b + x w, rows) + |v|^2 / 2 C.

    target: class numbers [rows]. r_fo: log of the share of feature f in the texts of class o, less that in
    the others, each smoothed by 1, so that what tells nothing hardly gets a weight. The same rows give the
    same weights.
    Source: Wang and Manning 2012, ACL, sections 2.1 to 2.3. Differs: logistic regression, or what loss the
    options name, for an SVM, and no interpolation with the mean weight.
    """
    size = max(float(tokens.lengths.mean()), 1.0) if len(tokens) else 1.0
    chosen = evenly(len(tokens), min(MOST_ROWS, max(1, int(MOST_TOKENS / size))))
    tokens, target = tokens[chosen], target[chosen]
    features, x, starts, order = _features(bag, tokens)
    target = target[order]
    outputs = bag.weights_FO.shape[1]
    holds = np.eye(outputs, dtype=np.float32)[target]
    ratio_FO = _log_ratio(features, x, starts, torch.from_numpy(holds), len(bag.weights_FO))
    batch = {"target": torch.from_numpy(target)}
    v_FO = torch.zeros_like(ratio_FO, requires_grad=True)
    b_O = torch.zeros(outputs, requires_grad=True)
    solver = torch.optim.LBFGS([v_FO, b_O], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

    def risk() -> Tensor:
        solver.zero_grad()
        said = functional.embedding_bag(features, ratio_FO * v_FO, starts, per_sample_weights=x, mode="sum")
        found = (loss(said + b_O, batch) + v_FO.square().sum() / (2 * COST)) / len(target)
        found.backward()
        return found

    with torch.enable_grad():
        solver.step(risk)  # pyright: ignore[reportArgumentType]  (it takes what gives a tensor)
    bag.weights_FO.copy_((ratio_FO * v_FO).detach())
    bag.bias_O.copy_(b_O.detach())


def _features(bag: BagOfPairs, tokens: Ragged) -> tuple[Tensor, Tensor, Tensor, np.ndarray]:
    """Features of all rows, one behind the other, their x, where each row begins; the order of the rows."""
    found, x, counts, orders = [], [], [], []
    device = bag.keys_P.device
    for places in by_length(tokens.lengths, ITEMS_AT_ONCE):
        padded, keep = (torch.from_numpy(array).to(device) for array in tokens[places].padded())
        features_BN, x_BN = (each.cpu() for each in bag.features(padded, keep))
        there = features_BN != bag.nothing
        found.append(features_BN[there])
        x.append(x_BN[there])
        counts.append(there.sum(1))
        orders.append(places)
    ends = torch.cat(counts).cumsum(0)
    starts = torch.cat([ends.new_zeros(1), ends[:-1]])
    return torch.cat(found), torch.cat(x), starts, np.concatenate(orders)


def _log_ratio(features: Tensor, x: Tensor, starts: Tensor, holds_NO: Tensor, num_features: int) -> Tensor:
    """How much more often each feature is in the texts of each output than in the others: logarithms."""
    ends = torch.cat([starts[1:], starts.new_tensor([len(features)])])
    rows = torch.repeat_interleave(torch.arange(len(starts)), ends - starts)
    # x of a feature that is there several times is in as many parts, which add up to 1 / sqrt(features)
    root_N = torch.zeros(len(starts)).index_add_(0, rows, x)
    there = (x * root_N[rows]).unsqueeze(1)
    of_FO = torch.zeros(num_features, holds_NO.shape[1]).index_add_(0, features, there * holds_NO[rows]) + 1
    others_FO = torch.zeros_like(of_FO).index_add_(0, features, there * (1 - holds_NO[rows])) + 1
    return (of_FO / of_FO.sum(0)).log() - (others_FO / others_FO.sum(0)).log()
