"""What a network says of whole graphs: layers on their nodes, what the nodes have in common, a small head.

Sources: GIN with a readout of every layer, Xu et al. 2019, arXiv 1810.00826, section 4.2; several readouts
beside one another, Corso et al. 2020, arXiv 2004.05718, section 2.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from deepfit.nn.activations import activation as bend_of
from deepfit.nn.dropout import dropout
from deepfit.nn.links import Links
from deepfit.nn.nets.graph_network import GraphNetwork

# N nodes, F features, D width, G graphs, M members, O outputs

MEAN_NODES = 32.0
"""By which sums over nodes are divided, so that they are about as large as means."""


class GraphReadout(nn.Module):
    """head(read(h_1), ..., read(h_L)) of each graph, h_l what the nodes are after layer l.

    read: any of mean, sum and max over the nodes of a graph, side by side. head: a bent layer and a linear
    one. The other arguments are those of `GraphNetwork`.
    """

    def __init__(
        self,
        num_features: int,
        num_outputs: int,
        *,
        kind: str = "gin",
        layers: int = 4,
        width: int = 64,
        heads: int = 4,
        activation: str = "relu",
        dropout: float = 0.1,
        norm: str = "batch",
        skip: bool = True,
        edge_features: int = 0,
        directed: bool = False,
        readout: Sequence[str] = ("mean", "sum", "max"),
    ) -> None:
        super().__init__()
        self.dropout, self.readout = dropout, tuple(readout)
        self.body = GraphNetwork(
            num_features,
            None,
            kind=kind,
            layers=layers,
            width=width,
            heads=heads,
            activation=activation,
            dropout=dropout,
            norm=norm,
            skip=skip,
            edge_features=edge_features,
            directed=directed,
        )
        self.bend = bend_of(activation, fresh=True)
        self.wide = nn.Linear(width * layers * len(self.readout), width)
        self.out = nn.Linear(width, num_outputs)

    def forward(self, x_NF: Tensor, links: Links, of_N: Tensor, num_graphs: int) -> Tensor:
        """NF -> GO. of_N: the number of the graph that each node is of."""
        return self.out(self.vector(x_NF, links, of_N, num_graphs))

    def vector(self, x_NF: Tensor, links: Links, of_N: Tensor, num_graphs: int) -> Tensor:
        """What the last layer reads of each graph, GD."""
        layers = self.body.every_hidden(x_NF, links)[1:]
        read = [reading for h_ND in layers for reading in self.read(h_ND, of_N, num_graphs)]
        h_GD = dropout(torch.cat(read, 1), self.dropout, self.training)
        return self.bend(self.wide(h_GD))

    def read(self, h_ND: Tensor, of_N: Tensor, num_graphs: int) -> list[Tensor]:
        """Each readout of the nodes of each graph, GD."""
        total_GD = h_ND.new_zeros(num_graphs, h_ND.shape[1]).index_add(0, of_N, h_ND)
        found = []
        for how in self.readout:
            if how == "sum":
                found.append(total_GD / MEAN_NODES)
            elif how == "mean":
                counts_G = torch.bincount(of_N, minlength=num_graphs).clamp(min=1)
                found.append(total_GD / counts_G[:, None])
            else:
                at_ND = of_N[:, None].expand_as(h_ND)
                least_GD = h_ND.new_full((num_graphs, h_ND.shape[1]), -torch.inf)
                found.append(least_GD.scatter_reduce(0, at_ND, h_ND, "amax"))
        return found


class GraphMembers(nn.Module):
    """Networks that learn beside one another: GMO, each member's outputs of each graph."""

    def __init__(self, members: Sequence[GraphReadout]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x_NF: Tensor, links: Links, of_N: Tensor, num_graphs: int) -> Tensor:
        """NF -> GMO."""
        return torch.stack([member(x_NF, links, of_N, num_graphs) for member in self.members], 1)

    def vector(self, x_NF: Tensor, links: Links, of_N: Tensor, num_graphs: int) -> Tensor:
        """What the members' last layers read, side by side, [G, M D]."""
        return torch.cat([member.vector(x_NF, links, of_N, num_graphs) for member in self.members], 1)  # pyright: ignore[reportCallIssue]
