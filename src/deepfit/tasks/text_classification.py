"""Which class each text belongs to, or which of several labels it has.

Data: a table (CSV, TSV, JSON Lines, JSON, Parquet, Arrow, a frame) with a column `text` and a column `label`
(`--text` and `--target` name others); or a folder with one folder of `.txt` files a class, optionally below
`train/`, `valid/` and `test/`; or a pair (texts, labels). Texts may be of any length and in any script; those
longer than the network's window are read through windows that overlap, and nothing is cut away. Rows without
a text or a label are left out of training, and that is said. With `--several-labels` a row has any number of
labels: a list, or a cell with `--label-separator` between them. To predict: the same without labels, one
`.txt` file, or a list of texts; an empty text is answered too.

Networks: from nothing, on word pieces learned from the training rows; or with `--base FOLDER` a published
encoder that is fine-tuned; its files are not needed any more once the model is saved. Beside either, for
classes, a linear part weighs the pieces of a text and pairs of them.

Answers: `prediction`, the class, and `probability_CLASS` for each class, calibrated on validation rows by one
temperature. With several labels `prediction` is the list of those whose probability is at least a half. With
`class_weight balanced` probabilities are those of a world in which every class is equally frequent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field, model_validator

from deepfit import answers, metrics
from deepfit.answers import labels as answers_labels
from deepfit.contract import Answers, Baseline, Batch, Concern, Facts, Phase, Run, Splits
from deepfit.data.labels import targets_of
from deepfit.data.text_options import TextOptions
from deepfit.data.text_pairs import learn_pairs
from deepfit.metrics import labels as metrics_labels
from deepfit.options import ClassLoss, ClassWeight, FocalGamma, LabelSmoothing

if TYPE_CHECKING:
    from torch import nn

    from deepfit.data.text_rows import TextRows


class Options(TextOptions):
    """How texts are read and classified."""

    several_labels: bool = Field(False, description="a row has any number of labels, not one class")
    label_separator: str = Field(
        ";", min_length=1, description="between the labels of a cell, with --several-labels"
    )
    loss: ClassLoss = "sparse_categorical_crossentropy"
    class_weight: ClassWeight = "none"
    focal_gamma: FocalGamma = 2.0
    label_smoothing: LabelSmoothing = 0.1

    @model_validator(mode="after")
    def _several_labels_have_one_loss(self) -> Options:
        if not self.several_labels:
            if self.label_separator != ";":
                raise ValueError("--label-separator has no effect without --several-labels")
            return self
        if self.pairs != type(self).model_fields["pairs"].default:
            raise ValueError(
                "--pairs has no effect with --several-labels, which have no linear part; leave it away"
            )
        for name in ("loss", "class_weight"):
            value = getattr(self, name)
            if value not in (type(self).model_fields[name].default, "binary_crossentropy"):
                raise ValueError(
                    f"--{name.replace('_', '-')} {value} has no effect with --several-labels, where each"
                    " label is learned by binary_crossentropy on its own; leave it away"
                )
        return self


class TextClassification:
    """See the file's docstring."""

    Options: ClassVar = Options

    def __init__(self, options: Options) -> None:
        self.options = options

    @property
    def main_metric(self) -> str:
        """What the verdict compares."""
        return "f1_micro" if self.options.several_labels else "accuracy"

    @property
    def classes(self) -> bool:
        """Whether a split keeps the share of each class; sets of labels are too many for that."""
        return not self.options.several_labels

    @property
    def sections(self) -> tuple[str, ...]:
        """The parts of the report that fit."""
        if self.options.several_labels:
            return ("curves", "labels", "wrong_labels")
        return ("curves", "confusion", "calibration", "texts")

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """Labelled texts are the reason."""
        from deepfit.data.texts import recognise

        return recognise(source, target)

    def read(self, source: Any, facts: Facts | None = None) -> TextRows:
        """The texts, with labels; at predict every text, with labels where there are any."""
        from deepfit.data.texts import read_texts

        return read_texts(
            source,
            text=self.options.text,
            target=self.options.target,
            goal="labels" if self.options.several_labels else "class",
            separator=self.options.label_separator,
            training=facts is None,
        )

    def learn(self, train: TextRows) -> Facts:
        """The vocabulary, the window, the sizes of the network, and the classes."""
        from deepfit.data import labels, text_encoding

        encoder = None
        if self.options.base is not None:
            from deepfit.plans import texts

            encoder = texts.encoder_arguments(self.options.base)
        facts = text_encoding.learn_texts(train.texts(), self.options, encoder)
        tokens = text_encoding.encode_texts(train.texts(), facts)
        if (long := text_encoding.long_texts(tokens, facts)) is not None:
            train.note(Concern("long", train.name, long))
        target = targets_of(train)
        if self.options.several_labels:
            return {**facts, **labels.learn_label_sets(target, train.name)}
        facts = {**facts, **labels.learn_labels(target)}
        labels.check_loss(self.options.loss, facts["classes"], train.name)
        if self.options.pairs:
            outputs = len(facts["classes"])
            facts["pairs"] = learn_pairs(tokens, facts["num_tokens"], outputs, most=self.options.pairs)
        return facts

    def encode(self, rows: TextRows, facts: Facts) -> Batch:
        """`tokens` Ragged int32; `target` int64 [rows], or float32 [rows, labels], where there are labels."""
        from deepfit.data import labels, text_encoding

        batch: dict[str, Any] = {"tokens": text_encoding.encode_texts(rows.texts(), facts)}
        values = rows.target()
        if values is None:
            return batch
        if self.options.several_labels:
            found, _ = metrics_labels.membership(values, tuple(facts["classes"]))
            return {**batch, "target": found.astype(np.float32)}
        about = {"name": rows.name, "target": rows.target_name or "label", "where": rows.where}
        return {**batch, "target": labels.encode_labels(values, facts, **about)}

    def build(self, facts: Facts) -> nn.Module:
        """The network that the facts describe, without published weights, which `plan` loads."""
        from deepfit.plans import texts

        return texts.network(self.options, facts, len(facts["classes"]))

    def plan(self, net: nn.Module, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """Supervised learning; the epoch with the best validation accuracy (f1_micro) is kept.

        With balanced class weights the best balanced accuracy.
        """
        from deepfit.nn import losses
        from deepfit.plans import objectives, texts

        several, target = self.options.several_labels, data.valid["target"]
        best = "balanced_accuracy" if self.options.class_weight == "balanced" else self.main_metric
        if several:
            smoothing = self.options.label_smoothing
            objective: Any = lambda logits, true: losses.binary_crossentropy(  # noqa: E731 (one expression)
                logits, true, label_smoothing=smoothing
            )
        else:
            objective = objectives.of_classes(self.options, data.train["target"], len(facts["classes"]))

        def score() -> Mapping[str, float]:
            logits = self.outputs(net, data.valid, facts)["logits"]
            if several:
                chance = answers_labels.sigmoid(logits)
                scores = metrics_labels.several_labels(chance, chance >= answers_labels.THRESHOLD, target)
            else:
                scores = metrics.classification(answers.softmax(logits), target)
            return {name: scores[name] for name in dict.fromkeys((self.main_metric, "log_loss", best))}

        yield from texts.plan(
            net,
            data,
            self.options,
            facts,
            run,
            loss=lambda logits, batch: objective(logits, batch["target"]),
            score=score,
            best=best,
        )

    def outputs(self, net: nn.Module, batch: Batch, facts: Facts) -> Batch:
        """`logits` float32 [rows, classes]: of a long text their mean over its windows."""
        from deepfit.plans import texts

        return {"logits": texts.outputs(net, batch, facts)}

    def embed(self, net: nn.Module, batch: Batch, facts: Facts) -> np.ndarray:
        """What the last layer reads of each text, float32 [rows, width]."""
        from deepfit.plans import texts

        return texts.embed(net, batch, facts)

    def saliency(
        self, net: nn.Module, rows: TextRows, facts: Facts, chosen: np.ndarray
    ) -> list[tuple[str, list[tuple[int, int, float]], bool]]:
        """What of each text has spoken for the chosen class: the text that was looked at, its words, its end.

        The words are (start, stop, share) in characters, shares adding up to about the rise of the logit over
        that of the other classes. True where a long text goes on: the window most sure of the class is shown.
        """
        from deepfit.plans import texts

        return texts.saliency(net, rows.texts(), facts, chosen)

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """The temperature of the probabilities."""
        kind = answers_labels if self.options.several_labels else answers
        return kind.calibrate(outputs, batch, facts)

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """The class of each text, or its labels, and a probability for every class."""
        kind = answers_labels if self.options.several_labels else answers
        return kind.decode(outputs, facts)

    def metrics(self, answers_: Answers, rows: TextRows) -> Mapping[str, float]:
        """Accuracy, balanced accuracy, F1, ROC AUC, log loss and calibration error.

        Of several labels: F1 over all of them (micro) and their mean (macro), exact match, Hamming loss.
        """
        kind = answers_labels if self.options.several_labels else answers
        return kind.score(answers_, targets_of(rows))

    def baselines(self, data: Splits[TextRows]) -> Iterator[Baseline]:
        """The most frequent class, and logistic regression on weighted counts of words (TF-IDF)."""
        from deepfit.baselines import text as baselines_text
        from deepfit.data import labels

        texts = [*data.train.texts(), *data.valid.texts()]
        target = np.concatenate([targets_of(data.train), targets_of(data.valid)])
        asked, seed = data.held_out.texts(), self.options.seed
        if self.options.several_labels:
            classes = labels.learn_label_sets(targets_of(data.train), data.train.name)["classes"]
            holds, _ = metrics_labels.membership(target, tuple(classes))
            for name, chance, seconds in baselines_text.for_labels(texts, holds, asked, seed=seed):
                yield Baseline(name, answers_labels.of_labels(chance, classes), seconds)
            return
        facts = labels.learn_labels(targets_of(data.train))
        codes = labels.encode_labels(target, facts)
        count = len(facts["classes"])
        for name, chance, seconds in baselines_text.for_classes(texts, codes, asked, count, seed=seed):
            yield Baseline(name, answers.of_classes(chance, facts["classes"]), seconds)

    @classmethod
    def tiny(cls, seed: int) -> tuple[TextClassification, Splits[TextRows], Mapping[str, float]]:
        """Made remarks on meals: 240 short texts with an emoji here and there, one of them long."""
        rng = np.random.default_rng(seed)
        good, bad = ("tasty", "fresh", "crisp", "warm"), ("stale", "bland", "soggy", "burnt")
        dishes, fillers = ("soup", "bread", "tea", "rice"), ("really", "so", "quite", "🍲")
        texts, classes = [], []
        for _ in range(240):
            praised = rng.random() < 0.5
            words = rng.choice(good if praised else bad, 2)
            texts.append(f"the {rng.choice(dishes)} was {rng.choice(fillers)} {' and '.join(words)}")
            classes.append("praise" if praised else "blame")
        texts[0] = " and ".join([texts[0]] * 8)
        options = {"epochs": 4, "batch_size": 16, "vocabulary": 320, "window": 32, "seed": seed, "threads": 1}
        task = cls(Options.model_validate(options))
        rows = task.read({"text": texts, "label": classes})
        parts = (slice(0, 140), slice(140, 180), slice(180, 240))
        return task, Splits(*(rows.take(np.arange(240)[part]) for part in parts)), {"accuracy": 0.9}
