"""Which class each graph belongs to, as a molecule that works or does not.

Data: a folder with `graphs.csv` (a column `graph`, a column `label` or `--target COLUMN`, optionally `split`
with train, valid, test), `nodes.csv` (`graph`, `node`, any other columns: numbers, categories, dates) and
`edges.csv` (`graph`, `source`, `target`, optionally `weight` and columns that tell kinds of edges apart), in
any table format. In memory: `{"graphs": frame, "nodes": frame, "edges": frame}`, a list of NetworkX graphs
with a graph attribute `label`, a list of PyG `Data` with `y`. Edges have no direction unless `--directed`.
Other columns of graphs are not used, and that is said. To predict: the same without labels.

Answers: `prediction`, the class, and `probability_CLASS` for each class, calibrated on validation graphs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from deepfit import answers, metrics
from deepfit.contract import Answers, Baseline, Batch, Facts, Phase, Run, Splits
from deepfit.data.graph_set_options import GraphSetOptions
from deepfit.data.labels import targets_of
from deepfit.options import CROSSENTROPIES, ClassLoss, ClassWeight, FocalGamma, LabelSmoothing

if TYPE_CHECKING:
    from torch import nn

    from deepfit.data.graph_rows import GraphRows


class Options(GraphSetOptions):
    """How classes of graphs are learned."""

    loss: ClassLoss = "sparse_categorical_crossentropy"
    class_weight: ClassWeight = "none"
    focal_gamma: FocalGamma = 2.0
    label_smoothing: LabelSmoothing = 0.0


class GraphClassification:
    """See the file's docstring."""

    Options: ClassVar = Options
    main_metric: ClassVar[str] = "accuracy"
    classes: ClassVar[bool] = True
    sections: ClassVar[tuple[str, ...]] = ("curves", "confusion", "calibration", "drawn_graphs")

    def __init__(self, options: Options) -> None:
        self.options = options

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """Many graphs with a class each are the reason."""
        from deepfit.data.graph_rows import reason

        return reason(source, target, "classification")

    def read(self, source: Any, facts: Facts | None = None) -> GraphRows:
        """The graphs, one a row."""
        from deepfit.data.graph_rows import read_graphs

        return read_graphs(source, **self.options.reading(), goal="classification", learned=facts)

    def learn(self, train: GraphRows) -> Facts:
        """How nodes and edges are encoded, and the classes."""
        from deepfit.data import labels
        from deepfit.data.graph_set_encoding import learn_graphs

        facts = {**learn_graphs(train, self.options), **labels.learn_labels(targets_of(train))}
        labels.check_loss(self.options.loss, facts["classes"], train.name)
        return facts

    def encode(self, rows: GraphRows, facts: Facts) -> Batch:
        """`graphs` Graphs, `target` int64 [rows]."""
        from deepfit.data import labels
        from deepfit.data.graph_set_encoding import encode_graphs

        batch: dict[str, Any] = {"graphs": encode_graphs(rows, facts)}
        values = rows.target()
        if values is None:
            return batch
        about = {"name": rows.name, "target": rows.target_name or "label", "where": rows.where}
        return {**batch, "target": labels.encode_labels(values, facts, **about)}

    def build(self, facts: Facts) -> nn.Module:
        """One output a class and member."""
        from deepfit.plans import graph_sets

        return graph_sets.network(self.options, facts, len(facts["classes"]))

    def plan(self, net: nn.Module, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """Supervised learning by the loss that the options name; the epoch with the least of it is kept.

        On validation graphs; of the cross-entropies without class weights that is the log loss.
        """
        from deepfit.nn.losses import over_members
        from deepfit.plans import graph_sets, objectives

        options, target, classes = self.options, data.train["target"], len(facts["classes"])
        objective = objectives.of_classes(options, target, classes)
        judged = objectives.of_classes(options.model_copy(update={"label_smoothing": 0.0}), target, classes)
        plain = options.loss in CROSSENTROPIES and options.class_weight == "none"
        actual = data.valid["target"]

        def score() -> Mapping[str, float]:
            logits = self.outputs(net, data.valid, facts)["logits"]
            scores = metrics.classification(answers.softmax(logits), actual)
            found = {name: scores[name] for name in ("accuracy", "log_loss")}
            return found if plain else {**found, "loss": objectives.mean_of(judged, logits, actual)}

        yield from graph_sets.plan(
            net,
            data,
            options,
            run,
            loss=lambda said, batch: over_members(objective, said, batch["target"]),
            score=score,
            best="-log_loss" if plain else "-loss",
        )

    def outputs(self, net: nn.Module, batch: Batch, facts: Facts) -> Batch:
        """`logits` float32 [rows, classes]: the logarithm of the members' mean probability.

        Of the hinge losses, whose outputs are margins, the mean of those.
        """
        from deepfit.plans import graph_sets, objectives

        return {"logits": graph_sets.outputs(net, batch, objectives.joined(self.options))}

    def embed(self, net: nn.Module, batch: Batch, facts: Facts) -> np.ndarray:
        """What the members' last layers read of each graph."""
        from deepfit.plans import graph_sets

        return graph_sets.embed(net, batch)

    def saliency(self, net: nn.Module, rows: GraphRows, facts: Facts, chosen: np.ndarray) -> list[np.ndarray]:
        """How much each node of each graph speaks for the chosen class, against the other ones."""
        from deepfit.plans import graph_sets

        return graph_sets.saliency(net, self.encode(rows, facts)["graphs"], chosen)

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """The temperature of the probabilities."""
        return answers.calibrate(outputs, batch, facts)

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """The class of each graph and a probability for every class."""
        return answers.decode(outputs, facts)

    def metrics(self, answers_: Answers, rows: GraphRows) -> Mapping[str, float]:
        """Accuracy, balanced accuracy, F1, ROC AUC, log loss and calibration error."""
        return answers.score(answers_, targets_of(rows))

    def baselines(self, data: Splits[GraphRows]) -> Iterator[Baseline]:
        """The most frequent class; logistic regression and gradient boosting on nodes and edges, counted."""
        from deepfit.baselines import graph_sets

        facts = self.learn(data.train)
        seen, asked = graph_sets.bagged(self, data, facts)
        count = len(facts["classes"])
        for name, chance, seconds in graph_sets.for_classes(seen, asked, count, seed=self.options.seed):
            yield Baseline(name, answers.of_classes(chance, facts["classes"]), seconds)

    @classmethod
    def tiny(cls, seed: int) -> tuple[GraphClassification, Splits[GraphRows], Mapping[str, float]]:
        """240 made rings and chains of coloured beads: with two red ones side by side or not."""
        from deepfit.data.made_graphs import beads

        tables, touching = beads(240, seed)
        tables["graphs"]["label"] = np.where(touching, "touching", "apart")
        options = {"epochs": 30, "width": 16, "layers": 2, "members": 2, "batch_size": 16, "seed": seed}
        task = cls(Options.model_validate({**options, "threads": 1}))
        rows = task.read(tables)
        parts = (slice(0, 140), slice(140, 180), slice(180, 240))
        return task, Splits(*(rows.take(np.arange(240)[part]) for part in parts)), {"accuracy": 0.85}
