"""The options of tasks on whole graphs: how the files are read, the network, how it is trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from deepfit.data.graph_options import GraphNetworkName, GraphNetworkOptions
from deepfit.options import (
    RATES,
    Patience,
    as_text,
)

READOUTS = ("mean", "sum", "max")


class GraphSetOptions(GraphNetworkOptions):
    """How graphs are read and which network reads them."""

    target: str | None = Field("label", description="column of graphs.csv to predict")
    key: str = Field(
        "auto", description="column of all three files that says which graph; auto: graph, or the first"
    )
    walks: int = Field(
        8,
        ge=1,
        le=64,
        description="steps of a random walk, whose chances of being back are known of each node beside its "
        "degrees; they tell rings; 1 = none",
    )

    network: GraphNetworkName = "gin"
    layers: int = Field(4, ge=1, le=64, description="how many edges away a node is heard")
    width: int = Field(64, ge=2, le=8192, description="features of a node between the layers")
    members: int = Field(
        1, ge=1, le=64, description="networks that learn beside one another and whose answers are averaged"
    )
    readout: str = Field(
        "mean,sum,max", description="what of a graph's nodes is read, any of mean, sum and max with commas"
    )
    dropout: float = Field(0.1, ge=0, lt=1, description="share of features dropped before each layer")
    norm: Literal["none", "layer", "batch"] = Field("batch", description="normalisation after each layer")

    epochs: int = Field(60, ge=1, le=1_000_000, description="passes over the training graphs")
    batch_size: int = Field(64, ge=1, le=1_000_000, description="graphs a step")
    learning_rate: Annotated[float, Field(gt=0, le=100)] | Literal["auto"] = Field(
        0.003, description=f"step size at its highest; {RATES}"
    )
    patience: Patience = 0

    _as_text = field_validator("target", "key", mode="before")(as_text)

    @field_validator("readout", mode="before")
    @classmethod
    def _readout_is_known(cls, value: object) -> object:
        text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        parts = [part.strip() for part in text.split(",")]
        if len(set(parts)) < len(parts) or not set(parts) <= set(READOUTS):
            raise ValueError(f"--readout names some of mean, sum and max as in mean,max, not '{text}'")
        return ",".join(parts)

    def reading(self) -> dict[str, Any]:
        """What reading graphs needs to know of the options."""
        names = ("target", "key", "id", "directed", "missing", "kinds")
        return {name: getattr(self, name) for name in names}
