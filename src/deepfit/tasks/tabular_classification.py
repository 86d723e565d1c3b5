"""Which class each row of a table belongs to.

Data: a table with a column to predict (`--target COLUMN`) that holds classes (words, yes and no, a few whole
numbers), and any other columns: numbers, categories, dates and times; missing cells are ordinary. CSV, TSV,
Parquet, Arrow, JSON Lines, each of the text ones also as `.gz` or `.zst`; pandas and polars frames; named
arrays; a pair (X, y). Columns of free text, identifiers and constants are not used, and that is said.

Answers: `prediction`, the class, and `probability_CLASS` for each class, calibrated on validation rows. One
temperature is fitted. It makes probabilities of margins (the hinge losses), and it sharpens or softens, but
it cannot undo `class_weight balanced`: with that, probabilities are those of a world in which every class is
equally frequent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from deepfit import answers, baselines, metrics
from deepfit.contract import Answers, Baseline, Batch, Facts, Phase, Run, Splits
from deepfit.data.batches import join
from deepfit.data.labels import targets_of
from deepfit.data.table_options import TableOptions
from deepfit.options import CROSSENTROPIES, ClassLoss, ClassWeight, FocalGamma, LabelSmoothing

if TYPE_CHECKING:
    from torch import nn

    from deepfit.data.table_rows import TableRows


class Options(TableOptions):
    """How a class is learned from a table."""

    loss: ClassLoss = "sparse_categorical_crossentropy"
    class_weight: ClassWeight = "none"
    focal_gamma: FocalGamma = 2.0
    label_smoothing: LabelSmoothing = 0.0


class TabularClassification:
    """See the file's docstring."""

    Options: ClassVar = Options
    main_metric: ClassVar[str] = "accuracy"
    classes: ClassVar[bool] = True
    sections: ClassVar[tuple[str, ...]] = ("curves", "confusion", "calibration", "most_wrong", "columns")

    def __init__(self, options: Options) -> None:
        self.options = options

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """A target of words or few whole numbers is the reason."""
        from deepfit.data import targets

        return targets.reason(source, target, "classification")

    def read(self, source: Any, facts: Facts | None = None) -> TableRows:
        """The rows, each column in the type of its kind."""
        from deepfit.data.table_rows import read_rows

        return read_rows(source, **self.options.reading(), goal="classification", columns=facts)

    def learn(self, train: TableRows) -> Facts:
        """How columns are encoded, and the classes."""
        from deepfit.data import labels
        from deepfit.data.table_encoding import learn_columns

        facts = {**learn_columns(train), **labels.learn_labels(targets_of(train))}
        labels.check_loss(self.options.loss, facts["classes"], train.name)
        return facts

    def encode(self, rows: TableRows, facts: Facts) -> Batch:
        """`numbers` float32 [rows, numbers], `categories` int32 [rows, categories], `target` int64 [rows]."""
        from deepfit.data import labels
        from deepfit.data.table_encoding import encode_columns

        batch = encode_columns(rows, facts)
        values = rows.target()
        if values is None:
            return batch
        about = {"name": rows.name, "target": rows.target_name or "target", "where": rows.where}
        return {**batch, "target": labels.encode_labels(values, facts, **about)}

    def build(self, facts: Facts) -> nn.Module:
        """One output a class and member."""
        from deepfit.plans import tables

        return tables.network(self.options, facts, len(facts["classes"]))

    def plan(self, net: nn.Module, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """Supervised learning by the loss that the options name; the epoch with the least of it is kept.

        On validation rows; of the cross-entropies without class weights that is the log loss.
        """
        from deepfit.nn.losses import over_members
        from deepfit.plans import objectives, tables

        options, target, classes = self.options, data.train["target"], len(facts["classes"])
        objective = objectives.of_classes(options, target, classes)
        judged = objectives.of_classes(options.model_copy(update={"label_smoothing": 0.0}), target, classes)
        plain = options.loss in CROSSENTROPIES and options.class_weight == "none"

        def score() -> Mapping[str, float]:
            logits = self.outputs(net, data.valid, facts)["logits"]
            scores = metrics.classification(answers.softmax(logits), data.valid["target"])
            found = {name: scores[name] for name in ("accuracy", "log_loss")}
            return (
                found
                if plain
                else {**found, "loss": objectives.mean_of(judged, logits, data.valid["target"])}
            )

        yield from tables.plan(
            net,
            data,
            self.options,
            run,
            loss=lambda outputs, batch: over_members(objective, outputs, batch["target"]),
            score=score,
            best="-log_loss" if plain else "-loss",
        )

    def outputs(self, net: nn.Module, batch: Batch, facts: Facts) -> Batch:
        """`logits` float32 [rows, classes]: the logarithm of the members' mean probability.

        Of the hinge losses, whose outputs are margins, the mean of those.
        """
        from deepfit.plans import objectives, tables

        return {"logits": tables.outputs(net, batch, objectives.joined(self.options))}

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """The temperature of the probabilities."""
        return answers.calibrate(outputs, batch, facts)

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """The class of each row and a probability for every class."""
        return answers.decode(outputs, facts)

    def metrics(self, answers_: Answers, rows: TableRows) -> Mapping[str, float]:
        """Accuracy, balanced accuracy, F1, ROC AUC, log loss and calibration error."""
        return answers.score(answers_, targets_of(rows))

    def baselines(self, data: Splits[TableRows]) -> Iterator[Baseline]:
        """The most frequent class, logistic regression, gradient boosting."""
        facts = self.learn(data.train)
        train = join(self.encode(data.train, facts), self.encode(data.valid, facts))
        test = self.encode(data.held_out, facts)
        count = len(facts["classes"])
        for name, probabilities, seconds in baselines.for_classification(
            train, test, count, seed=self.options.seed
        ):
            yield Baseline(name, answers.of_classes(probabilities, facts["classes"]), seconds)

    @classmethod
    def tiny(cls, seed: int) -> tuple[TabularClassification, Splits[TableRows], Mapping[str, float]]:
        """Made loans: 400 rows with two numbers, a category, a date and missing cells."""
        rng = np.random.default_rng(seed)
        count = 400
        income, debt = rng.normal(3, 1, count), rng.normal(1, 0.5, count)
        home = rng.choice(["own", "rent", "parents"], count)
        asked = np.datetime64("2020-01-01") + rng.integers(0, 1000, count)
        paid = np.where(income - 2 * debt + (home == "own") > 1.2 + rng.normal(0, 0.2, count), "paid", "late")
        debt[rng.random(count) < 0.1] = np.nan
        frame = {"income": income, "debt": debt, "home": home, "asked": asked, "outcome": paid}
        options = {"target": "outcome", "epochs": 12, "batch_size": 32, "seed": seed, "threads": 1}
        task = cls(Options.model_validate(options))
        rows = task.read(frame)
        parts = (slice(0, 240), slice(240, 300), slice(300, 400))
        return task, Splits(*(rows.take(np.arange(count)[part]) for part in parts)), {"accuracy": 0.85}
