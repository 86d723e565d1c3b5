"""RealMLP: multilayer networks with the details that make them good at tables without tuning.

Letters: B batch, M members, N number columns, C category columns, F features, D width, O outputs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from deepfit.nn.activations import activation as named_activation
from deepfit.nn.dropout import dropout
from deepfit.nn.embeddings import CategoryEmbedding, PeriodicEmbedding


class RealMLP(nn.Module):
    """M networks that share nothing, computed together; each its own draw of the same architecture.

    h = [PBLD(numbers), embed(categories)] * (1 + 6 s); then for each width h = drop(act(h W / sqrt(F) + b /
    10)), at last linear in the same way. act(z) = z + (1 + a / 10) (mish(z) - z), a bend whose strength each
    unit learns; another activation takes the place of mish where one is named. s and a start at zero, W
    standard normal, b / 10 too.
    numbers_BN float32, categories_BC int (0 = unseen, 1 to category_sizes[c] - 1 = known) -> BMO float32.
    Each member learns by its own loss; to predict: the mean over M, of probabilities where O are logits.
    Source: Holzmueller et al. 2024, arXiv 2407.04491, section 3 and table A.1 (RealMLP-TD); scaling by
    1 / sqrt(F) after Jacot et al. 2018, arXiv 1806.07572.
    Differs: the learning rate factors of the paper (6 for the scale, 0.1 for biases, activations and
    embeddings) are factors of the values themselves, the same thing under Adam, so one learning rate fits
    all and decay pulls to the neutral value. Two layers of 128, not three of 256, and several members, not
    one; Mish for classes as well; constant dropout; biases start normal, not from the data.
    """

    def __init__(
        self,
        num_numbers: int,
        category_sizes: Sequence[int],
        num_outputs: int,
        *,
        members: int = 8,
        widths: Sequence[int] = (128, 128),
        dropout: float = 0.15,
        number_width: int = 4,
        activation: str = "mish",
    ) -> None:
        super().__init__()
        self.activation = named_activation(activation)
        self.dropout = dropout
        self.numbers = PeriodicEmbedding(num_numbers, number_width, members=members)
        self.categories = CategoryEmbedding(category_sizes, members=members)
        num_features = self.numbers.num_features + self.categories.num_features
        self.scale_M1F = nn.Parameter(torch.zeros(members, 1, num_features))
        sizes = [num_features, *widths]
        self.layers = nn.ModuleList(
            ScaledLinear(before, after, members=members) for before, after in pairwise(sizes)
        )
        self.bends = nn.ParameterList(torch.zeros(members, 1, width) for width in widths)
        self.last = ScaledLinear(sizes[-1], num_outputs, members=members)

    def forward(self, numbers_BN: Tensor, categories_BC: Tensor) -> Tensor:
        """BN, BC -> BMO."""
        h_MBF = torch.cat([self.numbers(numbers_BN), self.categories(categories_BC)], dim=2)
        h_MBF = h_MBF * (1 + 6 * self.scale_M1F)
        for layer, bend_M1D in zip(self.layers, self.bends, strict=True):
            z_MBD = layer(h_MBF)
            h_MBF = torch.lerp(z_MBD, self.activation(z_MBD), 1 + 0.1 * bend_M1D)
            h_MBF = dropout(h_MBF, self.dropout, self.training)
        return self.last(h_MBF).transpose(0, 1)


class ScaledLinear(nn.Module):
    """h W / sqrt(F) + 0.1 b for each member: MBF -> MBD."""

    def __init__(self, num_features: int, width: int, *, members: int) -> None:
        super().__init__()
        self.factor = 1 / math.sqrt(max(num_features, 1))
        self.weight_MFD = nn.Parameter(torch.empty(members, num_features, width))
        self.bias_M1D = nn.Parameter(torch.empty(members, 1, width))
        nn.init.normal_(self.weight_MFD)
        nn.init.normal_(self.bias_M1D, std=10)

    def forward(self, h_MBF: Tensor) -> Tensor:
        """MBF -> MBD."""
        return torch.baddbmm(0.1 * self.bias_M1D, h_MBF, self.weight_MFD, alpha=self.factor)
