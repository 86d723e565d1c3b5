"""Which class each node of a graph belongs to.

Data: a folder with `nodes.csv` (a column `id`, a column `label` or `--target COLUMN`, any other columns:
numbers, categories, dates, words; optionally `split` with train, valid, test) and `edges.csv` (`source`,
`target`, optionally `weight` and columns that tell kinds of edges apart), in any table format, or
`NAME_nodes.csv` beside `NAME_edges.csv`. In memory: `{"nodes": frame, "edges": frame}`, a NetworkX graph, a
PyG `Data`. Edges have no direction unless `--directed`. Nodes without a label are heard by their neighbours.
To predict: the same without labels; the graph may have other nodes, unless the network has learned a vector
for each node because there were no columns to know them by.

All nodes of the graph are seen in training, the labels of the training nodes alone.

Answers: `prediction`, the class, and `probability_CLASS` for each class, calibrated on validation nodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from deepfit import answers, metrics
from deepfit.baselines import graphs as baselines_graphs
from deepfit.contract import Answers, Baseline, Batch, Facts, Phase, Run, Splits
from deepfit.data.graph_options import GraphOptions
from deepfit.data.labels import targets_of
from deepfit.options import ClassLoss, ClassWeight, FocalGamma, LabelSmoothing

if TYPE_CHECKING:
    from torch import nn

    from deepfit.data.node_rows import NodeRows


class Options(GraphOptions):
    """How classes of nodes are learned."""

    loss: ClassLoss = "sparse_categorical_crossentropy"
    class_weight: ClassWeight = "none"
    focal_gamma: FocalGamma = 2.0
    label_smoothing: LabelSmoothing = 0.0


class NodeClassification:
    """See the file's docstring."""

    Options: ClassVar = Options
    main_metric: ClassVar[str] = "accuracy"
    classes: ClassVar[bool] = True
    sections: ClassVar[tuple[str, ...]] = (
        "curves",
        "confusion",
        "calibration",
        "node_map",
        "node_neighbours",
    )

    def __init__(self, options: Options) -> None:
        self.options = options

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """A graph whose nodes have the column to predict is the reason."""
        from deepfit.data.graph_source import has_graphs, is_graph

        if not is_graph(source) or has_graphs(source):
            return None
        return "it holds nodes and edges, and a class of nodes is to be told"

    def read(self, source: Any, facts: Facts | None = None) -> NodeRows:
        """The nodes with a label; at predict all of them."""
        from deepfit.data.node_rows import read_nodes

        return read_nodes(
            source,
            **self.options.reading(),
            target=self.options.target,
            goal="classification",
            words=self.options.words,
            learned=facts,
        )

    def learn(self, train: NodeRows) -> Facts:
        """How nodes are encoded, and the classes."""
        from deepfit.data import labels
        from deepfit.data.graph_encoding import learn_nodes

        facts = {**learn_nodes(train, self.options), **labels.learn_labels(targets_of(train))}
        labels.check_loss(self.options.loss, facts["classes"], train.name)
        return facts

    def encode(self, rows: NodeRows, facts: Facts) -> Batch:
        """`nodes` Nodes of the graph, `target` int64 [rows]."""
        from deepfit.data import labels
        from deepfit.data.graph_encoding import encode_nodes

        batch: dict[str, Any] = {"nodes": encode_nodes(rows, facts)}
        values = rows.target()
        if values is None:
            return batch
        about = {"name": rows.name, "target": rows.target_name or "label", "where": rows.where}
        return {**batch, "target": labels.encode_labels(values, facts, **about)}

    def build(self, facts: Facts) -> nn.Module:
        """One output a class."""
        from deepfit.plans import graphs

        return graphs.network(self.options, facts, len(facts["classes"]))

    def plan(self, net: nn.Module, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """Supervised learning of training nodes; the epoch with the best validation log loss is kept."""
        from deepfit.plans import graphs, objectives

        target = data.valid["target"]
        objective = objectives.of_classes(self.options, data.train["target"], len(facts["classes"]))

        def score() -> Mapping[str, float]:
            logits = self.outputs(net, data.valid, facts)["logits"]
            scores = metrics.classification(answers.softmax(logits), target)
            return {name: scores[name] for name in ("accuracy", "log_loss")}

        yield from graphs.plan(
            net,
            data,
            self.options,
            run,
            loss=lambda said, batch: objective(said, batch["target"]),
            score=score,
            best="accuracy",
        )

    def outputs(self, net: nn.Module, batch: Batch, facts: Facts) -> Batch:
        """`logits` float32 [rows, classes]."""
        from deepfit.plans import graphs

        return {"logits": graphs.outputs(net, batch["nodes"])}

    def without_each(
        self, net: nn.Module, rows: NodeRows, facts: Facts
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """The neighbours of the one row, its logits, and those without the edge to each of them.

        None where too many nodes would have to be looked at.
        """
        from deepfit.plans import graphs

        nodes = self.encode(rows, facts)["nodes"]
        return graphs.without_each(net, nodes, int(nodes.index[0]))

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """The temperature of the probabilities."""
        return answers.calibrate(outputs, batch, facts)

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """The class of each node and a probability for every class."""
        return answers.decode(outputs, facts)

    def metrics(self, answers_: Answers, rows: NodeRows) -> Mapping[str, float]:
        """Accuracy, balanced accuracy, F1, ROC AUC, log loss and calibration error."""
        return answers.score(answers_, targets_of(rows))

    def baselines(self, data: Splits[NodeRows]) -> Iterator[Baseline]:
        """The most frequent class, labels spread along edges, a multilayer network on the columns alone."""
        facts = self.learn(data.train)
        parts = [self.encode(part, facts) for part in (data.train, data.valid)]
        asked = self.encode(data.held_out, facts)["nodes"]
        nodes = np.concatenate([part["nodes"].index for part in parts])
        seen = (nodes, np.concatenate([part["target"] for part in parts]))
        count = len(facts["classes"])
        for name, chance, seconds in baselines_graphs.for_nodes(
            asked.graph, asked.x, seen, asked.index, count, seed=self.options.seed
        ):
            yield Baseline(name, answers.of_classes(chance, facts["classes"]), seconds)

    @classmethod
    def tiny(cls, seed: int) -> tuple[NodeClassification, Splits[NodeRows], Mapping[str, float]]:
        """A made club: 240 people in three circles who mostly know people of their own circle."""
        rng = np.random.default_rng(seed)
        circle = rng.integers(0, 3, 240)
        pairs = rng.integers(0, 240, (3600, 2))
        near = circle[pairs[:, 0]] == circle[pairs[:, 1]]
        pairs = pairs[near | (rng.random(3600) < 0.1)]
        nodes = {
            "id": [f"p{number}" for number in range(240)],
            "age": rng.normal(40, 10, 240) + 4 * circle,
            "hobbies": [" ".join(rng.choice(_HOBBIES[at], 4)) for at in circle],
            "label": np.array(["chess", "choir", "garden"])[circle],
        }
        edges = {"source": [f"p{a}" for a in pairs[:, 0]], "target": [f"p{b}" for b in pairs[:, 1]]}
        options = {"epochs": 40, "width": 16, "words": "hobbies", "seed": seed, "threads": 1}
        task = cls(Options.model_validate(options))
        rows = task.read({"nodes": nodes, "edges": edges})
        parts = (slice(0, 100), slice(100, 140), slice(140, 240))
        return task, Splits(*(rows.take(np.arange(240)[part]) for part in parts)), {"accuracy": 0.85}


_HOBBIES = (
    ("cooking", "running", "reading", "films", "puzzles"),
    ("cooking", "running", "reading", "films", "music"),
    ("cooking", "running", "reading", "films", "walking"),
)
