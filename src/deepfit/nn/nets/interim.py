"""Interim."""

import torch
from torch import nn


class Interim(nn.Module):
    """Interim."""

    def __init__(self, num_numbers, category_sizes, num_outputs) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(size, 8) for size in category_sizes)
        wide = num_numbers + 8 * len(category_sizes)
        self.body = nn.Sequential(
            nn.Linear(wide, 128), nn.ReLU(), nn.Dropout(0.1), nn.Linear(128, num_outputs)
        )

    def forward(self, numbers, categories):
        """Interim."""
        x = torch.cat([numbers, *(e(categories[:, i]) for i, e in enumerate(self.embeddings))], 1)
        return self.body(x)[:, None]
