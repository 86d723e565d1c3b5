"""TabM: k multilayer networks that share their weight matrices, each with scales and biases of its own.

Letters: B batch, M members, F features, D width, O outputs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from deepfit.nn.activations import activation as named_activation
from deepfit.nn.dropout import dropout
from deepfit.nn.embeddings import CategoryEmbedding, PiecewiseLinearEmbedding


class TabM(nn.Module):
    """M members on embedded numbers and categories, with outputs of their own.

    h = [PLE(numbers), embed(categories)]; for each width h_m = drop(relu(((h_m * r_m) W) * s_m + b_m)); at
    last h_m V_m + c_m. r of the first layer starts as random signs, every other r and s as ones, so the
    members begin as different views of one network. activation: what takes the place of relu.
    edges: for each number column the ascending edges of its intervals (see PiecewiseLinearEmbedding).
    numbers_BN float32, categories_BC int (0 = unseen, 1 to category_sizes[c] - 1 = known) -> BMO float32.
    Each member learns by its own loss; to predict: the mean over M, of probabilities where O are logits.
    Source: Gorishniy et al. 2024, arXiv 2410.24210, section 3.3 (with piecewise linear embeddings); layers
    after BatchEnsemble, Wen et al. 2020, arXiv 2002.06715, eq. 5.
    Differs: fewer and narrower members, for CPUs; categories of many values become vectors, not one-hot
    columns.
    """

    def __init__(
        self,
        edges: Sequence[Sequence[float]],
        category_sizes: Sequence[int],
        num_outputs: int,
        *,
        members: int = 16,
        widths: Sequence[int] = (128, 128),
        dropout: float = 0.1,
        number_width: int = 8,
        activation: str = "relu",
    ) -> None:
        super().__init__()
        self.activation = named_activation(activation)
        self.dropout = dropout
        self.numbers = PiecewiseLinearEmbedding(edges, number_width)
        self.categories = CategoryEmbedding(category_sizes)
        sizes = [self.numbers.num_features + self.categories.num_features, *widths]
        layers = [SharedLinear(before, after, members=members) for before, after in pairwise(sizes)]
        self.layers = nn.ModuleList(layers)
        self.weight_MDO = nn.Parameter(torch.empty(members, sizes[-1], num_outputs))
        self.bias_MO = nn.Parameter(torch.empty(members, num_outputs))
        with torch.no_grad():
            layers[0].before_MF.bernoulli_(0.5).mul_(2).sub_(1)
        bound = 1 / math.sqrt(sizes[-1])
        nn.init.uniform_(self.weight_MDO, -bound, bound)
        nn.init.uniform_(self.bias_MO, -bound, bound)

    def forward(self, numbers_BN: Tensor, categories_BC: Tensor) -> Tensor:
        """BN, BC -> BMO."""
        h_1BF = torch.cat([self.numbers(numbers_BN), self.categories(categories_BC)], dim=2)
        h_BMF = h_1BF.transpose(0, 1)  # one view for all members; the first layer's scales make them differ
        for layer in self.layers:
            h_BMF = dropout(self.activation(layer(h_BMF)), self.dropout, self.training)
        return torch.baddbmm(self.bias_MO.unsqueeze(1), h_BMF.transpose(0, 1), self.weight_MDO).transpose(
            0, 1
        )


class SharedLinear(nn.Module):
    """((h * r_m) W) * s_m + b_m with one W for all members: BMF (or B1F) -> BMD.

    W and b start uniform with bound 1 / sqrt(F), b the same for all members, r and s at one.
    """

    def __init__(self, num_features: int, width: int, *, members: int) -> None:
        super().__init__()
        self.weight_FD = nn.Parameter(torch.empty(num_features, width))
        self.before_MF = nn.Parameter(torch.ones(members, num_features))
        self.after_MD = nn.Parameter(torch.ones(members, width))
        bound = 1 / math.sqrt(max(num_features, 1))
        nn.init.uniform_(self.weight_FD, -bound, bound)
        self.bias_MD = nn.Parameter(torch.empty(width).uniform_(-bound, bound).repeat(members, 1))

    def forward(self, h_BMF: Tensor) -> Tensor:
        """BMF -> BMD."""
        return torch.addcmul(self.bias_MD, (h_BMF * self.before_MF) @ self.weight_FD, self.after_MD)
