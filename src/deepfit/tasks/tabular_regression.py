"""A number for each row of a table.

Data: a table with a column to predict (`--target COLUMN`) that holds numbers, and any other columns: numbers,
categories, dates and times; missing cells are ordinary. CSV, TSV, Parquet, Arrow, JSON Lines, each of the
text ones also as `.gz` or `.zst`; pandas and polars frames; named arrays; a pair (X, y). Columns of free
text, identifiers and constants are not used, and that is said.

Answers: `prediction`, in the unit of the target.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from deepfit import baselines, metrics
from deepfit.contract import Answers, Baseline, Batch, Facts, Phase, Run, Splits
from deepfit.data.batches import join
from deepfit.data.labels import targets_of
from deepfit.data.table_options import TableOptions

if TYPE_CHECKING:
    from torch import nn

    from deepfit.data.table_rows import TableRows


class Options(TableOptions):
    """How a number is learned from a table."""

    target_transform: Literal["auto", "none", "log"] = Field(
        "auto",
        description="what is learned: the target or its logarithm; auto: the logarithm of skewed amounts",
    )


class TabularRegression:
    """See the file's docstring."""

    Options: ClassVar = Options
    main_metric: ClassVar[str] = "-rmse"
    classes: ClassVar[bool] = False
    sections: ClassVar[tuple[str, ...]] = ("curves", "predicted_actual", "most_wrong", "columns")

    def __init__(self, options: Options) -> None:
        self.options = options

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """A target of many numbers is the reason."""
        from deepfit.data import targets

        return targets.reason(source, target, "regression")

    def read(self, source: Any, facts: Facts | None = None) -> TableRows:
        """The rows, each column in the type of its kind."""
        from deepfit.data.table_rows import read_rows

        return read_rows(source, **self.options.reading(), goal="regression", columns=facts)

    def learn(self, train: TableRows) -> Facts:
        """How columns are encoded, and the target's mean and deviation."""
        from deepfit.data import labels
        from deepfit.data.table_encoding import learn_columns

        values = targets_of(train)
        transform = self.options.target_transform
        if transform == "auto":
            transform = "log" if labels.log_fits_better(values) else "none"
        return {**learn_columns(train), "target": labels.learn_target(values, transform)}

    def encode(self, rows: TableRows, facts: Facts) -> Batch:
        """`numbers` float32 [rows, numbers], `categories` int32 [rows, categories].

        `target` float32 [rows] of deviation 1.
        """
        from deepfit.data import labels
        from deepfit.data.table_encoding import encode_columns

        batch = encode_columns(rows, facts)
        values = rows.target()
        return batch if values is None else {**batch, "target": labels.encode_target(values, facts["target"])}

    def build(self, facts: Facts) -> nn.Module:
        """One output a member."""
        from deepfit.plans import tables

        return tables.network(self.options, facts, 1)

    def plan(self, net: nn.Module, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """Supervised learning by squared error.

        The epoch with the least validation error is kept, on the scale that is learned (where a few extreme
        rows of a skewed target do not decide alone).
        """
        from deepfit.nn.losses import mean_squared_error, over_members
        from deepfit.plans import tables

        actual = data.valid["target"]

        def score() -> Mapping[str, float]:
            said = self.outputs(net, data.valid, facts)["value"]
            scores = metrics.regression(self.in_units(said, facts), self.in_units(actual, facts))
            scaled = metrics.regression(said, actual)["rmse"]
            return {"rmse": scores["rmse"], "mae": scores["mae"], "scaled_rmse": scaled}

        yield from tables.plan(
            net,
            data,
            self.options,
            run,
            loss=lambda outputs, batch: over_members(mean_squared_error, outputs[..., 0], batch["target"]),
            score=score,
            best="-scaled_rmse",
        )

    def in_units(self, values: np.ndarray, facts: Facts) -> np.ndarray:
        """Encoded values in the unit of the target."""
        from deepfit.data import labels

        return labels.decode_target(values, facts["target"])

    def outputs(self, net: nn.Module, batch: Batch, facts: Facts) -> Batch:
        """`value` float32 [rows]: the members' mean."""
        from deepfit.plans import tables

        return {"value": tables.outputs(net, batch, lambda outputs: outputs[..., 0].mean(1))}

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """Nothing to calibrate."""
        return facts

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """The predicted values in the target's unit."""
        return Answers({"prediction": self.in_units(outputs["value"], facts)})

    def metrics(self, answers: Answers, rows: TableRows) -> Mapping[str, float]:
        """RMSE, mean and median absolute error, R2."""
        return metrics.regression(answers.columns["prediction"], targets_of(rows))

    def baselines(self, data: Splits[TableRows]) -> Iterator[Baseline]:
        """The mean, ridge regression, gradient boosting."""
        facts = self.learn(data.train)
        train = join(self.encode(data.train, facts), self.encode(data.valid, facts))
        test = self.encode(data.held_out, facts)
        train["target"] = np.concatenate([targets_of(data.train), targets_of(data.valid)])
        for name, values, seconds in baselines.for_regression(train, test, seed=self.options.seed):
            yield Baseline(name, Answers({"prediction": values}), seconds)

    @classmethod
    def tiny(cls, seed: int) -> tuple[TabularRegression, Splits[TableRows], Mapping[str, float]]:
        """Prices of made flats: 400 rows with two numbers, a category, a date and missing cells."""
        rng = np.random.default_rng(seed)
        count = 400
        area, floor = rng.uniform(20, 150, count), rng.integers(0, 12, count).astype(float)
        district = rng.choice(["centre", "north", "south"], count)
        sold = np.datetime64("2020-01-01") + rng.integers(0, 1000, count)
        bonus = np.select([district == "centre", district == "north"], [300.0, 100.0], 0.0)
        price = 10 * area + bonus + 5 * floor + rng.normal(0, 30, count)
        floor[rng.random(count) < 0.1] = np.nan
        frame = {"area": area, "floor": floor, "district": district, "sold": sold, "price": price}
        options = {"target": "price", "epochs": 12, "batch_size": 32, "seed": seed, "threads": 1}
        task = cls(Options.model_validate(options))
        rows = task.read(frame)
        parts = (slice(0, 240), slice(240, 300), slice(300, 400))
        return task, Splits(*(rows.take(np.arange(count)[part]) for part in parts)), {"r2": 0.9}
