"""The options that every task of clustering shares."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from deepfit.options import RATES, Activation, ClipNorm, Decay, Options, as_text

MOST_CHOSEN = 20
"""The most clusters among which a number is chosen."""
NEARLY = 0.02
"""Silhouettes that are no further apart count as equal; the least number of clusters is then taken."""


class ClusterOptions(Options):
    """How many clusters, how they are found, and defaults that need no tuning."""

    target: str | None = Field(
        None, description="column of known groups: for scoring, never an input nor seen in training"
    )
    clusters: int = Field(
        0, ge=0, le=1000, description="how many clusters; 0 = chosen, 2 to 20, by the silhouette among codes"
    )
    method: Literal["idec", "dec"] = Field(
        "idec",
        description="what the refinement keeps of the pretraining; idec: all of it, dec: nothing (arXiv "
        "1511.06335)",
    )
    neighbours: int = Field(
        15, ge=0, le=1000, description="nearest rows that codes are drawn to; 0 = none, the autoencoder alone"
    )
    tolerance: float = Field(
        0.001,
        ge=0,
        lt=1,
        description="share of training rows that change their cluster in a round of refinement at which it "
        "stops",
    )

    activation: Activation = Field("auto", description="bend between the layers; auto: relu")
    code: int = Field(10, ge=2, le=1024, description="numbers that a row is squeezed into")

    epochs: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="passes over the training rows in pretraining; 0 = as many as 2,000 steps take; a round "
        "of refinement is a tenth of it",
    )
    batch_size: int = Field(
        0, ge=0, le=10_000_000, description="rows a step; 0 = 16 to 128, up to 1,024 on large tables"
    )
    learning_rate: Annotated[float, Field(gt=0, le=100)] | Literal["auto"] = Field(
        3e-3, description=f"step size at its highest; {RATES}"
    )
    weight_decay: Decay = 0.01
    clip_norm: ClipNorm = 1.0
    valid_fraction: float = Field(
        0.1, gt=0, lt=1, description="share of the other rows held out to follow the autoencoder's error"
    )

    @field_validator("clusters")
    @classmethod
    def _more_than_one(cls, value: int) -> int:
        if value == 1:
            raise ValueError("one cluster holds every row, so nothing is found; ask for 2 or more, or 0")
        return value

    _as_text = field_validator("target", mode="before")(as_text)

    @model_validator(mode="after")
    def _nothing_is_scored_to_stop_by(self) -> ClusterOptions:
        if self.patience:
            raise ValueError(
                "--patience has no effect here, since no score says which epoch is best; --tolerance says "
                "when the refinement stops"
            )
        return self

    @property
    def slots(self) -> int:
        """Clusters that the network has room for."""
        return self.clusters or MOST_CHOSEN
