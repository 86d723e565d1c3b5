"""The options that every task on graphs shares: how the files are read, the network, how it is trained."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from deepfit.data.table_options import ColumnKinds, MissingWords
from deepfit.options import (
    RATES,
    Activation,
    AverageDecay,
    Decay,
    Options,
    Patience,
    RateSchedule,
    ValidFraction,
    Warmup,
    as_text,
)

GraphNetworkName = Annotated[
    Literal["gcn", "sage", "gatv2", "gin"],
    Field(
        description="how a node hears its neighbours; gcn: a weighted mean; sage: their mean beside its own; "
        "gatv2: attention; gin: their sum"
    ),
]


class GraphNetworkOptions(Options):
    """What every task on graphs is told: how the files are read, and the layers."""

    id: str = Field(
        "auto", description="column of nodes.csv that edges refer to; auto: id, node or the first"
    )
    directed: bool = Field(False, description="edges lead from source to target only")
    missing: MissingWords = ""
    kinds: ColumnKinds = ""

    network: GraphNetworkName = "sage"
    layers: int = Field(2, ge=1, le=64, description="how many edges away a node is heard")
    width: int = Field(128, ge=2, le=8192, description="features of a node between the layers")
    heads: int = Field(4, ge=1, le=64, description="of attention; of gatv2")
    activation: Activation = Field("auto", description="bend between the layers; auto: relu")
    dropout: float = Field(0.5, ge=0, lt=1, description="share of features dropped before each layer")
    norm: Literal["none", "layer", "batch"] = Field("layer", description="normalisation after hidden layers")
    skip: bool = Field(True, description="a layer adds a linear map of what came in; sage has its own")

    weight_decay: Decay = 0.01
    schedule: RateSchedule = "cosine"
    warmup: Warmup = 0.05
    ema: AverageDecay = 0.0
    valid_fraction: ValidFraction = 0.15

    _id_as_text = field_validator("id", mode="before")(as_text)

    @model_validator(mode="after")
    def _fits_the_network(self) -> GraphNetworkOptions:
        if self.network != "gatv2" and self.heads != type(self).model_fields["heads"].default:
            raise ValueError(f"--heads has no effect with --network {self.network}; it is of gatv2")
        if self.network == "sage" and not self.skip:
            raise ValueError("--skip has no effect with --network sage, which has a skip of its own")
        if self.network == "gatv2" and self.width % self.heads:
            raise ValueError(f"--width {self.width} does not divide into {self.heads} heads")
        return self


class GraphOptions(GraphNetworkOptions):
    """How a graph is read and which network reads it."""

    target: str | None = Field("label", description="column of nodes.csv to predict")
    words: str = Field(
        "auto",
        description="column that holds several words, or their numbers; auto: `words`, or columns of text; "
        "none: no such column is read",
    )
    vocabulary: int = Field(
        1024, ge=1, le=100_000, description="words that are inputs, at most: those of most nodes"
    )
    features: Literal["auto", "columns", "structure", "learned"] = Field(
        "auto",
        description="what is known of a node before its neighbours are heard; columns: those of nodes.csv; "
        "structure: its degrees; learned: a vector of its own, so new nodes are not answered; auto: columns "
        "where there are some, else learned",
    )

    neighbours: str = Field(
        "all",
        description="all: the whole graph at each step; or how many edges into each node are drawn at each "
        "hop, as in 15,10, so that the graph may be larger than memory",
    )

    epochs: int = Field(200, ge=1, le=1_000_000, description="passes over the training nodes")
    batch_size: int = Field(
        1024, ge=1, le=10_000_000, description="nodes a step, where neighbours are drawn; else all at once"
    )
    learning_rate: Annotated[float, Field(gt=0, le=100)] | Literal["auto"] = Field(
        0.01, description=f"step size at its highest; {RATES}"
    )
    patience: Patience = 100

    _as_text = field_validator("target", "words", mode="before")(as_text)

    @field_validator("neighbours", mode="before")
    @classmethod
    def _neighbours_are_counts(cls, value: object) -> object:
        text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        parts = [part.strip() for part in text.split(",")]
        if text != "all" and not all(part.isdigit() and int(part) > 0 for part in parts):
            raise ValueError(f"--neighbours is all, or numbers with commas between as in 15,10, not '{text}'")
        return text if text == "all" else ",".join(parts)

    @model_validator(mode="after")
    def _a_hop_for_each_layer(self) -> GraphOptions:
        if self.neighbours != "all" and len(self.neighbours.split(",")) != self.layers:
            raise ValueError(
                f"--neighbours {self.neighbours} names {len(self.neighbours.split(','))} hops, and there are "
                f"{self.layers} layers, each of which hears one; name one number a layer"
            )
        return self

    @model_validator(mode="after")
    def _batches_have_an_effect(self) -> GraphOptions:
        default = type(self).model_fields["batch_size"].default
        if self.neighbours == "all" and self.batch_size != default:
            raise ValueError(
                "--batch-size has no effect where the whole graph is one step; name --neighbours too, as in "
                "15,10"
            )
        return self

    @property
    def hops(self) -> tuple[int, ...]:
        """Edges drawn into each node at each hop; none where the whole graph is seen."""
        return () if self.neighbours == "all" else tuple(int(part) for part in self.neighbours.split(","))

    def reading(self) -> dict[str, Any]:
        """What reading a graph needs to know of the options."""
        return {
            "id": self.id,
            "directed": self.directed,
            "missing": self.missing,
            "kinds": self.kinds,
            "split": self.split,
        }
