"""Clusters among the codes of texts: what makes a point of a text, and an autoencoder of points."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from deepfit.nn.clusters import Clusters, TableAutoencoder

# B batch, P numbers of a point, D width of codes, V words


class WordAxes(nn.Module):
    """The axes of latent semantic analysis, axes_VP, zeros until they are set; nothing trains them."""

    axes_VP: Tensor

    def __init__(self, num_words: int, dimensions: int) -> None:
        super().__init__()
        self.register_buffer("axes_VP", torch.zeros(num_words, dimensions))


class TextAutoencoder(nn.Module):
    """Points of texts through a narrow code and back, with clusters among the codes.

    reader: makes the points, outside of this network's `forward`, and is kept beside it so that new texts go
    the same way; it is not trained. Points have length 1 and are stretched by the root of their number of
    dimensions, so that a number's size is about 1.
    """

    def __init__(
        self,
        reader: nn.Module,
        dimensions: int,
        *,
        code: int,
        slots: int,
        widths: Sequence[int] = (256, 256),
        activation: str = "relu",
    ) -> None:
        super().__init__()
        self.reader = reader.requires_grad_(False)
        self.stretch = dimensions**0.5
        self.autoencoder = TableAutoencoder(
            dimensions, (), code=code, slots=slots, widths=widths, activation=activation
        )

    @property
    def clusters(self) -> Clusters:
        """The clusters."""
        return self.autoencoder.clusters

    def forward(self, points_BP: Tensor) -> Tensor:
        """BP -> codes BD."""
        numbers_BP = self.stretch * points_BP
        return self.autoencoder(numbers_BP, _none(numbers_BP))

    def errors(self, codes_BD: Tensor, points_BP: Tensor) -> Tensor:
        """How badly each point is told from its code, B: the mean over its stretched numbers, squared."""
        return self.autoencoder.errors(codes_BD, self.stretch * points_BP, _none(points_BP))


def _none(points_BP: Tensor) -> Tensor:
    """No categories, [B, 0]."""
    return torch.empty(len(points_BP), 0, dtype=torch.long, device=points_BP.device)
