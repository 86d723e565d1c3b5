"""Communities of a graph as what a network says of its nodes: how good they are, as something to learn by.

Source: Tsitsulin, Palowitch, Perozzi, Müller 2023, "Graph clustering with graph neural networks", JMLR 24,
arXiv 2006.16904 (DMoN).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from deepfit.nn.links import Links
from deepfit.nn.nets.graph_network import GraphNetwork

# N nodes, H partitions, S slots of the largest one, O slots of all, K clusters

SMALLEST = 1e-12


class Communities(nn.Module):
    """A graph network that parts the nodes in many ways at once, of which one is chosen in the end.

    sizes: how many clusters each partition has room for. chosen_S: the slots of the chosen partition, the
    largest cluster's first, as places in O; -1 where there is none. curve_S: by what the number of clusters
    was chosen, that of k clusters at place k - 1; NONE where no partition has so many.
    """

    index_HS: Tensor
    valid_O: Tensor
    member_OH: Tensor
    chosen_S: Tensor
    curve_S: Tensor
    NONE = -1.0

    def __init__(self, body: GraphNetwork, sizes: Sequence[int]) -> None:
        super().__init__()
        self.body, self.sizes = body, tuple(sizes)
        most, count = max(sizes), sum(sizes)
        index_HS = torch.full((len(sizes), most), count)
        start = 0
        for place, size in enumerate(sizes):
            index_HS[place, :size] = torch.arange(start, start + size)
            start += size
        valid_O = (index_HS.flatten() < count).nonzero()[:, 0]
        member_OH = (valid_O[:, None] // most == torch.arange(len(sizes))).float()
        for name, each in (("index_HS", index_HS), ("valid_O", valid_O), ("member_OH", member_OH)):
            self.register_buffer(name, each, persistent=False)
        self.register_buffer("chosen_S", torch.full((most,), -1.0))
        self.register_buffer("curve_S", torch.full((most,), self.NONE))

    def forward(self, said_NO: Tensor) -> Tensor:
        """How much each node belongs to each cluster of each partition, NO, from what the body says.

        The clusters of one partition sum to 1; float32.
        """
        nowhere_N1 = said_NO.new_full((len(said_NO), 1), -torch.inf, dtype=torch.float32)
        said_NHS = torch.cat([said_NO.float(), nowhere_N1], 1)[:, self.index_HS]
        return said_NHS.softmax(2).flatten(1)[:, self.valid_O]

    @property
    def chosen(self) -> Tensor:
        """int64 [K], places in O of the clusters of the chosen partition."""
        return self.chosen_S[self.chosen_S >= 0].long()

    @torch.no_grad()
    def settle(self, slots: Sequence[int], curve: dict[int, float]) -> None:
        """Choose a partition by the places of its clusters in O. curve: clusters -> by what it was chosen."""
        self.chosen_S.fill_(-1)
        self.chosen_S[: len(slots)] = torch.tensor(slots, dtype=self.chosen_S.dtype)
        self.curve_S.fill_(self.NONE)
        for count, value in curve.items():
            self.curve_S[count - 1] = value


def soft_modularity(belongs_NO: Tensor, links: Links, member_OH: Tensor) -> Tensor:
    """The modularity of each partition, H: sum_k (c_k' A c_k / m - (d_in' c_k) (d_out' c_k) / m^2).

    m: the weight of all edges, those of undirected graphs in both directions. Of hard clusters it is
    Newman's, of directed graphs that of Leicht and Newman 2008, arXiv 0709.4500, eq. 4.
    Source: arXiv 2006.16904, eq. 5.
    """
    edges = links.heard.sum()
    within_O = (belongs_NO * (links.total @ belongs_NO)).sum(0) / edges
    chance_O = (links.heard @ belongs_NO) * (links.told @ belongs_NO) / edges.square()
    return (within_O - chance_O) @ member_OH


def collapse(belongs_NO: Tensor, member_OH: Tensor) -> Tensor:
    """How far each partition is from clusters of one size, H: sqrt(K) / N |sum_i c_i| - 1.

    0 where all clusters are of one size. Source: arXiv 2006.16904, eq. 6.
    """
    size_H = member_OH.sum(0)
    length_H = (belongs_NO.sum(0).square() @ member_OH).sqrt()
    return size_H.sqrt() * length_H / len(belongs_NO) - 1


def uncertainty(belongs_NO: Tensor, links: Links, member_OH: Tensor) -> Tensor:
    """The entropy in nats of where an end of an edge belongs, H: the mean over nodes, weighted by edges."""
    share_N = (links.heard + links.told) / (links.heard.sum() + links.told.sum())
    return -(share_N @ torch.special.xlogy(belongs_NO, belongs_NO.clamp(min=SMALLEST))) @ member_OH
