"""A network on a graph gives each node a code; two codes and what the nodes share say link or not."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from deepfit.nn.dropout import Dropout
from deepfit.nn.nets.graph_network import GraphNetwork

# N nodes, D width of a code, P pairs, S numbers of what the ends of a pair have in common


class LinkNetwork(nn.Module):
    """logit(u, v) = MLP([A h_u * B h_v, s_uv]); h the codes of the encoder, s what u and v have in common.

    Of undirected graphs A = B, so that both orders of a pair get the same.
    Source: Wang et al. 2024, arXiv 2302.00890, eq. 9, with counts of common neighbours instead of the sum of
    their codes, as in Chamberlain et al. 2023, arXiv 2209.15486, section 4.
    """

    def __init__(
        self,
        encoder: GraphNetwork,
        width: int,
        num_shared: int,
        *,
        directed: bool = False,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width) if directed else None
        self.common = nn.Sequential(nn.Linear(num_shared, width), nn.ReLU(), nn.Linear(width, width))
        self.mlp = nn.Sequential(
            nn.ReLU(), Dropout(dropout), nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 1)
        )

    def forward(self, h_ND: Tensor, pairs_P2: Tensor, shared_PS: Tensor) -> Tensor:
        """Codes of all nodes -> logits of pairs, P."""
        one_ND = self.first(h_ND)
        other_ND = one_ND if self.second is None else self.second(h_ND)
        both_PD = one_ND[pairs_P2[:, 0]] * other_ND[pairs_P2[:, 1]]
        return self.mlp(torch.cat([both_PD, self.common(shared_PS)], 1)).squeeze(1)
