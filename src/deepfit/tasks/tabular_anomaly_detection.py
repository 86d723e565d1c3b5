"""Which rows of a table are out of the ordinary, and by which column.

Data: a table of rows that are ordinary for the most part: numbers, categories, dates and times; missing cells
are ordinary. CSV, TSV, Parquet, Arrow, JSON Lines, each of the text ones also as `.gz` or `.zst`; pandas and
polars frames; named arrays. Optional: a column that says which rows are anomalies (`--target COLUMN`), never
an input: rows labelled so are left out of training, and are what scores are of. Which of its values means an
anomaly: `--anomaly VALUE`; else yes, true or 1 of two such values; else the rarer of two. Without a target
the network learns from all rows and ranks them, and nothing can be scored. The task is never inferred: say
`--task tabular-anomaly-detection`.

A network is trained to tell hidden cells from the others. A row is scored with random halves of its columns
hidden in turn: a column's error is squared for numbers (on the scale of asinh, so that extremes stand out and
do not drown the rest) and the cross-entropy for categories. Its surprise s is the error in deviations above
the mean of ordinary rows, and `score` is the mean over columns of log(1 + max(0, 1 + s)).

Answers: `prediction` (anomaly or ordinary: whether the score is above that of all but a share of the
validation rows, `--contamination`), `score` (the higher, the more unusual), `why` (the column that is
furthest from what was expected) and `expected` (what it was expected to be).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from deepfit.answers import anomalies as answers_anomalies
from deepfit.baselines import anomalies as baselines_anomalies
from deepfit.contract import Answers, Baseline, Batch, Facts, Phase, Run, Splits
from deepfit.data.anomaly_options import AnomalyValues, as_written, check_anomaly
from deepfit.data.batches import num_rows
from deepfit.data.table_options import ColumnKinds, MissingWords
from deepfit.options import RATES, Activation, Decay
from deepfit.options import Options as SharedOptions

if TYPE_CHECKING:
    from torch import nn

    from deepfit.data.anomaly_rows import AnomalyRows

STEPS = 2000
"""Steps that training takes where no number of epochs is given, up to ROWS_SEEN rows.

That many on tables of 60 to 700 rows too: fewer, or stopping early, left a higher validation loss on some of
scikit-learn's breast cancer, wine and digits (1,000 steps by 4 to 8 %; a patience of a fifth of the epochs by
up to 6 %).
"""
ROWS_SEEN = 8_000_000


class Options(SharedOptions):
    """How it is learned what rows are ordinary."""

    target: str | None = Field(
        None, description="column that says which rows are anomalies: for scoring, never an input"
    )
    anomaly: AnomalyValues = None
    contamination: float = Field(
        0.01, gt=0, lt=0.5, description="share of ordinary rows that may be flagged: the validation rows set "
        "the threshold",
    )  # fmt: skip
    missing: MissingWords = ""
    kinds: ColumnKinds = ""
    network: Literal["mlp"] = Field("mlp", description="mlp: the plain multilayer network")
    activation: Activation = Field("auto", description="bend between the layers; auto: mish")
    width: int = Field(256, ge=4, le=8192, description="features of each of the two hidden layers")

    epochs: int = Field(
        0, ge=0, le=1_000_000, description="passes over the training rows; 0 = as many as 2,000 steps take"
    )
    batch_size: int = Field(
        0, ge=0, le=10_000_000, description="rows a step; 0 = 32 to 128, up to 4,096 on large tables"
    )
    learning_rate: Annotated[float, Field(gt=0, le=100)] | Literal["auto"] = Field(
        2e-3, description=f"step size at its highest; {RATES}"
    )
    weight_decay: Decay = 0.01

    _as_text = field_validator("target", "anomaly", mode="before")(as_written)

    @model_validator(mode="after")
    def _anomaly_is_of_a_target(self) -> Options:
        check_anomaly(self.anomaly, self.target)
        return self


class TabularAnomalyDetection:
    """See the file's docstring."""

    Options: ClassVar = Options
    main_metric: ClassVar[str] = "average_precision"
    classes: ClassVar[bool] = True
    supervised: ClassVar[bool] = False
    sections: ClassVar[tuple[str, ...]] = (
        "curves",
        "anomaly_scores",
        "precision_recall",
        "most_anomalous",
    )

    def __init__(self, options: Options) -> None:
        self.options = options

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """Never: a table may be anything, so this task is asked for by its name."""
        return None

    def read(self, source: Any, facts: Facts | None = None) -> AnomalyRows:
        """The rows, each column in the type of its kind, and which are anomalies where a column says so."""
        from deepfit.data.anomaly_rows import read_anomaly_rows

        options = self.options
        return read_anomaly_rows(
            source,
            target=options.target,
            anomaly=options.anomaly,
            facts=facts,
            missing=options.missing,
            kinds=options.kinds,
            split=options.split,
        )

    def learn(self, train: AnomalyRows) -> Facts:
        """How columns are encoded and spread, from the ordinary training rows."""
        from deepfit.data.anomaly_rows import layout, learn_anomaly_columns, ordinary_rows, spread
        from deepfit.data.table_encoding import encode_columns

        facts = learn_anomaly_columns(train)
        numbers = encode_columns(ordinary_rows(train).table, facts)["numbers"]
        return {**facts, **layout(facts), **spread(numbers)}

    def encode(self, rows: AnomalyRows, facts: Facts) -> Batch:
        """`numbers` float32 [rows, numbers], `categories` int32 [rows, categories].

        `target` bool [rows], True for an anomaly, where the rows have one.
        """
        from deepfit.data.table_encoding import encode_columns

        batch = encode_columns(rows.table, facts)
        target = rows.target()
        return batch if target is None else {**batch, "target": target}

    def build(self, facts: Facts) -> nn.Module:
        """A multilayer network that is told which columns are hidden, and says every cell."""
        from deepfit.nn.masked import MaskedTable
        from deepfit.nn.nets.mlp import MLP

        columns, sizes = len(facts["columns"]), facts["category_sizes"]
        activation = "mish" if self.options.activation == "auto" else self.options.activation
        body = MLP(
            facts["num_numbers"] + columns,
            sizes,
            facts["num_numbers"] + sum(sizes),
            widths=(self.options.width, self.options.width),
            activation=activation,
        )
        return MaskedTable(
            body,
            number_places=facts["number_places"],
            category_places=facts["category_places"],
            category_sizes=sizes,
            flag_of=facts["flag_of"],
            mean=facts["number_mean"],
            deviation=facts["number_deviation"],
        )

    def plan(self, net: Any, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """Telling hidden cells of the ordinary rows, then how large errors ordinarily are."""
        from deepfit.plans import anomalies

        rows = num_rows(anomalies.ordinary(data.train))
        yield from anomalies.table_plan(net, data, self.settled(rows), run)

    def settled(self, rows: int) -> Options:
        """The options with numbers in place of the zeros that leave a choice to us."""
        options = self.options
        size = options.batch_size or min(4096, max(32, min(128, rows // 8), rows // 400))
        steps_an_epoch = max(1, round(rows / size))
        most = max(1, ROWS_SEEN // rows)
        epochs = options.epochs or max(1, min(most, round(STEPS / steps_an_epoch)))
        return options.model_copy(update={"batch_size": size, "epochs": epochs})

    def outputs(self, net: Any, batch: Batch, facts: Facts) -> Batch:
        """`surprise` float32 [rows, columns] and `expected` float32 [rows, columns]."""
        from deepfit.plans import anomalies

        return anomalies.table_outputs(net, batch)

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """The threshold, from the validation rows that are not labelled as anomalies."""
        score = answers_anomalies.of_surprise(outputs["surprise"])
        return answers_anomalies.calibrate(score, batch, facts, self.options.contamination)

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """Whether each row is an anomaly, its score, and the column that says so with its expected value."""
        from deepfit.data.anomaly_rows import expected_texts

        surprise = outputs["surprise"]
        why = surprise.argmax(1)
        names = np.array([record["name"] for record in facts["columns"]])
        return answers_anomalies.of_scores(
            answers_anomalies.of_surprise(surprise),
            facts.get("threshold", np.inf),
            why=names[why],
            expected=expected_texts(outputs["expected"], why, facts),
        )

    def metrics(self, answers: Answers, rows: AnomalyRows) -> Mapping[str, float]:
        """Average precision, ROC AUC, precision at k; F1, precision and recall at the threshold."""
        return answers_anomalies.score(answers, rows.target())

    def baselines(self, data: Splits[AnomalyRows]) -> Iterator[Baseline]:
        """Robust z-score, principal components, local outlier factor and isolation forest."""
        from deepfit.data.anomaly_rows import ordinary_rows

        facts = self.learn(data.train)
        parts = [ordinary_rows(data.train), ordinary_rows(data.valid), data.held_out]
        train, valid, test = (self.encode(part, facts) for part in parts)
        found = baselines_anomalies.for_tables(
            train, valid, test, facts["category_sizes"], seed=self.options.seed
        )
        for name, scores, seconds in found:
            yield answers_anomalies.baseline(name, scores, seconds, self.options.contamination)

    @classmethod
    def tiny(cls, seed: int) -> tuple[TabularAnomalyDetection, Splits[AnomalyRows], Mapping[str, float]]:
        """Made engines: 500 rows whose numbers agree with one another; in anomalies they do not."""
        rng = np.random.default_rng(seed)
        count, faulty = 500, np.zeros(500, bool)
        faulty[380::6] = True
        power = rng.uniform(20, 100, count)
        fuel = rng.choice(["diesel", "petrol"], count)
        told = np.where(faulty, 20 + (power + 20) % 80, power)
        heat = 2 * told + rng.normal(0, 4, count)
        speed = 30 * power + np.where(fuel == "petrol", 1500, 0) + rng.normal(0, 60, count)
        thirst = np.where(fuel == "petrol", 0.12, 0.08) * power + rng.normal(0, 0.2, count)
        heat[rng.random(count) < 0.05] = np.nan
        frame = {
            "power": power,
            "heat": heat,
            "speed": speed,
            "thirst": thirst,
            "fuel": fuel,
            "state": faulty,
        }
        options = {"target": "state", "epochs": 25, "batch_size": 32, "width": 64, "seed": seed, "threads": 1}
        task = cls(Options.model_validate({**options, "learning_rate": 5e-3}))
        rows = task.read(frame)
        parts = (slice(0, 320), slice(320, 380), slice(380, 500))
        goal = {"average_precision": 0.6}
        return task, Splits(*(rows.take(np.arange(count)[part]) for part in parts)), goal
