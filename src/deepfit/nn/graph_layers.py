"""Layers on graphs: what a node becomes by hearing those whose edges lead to it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepfit.nn.links import Links

# N nodes, E edges, D width of a node, O outputs, H heads, C = O / H, K numbers of an edge

SLOPE = 0.2
"""Of the leaky ReLU in attention (arXiv 2105.14491, section 2)."""


class GCN(nn.Module):
    """h'_i = W sum_j s_ij h_j + b, s the smoothing matrix of the graph, which has each node hear itself.

    Source: Kipf and Welling 2017, arXiv 1609.02907, eq. 2. The sum is made on the narrower side of W.
    """

    def __init__(self, width: int, num_outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, num_outputs)
        nn.init.xavier_uniform_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    @staticmethod
    def heard(h_ND: Tensor, links: Links) -> Tensor:
        """What each node hears, ND: the part of the layer that does not depend on its weights."""
        return links.smoothing @ h_ND

    def forward(self, h_ND: Tensor, links: Links, heard_ND: Tensor | None = None) -> Tensor:
        """ND -> NO. heard_ND: `heard` of h, where it is known."""
        if heard_ND is not None:
            return self.linear(heard_ND)
        if self.linear.out_features < self.linear.in_features:
            return links.smoothing @ functional.linear(h_ND, self.linear.weight) + self.linear.bias
        return self.linear(links.smoothing @ h_ND)


class SAGE(nn.Module):
    """h'_i = W mean_j h_j + V h_i + b; the mean of no neighbour is 0.

    Source: Hamilton et al. 2017, arXiv 1706.02216, algorithm 1 with the mean. Differs: no normalisation to
    length 1 (its line 7).
    """

    def __init__(self, width: int, num_outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, num_outputs)
        self.own = nn.Linear(width, num_outputs, bias=False)

    @staticmethod
    def heard(h_ND: Tensor, links: Links) -> Tensor:
        """The mean over the neighbours, ND."""
        return links.mean @ h_ND

    def forward(self, h_ND: Tensor, links: Links, heard_ND: Tensor | None = None) -> Tensor:
        """ND -> NO. heard_ND: `heard` of h, where it is known."""
        if heard_ND is not None:
            return self.linear(heard_ND) + self.own(h_ND)
        if self.linear.out_features < self.linear.in_features:
            said_NO = links.mean @ functional.linear(h_ND, self.linear.weight)
            return said_NO + self.linear.bias + self.own(h_ND)
        return self.linear(links.mean @ h_ND) + self.own(h_ND)


class GIN(nn.Module):
    """h'_i = MLP((1 + eps) h_i + sum_j m_ij); m_ij = h_j, or relu(h_j + U e_ij) where edges have numbers.

    Source: Xu et al. 2019, arXiv 1810.00826, eq. 4.1; with edges Hu et al. 2020, arXiv 1905.12265, eq. 2.1 of
    its appendix. The MLP has one hidden layer as wide as the outputs. Differs: no batch normalisation in it.
    """

    def __init__(self, width: int, num_outputs: int, *, edge_features: int = 0) -> None:
        super().__init__()
        self.eps = nn.Parameter(torch.zeros(()))
        self.edge = nn.Linear(edge_features, width) if edge_features else None
        self.mlp = nn.Sequential(
            nn.Linear(width, num_outputs), nn.ReLU(), nn.Linear(num_outputs, num_outputs)
        )

    def heard(self, h_ND: Tensor, links: Links) -> Tensor:
        """The sum over the neighbours, ND."""
        if self.edge is None:
            return links.total @ h_ND
        told_ED = (h_ND.index_select(0, links.sources) + self.edge(links.features)).relu() * links.values[
            :, None
        ]
        return torch.zeros_like(h_ND).index_add(0, links.targets, told_ED)

    def forward(self, h_ND: Tensor, links: Links, heard_ND: Tensor | None = None) -> Tensor:
        """ND -> NO. heard_ND: `heard` of h, where it is known."""
        heard_ND = self.heard(h_ND, links) if heard_ND is None else heard_ND
        return self.mlp((1 + self.eps) * h_ND + heard_ND)


class GATv2(nn.Module):
    """h'_i = sum_j a_ij W h_j + b; a_ij = softmax_j of v' leaky_relu(U h_i + W h_j + Q e_ij), i among the j.

    Heads stand side by side; of what a node hears from itself, the edge is the mean of those to it. Edges'
    weights do not count in it.
    Source: Brody et al. 2022, arXiv 2105.14491, eq. 7.
    """

    def __init__(self, width: int, num_outputs: int, *, heads: int = 1, edge_features: int = 0) -> None:
        super().__init__()
        self.heads = heads
        self.source = nn.Linear(width, num_outputs)
        self.target = nn.Linear(width, num_outputs)
        self.edge = nn.Linear(edge_features, num_outputs, bias=False) if edge_features else None
        self.score_HC = nn.Parameter(torch.empty(heads, num_outputs // heads))
        self.bias_O = nn.Parameter(torch.zeros(num_outputs))
        for layer in (self.source, self.target, *([self.edge] if self.edge is not None else [])):
            nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(self.source.bias)
        nn.init.zeros_(self.target.bias)
        nn.init.xavier_uniform_(self.score_HC)

    def forward(self, h_ND: Tensor, links: Links) -> Tensor:
        """ND -> NO."""
        a_EH, told_EHC, targets, _ = self.attended(h_ND, links)
        said_NHC = told_EHC.new_zeros(len(h_ND), *told_EHC.shape[1:])
        said_NHC = said_NHC.index_add(0, targets, a_EH.unsqueeze(2) * told_EHC)
        return said_NHC.flatten(1) + self.bias_O

    def attended(self, h_ND: Tensor, links: Links) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """How much each edge counts EH, what is told along it EHC, where it leads, where it comes from.

        The edges of the graph come first, then each node's to itself.
        """
        every = torch.arange(len(h_ND), device=h_ND.device)
        targets, sources = torch.cat([links.targets, every]), torch.cat([links.sources, every])
        told_NHC = self.source(h_ND).unflatten(1, (self.heads, -1))
        asked_NHC = self.target(h_ND).unflatten(1, (self.heads, -1))
        told_EHC = told_NHC[sources]
        seen_EHC = told_EHC + asked_NHC[targets]
        if self.edge is not None and links.features is not None:
            seen_EHC = seen_EHC + self.edge(_with_loops(links)).unflatten(1, (self.heads, -1))
        e_EH = (functional.leaky_relu(seen_EHC, SLOPE) * self.score_HC).sum(2)
        return softmax_by(e_EH, targets, len(h_ND)), told_EHC, targets, sources


def softmax_by(e_EH: Tensor, targets_E: Tensor, num_nodes: int) -> Tensor:
    """Softmax over the edges that lead to the same node, EH; float32 inside."""
    e_EH, at_EH = e_EH.float(), targets_E[:, None].expand_as(e_EH)
    most_NH = e_EH.new_full((num_nodes, e_EH.shape[1]), -torch.inf)
    most_NH = most_NH.scatter_reduce(0, at_EH, e_EH.detach(), "amax")
    lifted_EH = (e_EH - most_NH[targets_E]).exp()
    sum_NH = torch.zeros_like(most_NH).index_add(0, targets_E, lifted_EH)
    return lifted_EH / sum_NH[targets_E]


def _with_loops(links: Links) -> Tensor:
    """The features of edges, then for each node the mean of those to it, [E + N, K]."""
    features_EK = links.features
    if features_EK is None:
        raise ValueError("these links have no features")
    sum_NK = features_EK.new_zeros(links.num_nodes, features_EK.shape[1]).index_add(
        0, links.targets, features_EK
    )
    return torch.cat([features_EK, sum_NK / links.starts.diff().clamp(min=1)[:, None]])
