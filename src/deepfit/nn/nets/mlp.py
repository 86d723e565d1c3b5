"""The plain multilayer network on the columns of a table.

Letters: B batch, N number columns, C category columns, D width, O outputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from deepfit.nn.activations import activation as named_activation
from deepfit.nn.dropout import dropout
from deepfit.nn.embeddings import CategoryEmbedding
from deepfit.nn.linear import Linear

UNSCALED = ("linear", "tanh", "sigmoid", "selu", "softmax")
"""Activations before which weights start with variance 1 / inputs.

Half of what the others need, which let about half of their input through.
"""


class MLP(nn.Module):
    """Numbers and embedded categories through hidden layers.

    h = drop(act(W h + b)) for each width, then linear.
    numbers_BN float32, categories_BC int (0 = unseen, 1 to category_sizes[c] - 1 = known) -> B1O float32, in
    the form of networks with members. activation: a name in `deepfit.nn.activations`. Weights start normal
    with variance 2 / inputs (He et al. 2015, arXiv 1502.01852, eq. 10), those of the outputs and before the
    activations in UNSCALED with 1 / inputs (for selu: arXiv 1706.02515, section 2), biases at zero.
    Source: Rumelhart, Hinton, Williams 1986, "Learning representations by back-propagating errors", Nature
    323, 533.
    """

    def __init__(
        self,
        num_numbers: int,
        category_sizes: Sequence[int],
        num_outputs: int,
        *,
        widths: Sequence[int] = (256, 256),
        dropout: float = 0.1,
        activation: str = "relu",
    ) -> None:
        super().__init__()
        self.activation = named_activation(activation)
        self.dropout = dropout
        self.categories = CategoryEmbedding(category_sizes)
        sizes = [num_numbers + self.categories.num_features, *widths]
        bend = "linear" if activation in UNSCALED else "relu"
        self.layers = nn.ModuleList(_linear(before, after, bend) for before, after in pairwise(sizes))
        self.last = _linear(sizes[-1], num_outputs, "linear")

    def forward(self, numbers_BN: Tensor, categories_BC: Tensor) -> Tensor:
        """BN, BC -> B1O."""
        h_BD = torch.cat([numbers_BN, self.categories(categories_BC)[0]], dim=1)
        for layer in self.layers:
            h_BD = dropout(self.activation(layer(h_BD)), self.dropout, self.training)
        return self.last(h_BD).unsqueeze(1)


def _linear(num_features: int, width: int, before: Literal["relu", "linear"]) -> nn.Linear:
    """A layer as the network starts with it: He's variance before a bend, 1 / inputs before none."""
    layer = Linear(num_features, width)
    nn.init.kaiming_normal_(layer.weight, nonlinearity=before)
    nn.init.zeros_(layer.bias)
    return layer
