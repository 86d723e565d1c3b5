"""A number for each row of a table.

Data: a table with a column to predict (`--target COLUMN`) that holds numbers, and any other columns: numbers,
categories, dates and times; missing cells are ordinary. CSV, TSV, Parquet, Arrow, JSON Lines, each of the
text ones also as `.gz` or `.zst`; pandas and polars frames; named arrays; a pair (X, y). Columns of free
text, identifiers and constants are not used, and that is said.

Answers: `prediction`, in the unit of the target. What it is of the target, the loss decides: the mean
(mean_squared_error, poisson), the median (mean_absolute_error), between the two (huber, log_cosh), or a
quantile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import model_validator

from deepfit import baselines, metrics
from deepfit.contract import Answers, Baseline, Batch, Facts, Phase, Run, Splits
from deepfit.data.batches import join
from deepfit.data.labels import targets_of
from deepfit.data.table_options import TableOptions
from deepfit.options import HuberDelta, QuantileShare, RegressionLoss, TargetTransform, check_transform

if TYPE_CHECKING:
    from torch import nn

    from deepfit.data.table_rows import TableRows


class Options(TableOptions):
    """How a number is learned from a table."""

    target_transform: TargetTransform = "auto"
    loss: RegressionLoss = "mean_squared_error"
    huber_delta: HuberDelta = 1.0
    quantile: QuantileShare = 0.5

    @model_validator(mode="after")
    def _poisson_has_its_own_logarithm(self) -> Options:
        check_transform(self.loss, self.target_transform)
        return self


class TabularRegression:
    """See the file's docstring."""

    Options: ClassVar = Options
    main_metric: str = "-rmse"
    classes: ClassVar[bool] = False
    sections: ClassVar[tuple[str, ...]] = ("curves", "predicted_actual", "most_wrong", "columns")

    def __init__(self, options: Options) -> None:
        self.options = options
        if options.loss == "quantile":  # answers that are no means are not judged as means
            self.main_metric = "-pinball"

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """A target of many numbers is the reason."""
        from deepfit.data import targets

        return targets.reason(source, target, "regression")

    def read(self, source: Any, facts: Facts | None = None) -> TableRows:
        """The rows, each column in the type of its kind; DataError where the loss asks for more."""
        from deepfit.data.amounts import check_from_zero, quantile_concern
        from deepfit.data.table_rows import read_rows

        rows = read_rows(source, **self.options.reading(), goal="regression", columns=facts)
        if facts is None and self.options.loss == "poisson":
            check_from_zero(rows)
        if facts is None and self.options.loss == "quantile" and self.options.quantile != 0.5:
            rows.notes = [*rows.notes, quantile_concern(rows, self.options.quantile)]
        return rows

    def learn(self, train: TableRows) -> Facts:
        """How columns are encoded, and the target's mean and deviation."""
        from deepfit.data.amounts import learn_amounts
        from deepfit.data.table_encoding import learn_columns

        return {**learn_columns(train), "target": learn_amounts(targets_of(train), self.options)}

    def encode(self, rows: TableRows, facts: Facts) -> Batch:
        """`numbers` float32 [rows, numbers], `categories` int32 [rows, categories].

        `target` float32 [rows] of deviation 1, for poisson of mean 1.
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
        """Supervised learning by the loss that the options name.

        The epoch with the least validation error is kept, on the scale that is learned (where a few extreme
        rows of a skewed target do not decide alone): the error is that loss, for squared error its root.
        """
        from deepfit.nn.losses import over_members
        from deepfit.plans import objectives, tables

        objective = objectives.of_amounts(self.options)
        squared = self.options.loss == "mean_squared_error"
        actual = data.valid["target"]

        def score() -> Mapping[str, float]:
            said = self.outputs(net, data.valid, facts)["value"]
            scores = metrics.regression(self.in_units(said, facts), self.in_units(actual, facts))
            scaled = metrics.regression(said, actual)["rmse"]
            found = {"rmse": scores["rmse"], "mae": scores["mae"], "scaled_rmse": scaled}
            return found if squared else {**found, "loss": self.loss_of(said, actual)}

        yield from tables.plan(
            net,
            data,
            self.options,
            run,
            loss=lambda outputs, batch: over_members(objective, outputs[..., 0], batch["target"]),
            score=score,
            best="-scaled_rmse" if squared else "-loss",
        )

    def loss_of(self, said: np.ndarray, actual: np.ndarray) -> float:
        """The loss per row of values and targets on the scale that is learned."""
        from deepfit.plans import objectives

        if self.options.loss == "poisson":
            said = np.log(np.maximum(said, np.finfo(np.float32).tiny))
        return objectives.mean_of(objectives.of_amounts(self.options), said, actual)

    def in_units(self, values: np.ndarray, facts: Facts) -> np.ndarray:
        """Encoded values in the unit of the target."""
        from deepfit.data import labels

        return labels.decode_target(values, facts["target"])

    def outputs(self, net: nn.Module, batch: Batch, facts: Facts) -> Batch:
        """`value` float32 [rows]: the members' mean; for poisson, whose outputs are log rates, of rates."""
        from deepfit.plans import tables

        rates = self.options.loss == "poisson"

        def joined(outputs: Any) -> Any:
            values = outputs[..., 0]
            return (values.exp() if rates else values).mean(1)

        return {"value": tables.outputs(net, batch, joined)}

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """Nothing to calibrate."""
        return facts

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """The predicted values in the target's unit."""
        return Answers({"prediction": self.in_units(outputs["value"], facts)})

    def metrics(self, answers: Answers, rows: TableRows) -> Mapping[str, float]:
        """RMSE, mean and median absolute error, R2; for quantile its own score, the pinball loss."""
        said, actual = answers.columns["prediction"], targets_of(rows)
        scores = metrics.regression(said, actual)
        if self.options.loss == "quantile" and scores:
            scores["pinball"] = metrics.pinball(said, actual, self.options.quantile)
        return scores

    def baselines(self, data: Splits[TableRows]) -> Iterator[Baseline]:
        """The mean, ridge regression, gradient boosting; for quantile a constant and gradient boosting."""
        facts = self.learn(data.train)
        train = join(self.encode(data.train, facts), self.encode(data.valid, facts))
        test = self.encode(data.held_out, facts)
        train["target"] = np.concatenate([targets_of(data.train), targets_of(data.valid)])
        if self.options.loss == "quantile":
            found = baselines.for_quantile(train, test, self.options.quantile, seed=self.options.seed)
        else:
            found = baselines.for_regression(train, test, seed=self.options.seed)
        for name, values, seconds in found:
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
