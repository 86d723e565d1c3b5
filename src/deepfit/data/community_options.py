"""The options of finding communities in a graph."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from deepfit.data.cluster_options import MOST_CHOSEN
from deepfit.data.graph_options import GraphNetworkName, GraphOptions
from deepfit.options import RATES, ClipNorm, Patience

ALL_SEEN = "all nodes are learned from and scored, since a node is seen with its place in the graph"
UNUSED = {
    "split": ALL_SEEN,
    "test_fraction": ALL_SEEN,
    "valid_fraction": ALL_SEEN,
    "patience": "no score says which epoch is best",
    "neighbours": "modularity looks at all edges at once",
}
"""Options of other tasks on graphs that have no effect here, and why."""


class CommunityOptions(GraphOptions):
    """How many communities, what a good partition is, and defaults that need no tuning."""

    target: str | None = Field(
        None, description="column of known groups: for scoring, never an input nor seen in training"
    )
    clusters: int = Field(
        0, ge=0, le=1000, description="how many communities; 0 = chosen, 2 to 20, by what --choose names"
    )
    choose: Literal["codelength", "modularity"] = Field(
        "codelength",
        description="which of the learned partitions is kept; codelength: that of the fewest bits a step of "
        "a random walk (the map equation); modularity: that of the greatest, mostly fewer communities",
    )
    starts: int = Field(
        4, ge=1, le=100, description="partitions learned for each number of communities, the best to be kept"
    )
    network: GraphNetworkName = "gcn"
    width: int = Field(64, ge=2, le=8192, description="features of a node between the layers")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of features dropped before each layer")
    epochs: int = Field(300, ge=1, le=1_000_000, description="steps, each on the whole graph")
    learning_rate: Annotated[float, Field(gt=0, le=100)] | Literal["auto"] = Field(
        0.01, description=f"step size at its highest; {RATES}"
    )
    clip_norm: ClipNorm = 1.0
    patience: Patience = 0

    @model_validator(mode="after")
    def _nothing_without_effect(self) -> CommunityOptions:
        if self.clusters == 1:
            raise ValueError("one cluster holds every node, so nothing is found; ask for 2 or more, or 0")
        for name, why in UNUSED.items():
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"--{name.replace('_', '-')} has no effect here: {why}")
        return self

    def sizes(self, nodes: int) -> list[int]:
        """Clusters that each partition has room for."""
        counts = [self.clusters] if self.clusters else range(2, min(MOST_CHOSEN, max(nodes - 1, 2)) + 1)
        return [count for count in counts for _ in range(self.starts)]
