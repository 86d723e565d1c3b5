"""The next values of time series, with intervals.

Data: a long table with one row a time stamp: `unique_id, ds, y`, or `--time COLUMN --target COLUMN` (several
targets with commas make a series each) and, where the table holds several series, `--series COLUMN`. Files
and frames as for tables. `--known COLUMN,COLUMN` are covariates that are known in advance (a holiday, a
price, a planned event), `--past COLUMN,COLUMN` those that are only known of the past (the weather); numbers
or categories. Stamps are minutes to years apart, month ends and business days included, or whole numbers;
they need not be sorted. Missing, repeated and irregular stamps are named, and `--fill` and `--duplicates`
say what to do.

The last part of each series is held out, never rows at random; `--split column:NAME` takes the parts from a
column that says train or test. Scores are of rolling origins: forecasts of `--horizon` points, one block
after the other, each made from the values before it.

Answers: one row a point with `prediction` (the median), `low_80`, `high_80`, `low_95` and `high_95`.
`predict` takes the history and forecasts the points after it; where covariates are known in advance, the
history ends with rows that hold them and an empty target.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from deepfit.baselines import series as baselines_series
from deepfit.contract import Answers, Baseline, Batch, Facts, Phase, Run, Splits
from deepfit.metrics import series as metrics_series
from deepfit.options import RATES, AverageDecay, Decay, Options, Patience, Rate

if TYPE_CHECKING:
    from torch import nn

    from deepfit.data.series import SeriesRows

CALIBRATION_ROWS = 50
"""Held-out points from which intervals can be calibrated."""


class SeriesOptions(Options):
    """Which columns hold what, how far to look ahead and back, and the network."""

    target: str | None = Field(None, description="column of the values, several with commas; without it: y")
    time: str = Field("", description="column of the time stamps; without it: ds")
    series: str = Field(
        "", description="column that names the series; without it: unique_id, if there is one"
    )
    known: str = Field("", description="covariates known in advance, with commas between")
    past: str = Field("", description="covariates known of the past only, with commas between")
    horizon: int = Field(14, ge=1, le=1000, description="points to forecast")
    season: int = Field(
        0, ge=0, le=100_000, description="points in a season; 0 = found by the frequency and the values"
    )
    lookback: int = Field(
        0,
        ge=0,
        le=10_000,
        description="points before the forecast that are looked at; 0 = by horizon and season",
    )
    fill: Literal["error", "interpolate", "previous", "zero"] = Field(
        "error", description="what stands in for missing stamps and values"
    )
    duplicates: Literal["error", "mean", "sum", "last"] = Field(
        "error", description="what becomes of values with the same stamp in one series"
    )
    network: Literal["tide", "lstm", "gru", "rnn", "temporal_cnn"] = Field(
        "tide", description="tide: dense layers with covariates; the others read the past step by step"
    )

    epochs: int = Field(
        0, ge=0, le=1_000_000, description="passes over the training windows; 0 = about 2,000 steps"
    )
    batch_size: int = Field(64, ge=1, le=1_000_000, description="windows a step")
    learning_rate: Rate | Literal["auto"] = Field(1e-3, description=f"step size at its highest; {RATES}")
    weight_decay: Decay = 0.01
    valid_fraction: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="share of the other rows, the last, to choose the best epoch and calibrate",
    )
    ema: AverageDecay = 0.99
    patience: Patience = 10

    @field_validator("target", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return (
            ",".join(map(str, value))
            if isinstance(value, list | tuple)
            else None
            if value is None
            else str(value)
        )

    @model_validator(mode="after")
    def _looks_far_enough(self) -> SeriesOptions:
        if self.season and self.lookback and self.lookback < 2:
            raise ValueError(
                "--lookback 1 sees no season, so --season has no effect on it; look back farther"
            )
        return self


class TimeSeriesForecasting:
    """See the file's docstring."""

    Options: ClassVar = SeriesOptions
    main_metric: ClassVar[str] = "-mase"
    classes: ClassVar[bool] = False
    sections: ClassVar[tuple[str, ...]] = ("curves", "forecasts", "horizon", "covariates", "coverage")

    def __init__(self, options: SeriesOptions) -> None:
        self.options = options

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """The forecasters' column names are the reason."""
        from deepfit.data.conventions import convention

        found = convention(source, target)
        return found[1] if found is not None and found[0] == "series" else None

    def read(self, source: Any, facts: Facts | None = None) -> SeriesRows:
        """The series, each on its grid; with facts, the points to forecast."""
        from deepfit.data.series_read import Reading, read_series

        options = self.options
        horizon = options.horizon if facts is None else int(facts["horizon"])
        reading = Reading(
            options.time, options.series, _names(options.target), _names(options.known), _names(options.past),
            options.fill, options.duplicates, options.split, horizon,
        )  # fmt: skip
        return read_series(source, reading, facts)

    def learn(self, train: SeriesRows) -> Facts:
        """Season, lookback, scales and how covariates are encoded."""
        from deepfit.data.series_encoding import learn_series

        return learn_series(train, season=self.options.season, lookback=self.options.lookback)

    def encode(self, rows: SeriesRows, facts: Facts) -> Batch:
        """See `series_encoding.encode_series`."""
        from deepfit.data.series_encoding import encode_series

        return encode_series(rows, facts)

    def build(self, facts: Facts) -> nn.Module:
        """The network that the options name, as a forecaster."""
        from deepfit.plans import series

        return series.network(self.options.network, facts, series.num_features(facts))

    def plan(self, net: nn.Module, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """The quantile loss over the levels, in units of each series' seasonal naive error.

        The epoch with the best crps of rolling origins over the validation points is kept.
        """
        from deepfit.plans import series

        valid, actual = data.valid, np.asarray(data.valid["target"])
        unit = valid["scale"] * valid["deviation"]

        def score() -> Mapping[str, float]:
            answers = self.decode(self.outputs(net, valid, facts), facts).columns
            in_units = {name: (answers[name] - valid["centre"]) / unit for name in metrics_series.LEVELS}
            scores = metrics_series.forecasts(in_units, (actual - valid["centre"]) / unit, np.ones(len(unit)))
            return {"mase": scores["mase"], "crps": scores["crps"], "coverage_80": scores["coverage_80"]}

        yield from series.plan(net, data, self.options, facts, run, score=score, best="-crps")

    def outputs(self, net: nn.Module, batch: Batch, facts: Facts) -> Batch:
        """`quantiles` float64 [rows, levels], ascending, in the unit of each series."""
        from deepfit.plans import series

        return {"quantiles": series.quantiles(net, batch)}

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """Facts with the factors by which each interval grows or shrinks around the median.

        The factor is the smallest with which the interval would have held its share of the held-out values
        (split conformal prediction: Vovk et al. 2005; Romano et al. 2019, arXiv 1905.03222, with a factor in
        place of a margin, since series differ in scale). Within 0.5 and 3; none from fewer than 50 points.
        """
        if "target" not in batch or len(batch["target"]) < CALIBRATION_ROWS:
            return facts
        columns = self.decode(outputs, {**facts, "widths": {}}).columns
        widths = {}
        for share in (80, 95):
            said, actual = columns["prediction"], np.asarray(batch["target"])
            below = (said - actual) / np.maximum(said - columns[f"low_{share}"], 1e-12)
            above = (actual - said) / np.maximum(columns[f"high_{share}"] - said, 1e-12)
            level = min(1.0, np.ceil((len(actual) + 1) * share / 100) / len(actual))
            widths[str(share)] = float(np.clip(np.quantile(np.maximum(below, above), level), 0.5, 3.0))
        return {**facts, "widths": widths}

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """The median, and the intervals calibrated around it."""
        from deepfit.data.series_encoding import QUANTILES

        found = {
            name: outputs["quantiles"][:, QUANTILES.index(level)]
            for name, level in metrics_series.LEVELS.items()
        }
        said = found["prediction"]
        for share, width in facts.get("widths", {}).items():
            for side in ("low", "high"):
                found[f"{side}_{share}"] = said + width * (found[f"{side}_{share}"] - said)
        for side, outermost in (("low", np.minimum), ("high", np.maximum)):
            found[f"{side}_95"] = outermost(found[f"{side}_95"], found[f"{side}_80"])
        return Answers(
            {name: found[name] for name in ("prediction", "low_80", "high_80", "low_95", "high_95")}
        )

    def metrics(self, answers: Answers, rows: SeriesRows) -> Mapping[str, float]:
        """See `metrics_series.forecasts`; the scale of `mase` is that of each series' training rows."""
        target = rows.target()
        if target is None:
            return {}
        scales = np.array([rows.table.scale_of(each) for each in rows.table.ids])
        return metrics_series.forecasts(answers.columns, target, scales[rows.table.codes[rows.index]])

    def baselines(self, data: Splits[SeriesRows]) -> Iterator[Baseline]:
        """Seasonal naive, Holt-Winters exponential smoothing, ridge regression."""
        from deepfit.data.series import SeriesRows
        from deepfit.plans import series

        facts = self.learn(data.train)
        test = data.held_out
        both = np.concatenate([data.train.index, data.valid.index])
        shared = data.valid.table is data.train.table
        train = SeriesRows(data.train.table, np.unique(both)) if shared else data.train
        windows = series.training_windows(self.encode(train, facts), facts)
        batches = (windows, self.encode(test, facts))
        for name, columns, seconds in baselines_series.for_series(train, test, batches, facts):
            yield Baseline(name, Answers(columns), seconds)

    @classmethod
    def tiny(cls, seed: int) -> tuple[TimeSeriesForecasting, Splits[SeriesRows], Mapping[str, float]]:
        """Two shops' daily sales: a week, a trend, a price known in advance that moves them, and noise."""
        rng = np.random.default_rng(seed)
        days, shops = 160, ("harbour", "station")
        day = np.arange(days)
        columns: dict[str, list[Any]] = {name: [] for name in ("unique_id", "ds", "y", "price", "visitors")}
        for number, shop in enumerate(shops):
            level = 20.0 * 3**number
            price = rng.choice([0.0, 1.0], days, p=[0.7, 0.3])
            visitors = rng.normal(0, 1, days)
            week = np.sin(2 * np.pi * (day + number) / 7)
            sold = level * (1 + 0.3 * week + 0.001 * day - 0.4 * price + rng.normal(0, 0.05, days))
            columns["unique_id"] += [shop] * days
            columns["ds"] += list(np.datetime64("2024-01-01") + day)
            columns["y"] += list(sold)
            columns["price"] += list(price)
            columns["visitors"] += list(visitors)
        options = {
            "horizon": 7, "known": "price", "past": "visitors", "epochs": 8, "batch_size": 32,
            "learning_rate": 0.004, "seed": seed, "threads": 1,
        }  # fmt: skip
        task = cls(SeriesOptions.model_validate(options))
        frame = {name: np.array(values) for name, values in columns.items()}
        rows = task.read(frame)
        place = np.tile(day, len(shops))
        parts = (place < 104, (place >= 104) & (place < 132), place >= 132)
        return task, Splits(*(rows.take(np.flatnonzero(part)) for part in parts)), {"mase": 0.6}


def _names(given: str | None) -> list[str]:
    return [name.strip() for name in (given or "").split(",") if name.strip()]
