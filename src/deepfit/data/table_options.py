"""The options that every task on tables shares, and how they are read as a source."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from deepfit.options import Options


class TableOptions(Options):
    """What to predict, how columns are read, and the network."""

    target: str | None = Field(None, description="column to predict")
    missing: str = Field(
        "", description="further words that mean a missing value, with commas between: n/a,unknown"
    )
    kinds: str = Field("", description="kinds that differ from the inferred ones: zip=category,id=ignore")
    network: Literal["tabm", "mlp"] = Field(
        "tabm", description="tabm: an ensemble in one network; mlp: the plain multilayer network"
    )

    @field_validator("target", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return None if value is None else str(value)

    def reading(self) -> dict[str, object]:
        """What reading a table needs to know of the options."""
        return {"target": self.target, "missing": self.missing, "kinds": self.kinds, "split": self.split}
