"""Layers on a graph, one behind the other: each node hears what is as many edges away as there are layers.

Sources: GCN, arXiv 1609.02907; GraphSAGE, 1706.02216; GIN, 1810.00826; GATv2, 2105.14491; normalisation,
dropout and linear skips between the layers as in Luo et al. 2024, arXiv 2406.08993, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from deepfit.nn.activations import activation as bend_of
from deepfit.nn.dropout import dropout
from deepfit.nn.graph_layers import GCN, GIN, SAGE, GATv2
from deepfit.nn.links import Links

# N nodes, F features, D width, O outputs

HEARD_BEFORE = ("gcn", "sage", "gin")
"""Networks whose first layer begins with a product that no weight is in."""


class GraphNetwork(nn.Module):
    """h <- drop(bend(norm(layer(h) + S h))), as often as there are hidden layers, then layer(h) + S h.

    kind: gcn, sage, gatv2 or gin. vectors: nodes that have a learned vector, of `width`, beside their
    features. directed: each layer is two, one along the edges and one against them, and the mean of both
    (Rossi et al. 2023, arXiv 2305.10498, eq. 3). skip: S is learned, else 0; sage has one of its own. heads:
    of gatv2; of the last layer one. num_outputs: None where all layers are hidden and `every_hidden` is what
    is asked for. edge_features: numbers of an edge, which gatv2 and gin read.
    """

    def __init__(
        self,
        num_features: int,
        num_outputs: int | None,
        *,
        kind: str = "sage",
        layers: int = 2,
        width: int = 128,
        heads: int = 4,
        activation: str = "relu",
        dropout: float = 0.5,
        norm: str = "layer",
        skip: bool = True,
        vectors: int = 0,
        edge_features: int = 0,
        directed: bool = False,
    ) -> None:
        super().__init__()
        self.kind, self.dropout, self.directed = kind, dropout, directed
        self.bend = bend_of(activation, fresh=True)
        self.vectors = nn.Embedding(vectors, width) if vectors else None
        if self.vectors is not None:
            nn.init.normal_(self.vectors.weight, std=0.1)
        hidden = layers if num_outputs is None else layers - 1
        sizes = [num_features + (width if vectors else 0), *[width] * hidden]
        pairs = list(pairwise([*sizes, *([] if num_outputs is None else [num_outputs])]))
        ways = 2 if directed else 1
        self.layers = nn.ModuleList(
            nn.ModuleList(
                _layer(kind, *pair, heads=heads if place < hidden else 1, edge_features=edge_features)
                for _ in range(ways)
            )
            for place, pair in enumerate(pairs)
        )
        skips = skip and kind != "sage"
        self.skips = nn.ModuleList(nn.Linear(*pair, bias=False) for pair in pairs) if skips else None
        norms = {"none": nn.Identity, "layer": nn.LayerNorm, "batch": nn.BatchNorm1d}
        make = norms[norm] if norm == "none" else partial(norms[norm], width)
        self.norms = nn.ModuleList(make() for _ in range(hidden))
        self.reads_edges = edge_features > 0 and kind in ("gatv2", "gin")

    def heard(self, x_NF: Tensor, links: Links) -> list[Tensor] | None:
        """What the first layer hears, one a way; None where a weight has a part in it.

        It is the same at every step, so it may be worked out once and given to `forward`.
        """
        if self.kind not in HEARD_BEFORE or self.vectors is not None or self.reads_edges:
            return None
        return [layer.heard(x_NF, way) for layer, way in self._pairs(0, links)]

    def forward(
        self,
        x_NF: Tensor,
        links: Links,
        known_N: Tensor | None = None,
        heard: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """NF -> NO. known_N: the number of each node's learned vector. heard: as `heard` says."""
        return self.last(self.hidden(x_NF, links, known_N, heard), links, heard)

    def hidden(
        self,
        x_NF: Tensor,
        links: Links,
        known_N: Tensor | None = None,
        heard: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """What the last layer reads, ND."""
        return self.every_hidden(x_NF, links, known_N, heard)[-1]

    def every_hidden(
        self,
        x_NF: Tensor,
        links: Links,
        known_N: Tensor | None = None,
        heard: Sequence[Tensor] | None = None,
    ) -> list[Tensor]:
        """What came in, then what the nodes are after each hidden layer, ND each."""
        found = [x_NF if self.vectors is None else torch.cat([x_NF, self.vectors(known_N)], 1)]
        for place, norm in enumerate(self.norms):
            found.append(self.bend(norm(self._layer(place, found[-1], links, heard if place == 0 else None))))
        return found

    def last(self, h_ND: Tensor, links: Links, heard: Sequence[Tensor] | None = None) -> Tensor:
        """ND -> NO, what the last layer says."""
        return self._layer(len(self.norms), h_ND, links, heard if not len(self.norms) else None)

    def _layer(self, place: int, h: Tensor, links: Links, heard: Sequence[Tensor] | None) -> Tensor:
        drop = lambda each: dropout(each, self.dropout, self.training)  # noqa: E731 (one expression)
        unread = heard is not None and self.kind == "gcn" and self.skips is None
        h = h if unread else drop(h)
        ways = self._pairs(place, links)
        if heard is None:
            said = [layer(h, way) for layer, way in ways]
        else:
            said = [layer(h, way, drop(known)) for (layer, way), known in zip(ways, heard, strict=True)]
        total = said[0] if len(said) == 1 else (said[0] + said[1]) / 2
        return total if self.skips is None else total + self.skips[place](h)

    def _pairs(self, place: int, links: Links) -> list[tuple[Any, Links]]:
        """The layers at a place, and what each of them hears along."""
        layers: Any = self.layers[place]
        return list(zip(layers, [links, links.turned] if self.directed else [links], strict=True))


def _layer(kind: str, width: int, num_outputs: int, *, heads: int, edge_features: int) -> nn.Module:
    if kind == "gatv2":
        return GATv2(width, num_outputs, heads=heads, edge_features=edge_features)
    if kind == "gin":
        return GIN(width, num_outputs, edge_features=edge_features)
    return {"gcn": GCN, "sage": SAGE}[kind](width, num_outputs)
