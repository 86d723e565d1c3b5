"""The edges of a graph as layers use them: as a matrix of weights by rows, or one by one."""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor

from deepfit.nn.sparse import Sparse

# N nodes, E edges, K numbers of an edge


class Links:
    """Edges sorted by the node they lead to, on the device; matrices are made when first asked for.

    starts: [N + 1], where the edges to each node begin. sources: [E]. weight: [E], or None where all count
    alike. features: [E, K] or None. directed: False where the edges are there in both directions. heard,
    told: [N], where these edges are a part drawn from a graph, what all edges to each node count there, and
    all from it; sums over the edges drawn are then scaled up to stand for all.
    """

    def __init__(
        self,
        starts: Tensor,
        sources: Tensor,
        *,
        weight: Tensor | None = None,
        features: Tensor | None = None,
        directed: bool = False,
        heard: Tensor | None = None,
        told: Tensor | None = None,
    ) -> None:
        self.starts, self.sources, self.weight, self.features = starts, sources, weight, features
        self.directed = directed
        self._heard, self._told = heard, told

    @property
    def num_nodes(self) -> int:
        """Nodes, isolated ones too."""
        return len(self.starts) - 1

    @cached_property
    def targets(self) -> Tensor:
        """[E], the node that each edge leads to."""
        return torch.repeat_interleave(
            torch.arange(self.num_nodes, device=self.starts.device), self.starts.diff()
        )

    @cached_property
    def values(self) -> Tensor:
        """[E], float32, what each edge counts; where edges were drawn, scaled up for those that were not."""
        ones = torch.ones(len(self.sources), device=self.sources.device)
        weight = ones if self.weight is None else self.weight
        if self._heard is None:
            return weight
        drawn = weight.new_zeros(self.num_nodes).index_add(0, self.targets, weight)
        return weight * (self._heard / drawn.clamp(min=1e-12))[self.targets]

    @cached_property
    def heard(self) -> Tensor:
        """[N], what the edges to each node count together."""
        zeros = self.values.new_zeros(self.num_nodes)
        return zeros.index_add(0, self.targets, self.values) if self._heard is None else self._heard

    @cached_property
    def told(self) -> Tensor:
        """[N], what the edges from each node count together."""
        if self._told is not None:
            return self._told
        zeros = self.values.new_zeros(self.num_nodes)
        return zeros.index_add(0, self.sources, self.values) if self.directed else self.heard

    @cached_property
    def smoothing(self) -> Sparse:
        """(D_in + I)^-1/2 (A + I) (D_out + I)^-1/2, the matrix of graph convolutions.

        Source: Kipf and Welling 2017, arXiv 1609.02907, eq. 2; of directed graphs Rossi et al. 2023, arXiv
        2305.10498, section 3. Differs: each node hears itself in directed graphs too.
        """
        into, out = (self.heard + 1).rsqrt(), (self.told + 1).rsqrt()
        every = torch.arange(self.num_nodes, device=self.starts.device)
        loops = torch.stack([every, every])
        ends = torch.cat([torch.stack([self.targets, self.sources]), loops], 1)
        values = torch.cat([self.values * into[self.targets] * out[self.sources], into * out])
        order = (ends[0] * self.num_nodes + ends[1]).argsort()
        starts = self.starts + torch.arange(self.num_nodes + 1, device=self.starts.device)
        return Sparse.of(starts, ends[1][order], values[order], self.num_nodes, symmetric=not self.directed)

    @cached_property
    def mean(self) -> Sparse:
        """The weighted mean over the edges to each node; 0 where there is none."""
        total = self.values.new_zeros(self.num_nodes).index_add(0, self.targets, self.values)
        values = self.values / total.clamp(min=1e-12)[self.targets]
        return Sparse.of(self.starts, self.sources, values, self.num_nodes)

    @cached_property
    def total(self) -> Sparse:
        """The weighted sum over the edges to each node."""
        return Sparse.of(self.starts, self.sources, self.values, self.num_nodes, symmetric=not self.directed)

    @cached_property
    def turned(self) -> Links:
        """Every edge the other way round."""
        order = self.sources.argsort(stable=True)
        counts = torch.bincount(self.sources, minlength=self.num_nodes)
        pick = lambda each: None if each is None else each[order]  # noqa: E731 (one expression)
        return Links(
            torch.cat([counts.new_zeros(1), counts.cumsum(0)]),
            self.targets[order],
            weight=pick(self.weight),
            features=pick(self.features),
            directed=self.directed,
            heard=self._told,
            told=self._heard,
        )
