"""Which readings of sensors are out of the ordinary, after the readings before them.

Data: a table with one reading a row and a column of numbers for each thing that is measured; of one series or
of many side by side (`--series COLUMN`), ordered by time (`--time COLUMN`: dates or numbers) or as the rows
stand. All columns of numbers are watched, or those of `--values`; a column that only counts readings or never
changes within a series is not. Missing values are ordinary. Gaps in time divide a series into stretches. CSV,
TSV, Parquet, Arrow, JSON Lines, also as `.gz` or `.zst`; frames; named arrays. Optional: a column that says
which readings are anomalies (`--target COLUMN`, and `--anomaly VALUE` where it is not 1, true, yes or the
rarer of two), never an input: readings labelled so, and those whose window holds one, are left out of
training, and they are what scores are of. Held out is the last part of each series, or whole series
(`--split group:COLUMN`), never single readings, whose neighbours would give them away. The task is never
inferred: say `--task time-series-anomaly-detection`.

A network tells the last reading of a window from those before it, of which the latest are hidden: one
(--hidden 1,...), which finds what is sudden, and more, which finds what stays wrong for a while. With e the
error of a value in units of its root mean square on ordinary readings, `score` is the mean over these lengths
of log(1 + mean of e^2 over values). Scores by event use runs of consecutive readings as they are flagged,
without point adjustment (see `deepfit.metrics.anomalies`).

Answers: `prediction` (anomaly or ordinary: whether the score is above that of all but a share of the ordinary
readings of training and validation, `--contamination`), `score`, `why` (the value that is furthest from what
was expected) and `expected` (what it was expected to be).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from deepfit.answers import anomalies as answers_anomalies
from deepfit.baselines import anomalies as baselines_anomalies
from deepfit.contract import Answers, Baseline, Batch, Facts, Phase, Run, Splits
from deepfit.data.anomaly_options import AnomalyValues, as_written, check_anomaly
from deepfit.data.batches import num_rows
from deepfit.data.table_options import MissingWords
from deepfit.errors import DataError
from deepfit.metrics import anomalies as metrics_anomalies
from deepfit.options import Activation, Decay, Fraction
from deepfit.options import Options as SharedOptions

if TYPE_CHECKING:
    from torch import nn

    from deepfit.data.readings import Readings

STEPS = 1500
"""Steps that training takes where no number of epochs is given."""


class Options(SharedOptions):
    """How it is learned what readings are ordinary."""

    series: str | None = Field(
        None, description="column that names the series; by default unique_id or series where there is one"
    )
    time: str | None = Field(
        None,
        description="column that orders the readings; by default ds or timestamp, else the order of the rows",
    )
    values: str = Field(
        "", description="columns to watch, with commas between; by default all numbers that change"
    )
    target: str | None = Field(
        None, description="column that says which readings are anomalies: for scoring, never an input"
    )
    anomaly: AnomalyValues = None
    contamination: float = Field(
        0.002, gt=0, lt=0.5, description="share of ordinary readings that may be flagged: the validation "
        "readings set the threshold",
    )  # fmt: skip
    missing: MissingWords = ""
    window: int = Field(
        32, ge=2, le=4096, description="readings that the network looks at, the last included"
    )
    hidden: str = Field(
        "1,4,16", description="how many of the latest readings are hidden, the last included, in turn"
    )
    season: int = Field(
        0, ge=0, le=1_000_000, description="readings a season, for the baseline seasonal_z; 0 = no season"
    )
    network: Literal["mlp", "gru", "lstm", "temporal_cnn"] = Field(
        "mlp", description="mlp: the plain multilayer network over the whole window; others step by step"
    )
    activation: Activation = Field("auto", description="bend between the layers of mlp; auto: mish")
    width: int = Field(128, ge=4, le=4096, description="features of the network's layers")

    epochs: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="passes over the training readings; 0 = as many as 1,500 steps take",
    )
    weight_decay: Decay = 0.01
    test_fraction: Fraction = Field(
        0.2, description="share of readings, the last of each series, held out where no test data is named"
    )

    _as_text = field_validator("target", "anomaly", "series", "time", mode="before")(as_written)

    @model_validator(mode="after")
    def _everything_fits(self) -> Options:
        check_anomaly(self.anomaly, self.target)
        if self.activation != "auto" and self.network != "mlp":
            raise ValueError(f"--activation has no effect with --network {self.network}; it is of mlp")
        lengths = self.lengths()
        if not lengths or min(lengths) < 1 or max(lengths) >= self.window or len(set(lengths)) < len(lengths):
            raise ValueError(
                f"--hidden: expected different whole numbers from 1 to {self.window - 1} (one less than "
                f"--window) with commas between, received '{self.hidden}'"
            )
        return self

    def lengths(self) -> list[int]:
        """How many readings are hidden, shortest first; none where the option is not such a list."""
        words = [word.strip() for word in self.hidden.split(",") if word.strip()]
        return sorted(int(word) for word in words) if all(word.isdigit() for word in words) else []


class TimeSeriesAnomalyDetection:
    """See the file's docstring."""

    Options: ClassVar = Options
    main_metric: ClassVar[str] = "average_precision"
    classes: ClassVar[bool] = False
    supervised: ClassVar[bool] = False
    sections: ClassVar[tuple[str, ...]] = (
        "curves",
        "anomalous_readings",
        "anomaly_scores",
        "precision_recall",
        "most_anomalous",
    )

    def __init__(self, options: Options) -> None:
        self.options = options

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """Never: a series is mostly there to be forecast, so this task is asked for by its name."""
        return None

    def read(self, source: Any, facts: Facts | None = None) -> Readings:
        """The readings in the order of series and time, and which are anomalies where a column says so."""
        from deepfit.data.readings_read import read_readings

        options = self.options
        return read_readings(
            source,
            series=options.series,
            time=options.time,
            values=options.values,
            target=options.target,
            anomaly=options.anomaly,
            missing=options.missing,
            split=options.split,
            width=options.window,
            facts=facts,
        )

    def learn(self, train: Readings) -> Facts:
        """Median and interquartile range of each value, from the ordinary training readings."""
        from deepfit.data.readings import learn_readings

        facts = {
            **learn_readings(train),
            "window": self.options.window,
            "hidden": self.options.lengths(),
        }
        if not (train.all.clean()[train.places]).any():
            raise DataError(
                f"{train.name}: every window of {self.options.window} training readings holds an anomaly, so "
                "none shows what is ordinary. Use a shorter --window, or add ordinary readings."
            )
        return facts

    def encode(self, rows: Readings, facts: Facts) -> Batch:
        """`window` float32 [rows, window, 2 values], `ordinary` bool [rows], `target` bool [rows]."""
        from deepfit.data.readings import encode_readings

        return encode_readings(rows, facts)

    def build(self, facts: Facts) -> nn.Module:
        """The network that the options name, which tells the last reading from those that are not hidden."""
        from deepfit.nn.masked import Flat, MaskedWindow

        options, channels = self.options, len(facts["values"])
        if options.network == "mlp":
            bend = {} if options.activation == "auto" else {"activation": options.activation}
            body: nn.Module = Flat(facts["window"] * 2 * channels, options.width, **bend)
        elif options.network == "temporal_cnn":
            from deepfit.nn.nets.temporal_cnn import TemporalCNN

            body = TemporalCNN(2 * channels, (options.width,) * blocks_for(facts["window"]), dropout=0.0)
        else:
            from deepfit.nn.nets.gru import GRU
            from deepfit.nn.nets.lstm import LSTM

            body = {"gru": GRU, "lstm": LSTM}[options.network](2 * channels, options.width)
        return MaskedWindow(
            body,
            width=options.width,
            channels=channels,
            lengths=facts["hidden"],
            flat=options.network == "mlp",
        )

    def plan(self, net: Any, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """Telling the last of ordinary readings, then how large errors ordinarily are."""
        from deepfit.plans import anomalies

        rows = num_rows(anomalies.ordinary(data.train))
        steps_an_epoch = max(1, round(rows / self.options.batch_size))
        epochs = self.options.epochs or max(1, round(STEPS / steps_an_epoch))
        options = self.options.model_copy(update={"epochs": epochs})
        yield from anomalies.window_plan(net, data, options, run, contamination=options.contamination)

    def outputs(self, net: Any, batch: Batch, facts: Facts) -> Batch:
        """`score` [rows], `blame` and `expected` [rows, values], `floor` [rows]: the least threshold."""
        from deepfit.plans import anomalies

        return anomalies.window_outputs(net, batch)

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """The threshold, from the validation readings that are neither anomalies nor shortly after one.

        It is at least that of all ordinary readings: the last part of a series may be calmer than the rest.
        """
        keep = np.flatnonzero(batch["ordinary"])
        score = outputs["score"][keep if len(keep) else slice(None)]
        found = answers_anomalies.calibrate(score, {}, facts, self.options.contamination)
        floor = float(outputs["floor"][0]) if len(score) else 0.0
        return {**found, "threshold": max(found["threshold"], floor)}

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """Whether each reading is an anomaly, its score, the value that says so and what was expected."""
        why = outputs["blame"].argmax(1)
        told = outputs["expected"][np.arange(len(why)), why].astype(np.float64)
        expected = told * np.array(facts["scale"])[why] + np.array(facts["centre"])[why]
        return answers_anomalies.of_scores(
            outputs["score"],
            facts.get("threshold", np.inf),
            why=np.array(facts["values"])[why],
            expected=np.array(["" if np.isnan(each) else f"{each:.6g}" for each in expected.tolist()]),
        )

    def metrics(self, answers: Answers, rows: Readings) -> Mapping[str, float]:
        """By reading as for tables; by event precision, recall and F1 of runs, without point adjustment."""
        target = rows.target()
        if target is None:
            return {}
        flagged = answers_anomalies.flagged(answers)
        by_event = metrics_anomalies.events(flagged, target, rows.follows())
        return {**answers_anomalies.score(answers, target), **by_event}

    def baselines(self, data: Splits[Readings]) -> Iterator[Baseline]:
        """Seasonal or robust z-score, and isolation forests on readings, windows and changes."""
        facts = self.learn(data.train)
        parts = []
        for rows in (data.train, data.valid, data.held_out):
            clean = np.ones(len(rows), bool) if rows is data.held_out else rows.all.clean()[rows.places]
            parts.append(rows.take(np.flatnonzero(clean)))
        train, valid, test = (self.encode(part, facts) for part in parts)
        season = self.options.season
        phases = [(part.places - part.all.firsts[part.places]) % max(season, 1) for part in parts]
        found = baselines_anomalies.for_readings(
            train, valid, test, season=season, phases=phases, seed=self.options.seed
        )
        for name, scores, seconds in found:
            yield answers_anomalies.baseline(name, scores, seconds, self.options.contamination)

    @classmethod
    def tiny(cls, seed: int) -> tuple[TimeSeriesAnomalyDetection, Splits[Readings], Mapping[str, float]]:
        """Made pumps: pressure and flow swing together; twice in the test they part for a while."""
        rng = np.random.default_rng(seed)
        count, faulty = 700, np.zeros(700, bool)
        faulty[520:532] = faulty[610:630] = True
        phase = np.cumsum(rng.uniform(0.15, 0.25, count))
        pressure = np.sin(phase) + rng.normal(0, 0.05, count)
        flow = 3 * np.sin(phase + 0.5) + rng.normal(0, 0.15, count)
        flow[faulty] = 3 * np.sin(2.5 * phase[faulty] + 2)
        pressure[rng.random(count) < 0.02] = np.nan
        frame = {"reading": np.arange(count), "pressure": pressure, "flow": flow, "faulty": faulty}
        options = {"target": "faulty", "time": "reading", "window": 16, "hidden": "1,4", "width": 32}
        small = {"epochs": 12, "batch_size": 32, "learning_rate": 3e-3, "seed": seed, "threads": 1}
        task = cls(Options.model_validate({**options, **small}))
        rows = task.read(frame)
        parts = (slice(0, 380), slice(380, 480), slice(480, 700))
        goal = {"average_precision": 0.6}
        return task, Splits(*(rows.take(np.arange(count)[part]) for part in parts)), goal


def blocks_for(window: int) -> int:
    """Blocks of a temporal convolutional network with kernel 3 that together see a whole window."""
    blocks = 1
    while 1 + 4 * (2**blocks - 1) < window:
        blocks += 1
    return blocks
