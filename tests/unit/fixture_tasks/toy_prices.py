"""Guess the price of toys from their size.

Data: a table with a column of prices.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, Field

from deepfit import options


class ToyPrices:
    class Options(options.Options):
        target: str = Field(description="column to predict")
        crop_px: int = Field(4, ge=0, le=64, description="border that is cut off")
        colour: Literal["red", "blue"] = Field("red", description="paint of the toys")
        polish: bool = Field(True, description="rub the toys first")
        numbers: tuple[str, ...] = Field((), description="columns to read as numbers")
        kinds: dict[str, str] = Field(default_factory=dict, description="kind of a column")
        limit: float | None = Field(None, gt=0, description="highest price")
        epochs: int = Field(7, ge=1, le=1_000_000, description="passes over the training rows")

    main_metric: ClassVar[str] = "-rmse"

    def __init__(self, options: BaseModel) -> None:
        self.options = options

    @classmethod
    def suits(cls, source, target):
        return f"'{target}' is a number" if str(source).endswith(".csv") and target is not None else None
