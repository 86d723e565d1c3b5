"""The options that every task on tables shares."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from deepfit.options import (
    RATES,
    Activation,
    AverageDecay,
    Decay,
    Options,
    Patience,
    RateSchedule,
    Warmup,
    as_text,
)

MissingWords = Annotated[
    str, Field(description="further words that mean a missing value, with commas between: n/a,unknown")
]
ColumnKinds = Annotated[
    str, Field(description="kinds that differ from the inferred ones: zip=category,id=ignore")
]


class TableOptions(Options):
    """What to predict, how columns are read, the network, and defaults that need no tuning.

    The defaults were chosen by cross-validation within the training rows of two real sets; see
    `benchmarks/quality_tables.py`.
    """

    target: str | None = Field(None, description="column to predict")
    missing: MissingWords = ""
    kinds: ColumnKinds = ""
    network: Literal["realmlp", "tabm", "mlp"] = Field(
        "realmlp",
        description="realmlp: eight networks with periodic embeddings of numbers; tabm: members that share "
        "their weights; mlp: the plain multilayer network",
    )
    activation: Activation = Field(
        "auto", description="bend between the layers; auto: mish in realmlp, relu in tabm and mlp"
    )

    epochs: int = Field(
        0, ge=0, le=1_000_000, description="passes over the training rows; 0 = 100, fewer above 80,000 rows"
    )
    batch_size: int = Field(
        0, ge=0, le=10_000_000, description="rows a step; 0 = 128, up to 4,096 on large tables"
    )
    learning_rate: Annotated[float, Field(ge=0, le=100)] | Literal["auto"] = Field(
        0.0, description=f"step size at its highest; 0 = 0.01 realmlp, 0.003 tabm, 0.001 mlp; {RATES}"
    )
    weight_decay: Decay = 0.02
    schedule: RateSchedule = "constant"
    warmup: Warmup = 0.0
    ema: AverageDecay = 0.99
    patience: Patience = 16

    _as_text = field_validator("target", mode="before")(as_text)

    def reading(self) -> dict[str, Any]:
        """What reading a table needs to know of the options."""
        return {"target": self.target, "missing": self.missing, "kinds": self.kinds, "split": self.split}
