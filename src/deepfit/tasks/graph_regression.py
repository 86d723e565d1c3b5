"""A number for each graph, as how strongly a molecule acts.

Data: a folder with `graphs.csv` (a column `graph`, a column of numbers to predict, `label` or `--target
COLUMN`, optionally `split` with train, valid, test), `nodes.csv` (`graph`, `node`, any other columns:
numbers, categories, dates) and `edges.csv` (`graph`, `source`, `target`, optionally `weight` and columns that
tell kinds of edges apart), in any table format. In memory: `{"graphs": frame, "nodes": frame, "edges":
frame}`, a list of NetworkX graphs with the target as a graph attribute, a list of PyG `Data` with `y`. Edges
have no direction unless `--directed`. Other columns of graphs are not used, and that is said. To predict: the
same without targets.

Answers: `prediction`, in the unit of the target. What it is of the target, the loss decides: the mean
(mean_squared_error, poisson), the median (mean_absolute_error), between the two (huber, log_cosh), or a
quantile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import model_validator

from deepfit import metrics
from deepfit.contract import Answers, Baseline, Batch, Facts, Phase, Run, Splits
from deepfit.data.graph_set_options import GraphSetOptions
from deepfit.data.labels import targets_of
from deepfit.options import HuberDelta, QuantileShare, RegressionLoss, TargetTransform, check_transform

if TYPE_CHECKING:
    from torch import nn

    from deepfit.data.graph_rows import GraphRows


class Options(GraphSetOptions):
    """How a number is learned from graphs."""

    target_transform: TargetTransform = "auto"
    loss: RegressionLoss = "mean_squared_error"
    huber_delta: HuberDelta = 1.0
    quantile: QuantileShare = 0.5

    @model_validator(mode="after")
    def _poisson_has_its_own_logarithm(self) -> Options:
        check_transform(self.loss, self.target_transform)
        return self


class GraphRegression:
    """See the file's docstring."""

    Options: ClassVar = Options
    main_metric: str = "-rmse"
    classes: ClassVar[bool] = False
    sections: ClassVar[tuple[str, ...]] = ("curves", "predicted_actual", "drawn_graphs")

    def __init__(self, options: Options) -> None:
        self.options = options
        if options.loss == "quantile":  # answers that are no means are not judged as means
            self.main_metric = "-pinball"

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """Many graphs with a number each are the reason."""
        from deepfit.data.graph_rows import reason

        return reason(source, target, "regression")

    def read(self, source: Any, facts: Facts | None = None) -> GraphRows:
        """The graphs, one a row; DataError where the loss asks for more."""
        from deepfit.data.amounts import check_from_zero, quantile_concern
        from deepfit.data.graph_rows import read_graphs

        rows = read_graphs(source, **self.options.reading(), goal="regression", learned=facts)
        if facts is None and self.options.loss == "poisson":
            check_from_zero(rows)
        if facts is None and self.options.loss == "quantile" and self.options.quantile != 0.5:
            rows.table.notes = [*rows.table.notes, quantile_concern(rows, self.options.quantile)]
        return rows

    def learn(self, train: GraphRows) -> Facts:
        """How nodes and edges are encoded, and the target's mean and deviation."""
        from deepfit.data.amounts import learn_amounts
        from deepfit.data.graph_set_encoding import learn_graphs

        return {**learn_graphs(train, self.options), "target": learn_amounts(targets_of(train), self.options)}

    def encode(self, rows: GraphRows, facts: Facts) -> Batch:
        """`graphs` Graphs, `target` float32 [rows] of deviation 1, for poisson of mean 1."""
        from deepfit.data import labels
        from deepfit.data.graph_set_encoding import encode_graphs

        batch = {"graphs": encode_graphs(rows, facts)}
        values = rows.target()
        return batch if values is None else {**batch, "target": labels.encode_target(values, facts["target"])}

    def build(self, facts: Facts) -> nn.Module:
        """One output a member."""
        from deepfit.plans import graph_sets

        return graph_sets.network(self.options, facts, 1)

    def plan(self, net: nn.Module, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """Supervised learning by the loss that the options name.

        The epoch with the least validation error is kept, on the scale that is learned: the error is that
        loss, for squared error its root.
        """
        from deepfit.nn.losses import over_members
        from deepfit.plans import graph_sets, objectives

        objective = objectives.of_amounts(self.options)
        squared = self.options.loss == "mean_squared_error"
        actual = data.valid["target"]

        def score() -> Mapping[str, float]:
            said = self.outputs(net, data.valid, facts)["value"]
            scores = metrics.regression(self.in_units(said, facts), self.in_units(actual, facts))
            scaled = metrics.regression(said, actual)["rmse"]
            found = {"rmse": scores["rmse"], "mae": scores["mae"], "scaled_rmse": scaled}
            return found if squared else {**found, "loss": self.loss_of(said, actual)}

        yield from graph_sets.plan(
            net,
            data,
            self.options,
            run,
            loss=lambda said, batch: over_members(objective, said[..., 0], batch["target"]),
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
        from deepfit.plans import graph_sets

        rates = self.options.loss == "poisson"

        def joined(outputs: Any) -> Any:
            values = outputs[..., 0]
            return (values.exp() if rates else values).mean(1)

        return {"value": graph_sets.outputs(net, batch, joined)}

    def embed(self, net: nn.Module, batch: Batch, facts: Facts) -> np.ndarray:
        """What the members' last layers read of each graph."""
        from deepfit.plans import graph_sets

        return graph_sets.embed(net, batch)

    def saliency(
        self, net: nn.Module, rows: GraphRows, facts: Facts, chosen: np.ndarray | None = None
    ) -> list[np.ndarray]:
        """How much each node of each graph raises the answer, on the scale that is learned."""
        from deepfit.plans import graph_sets

        return graph_sets.saliency(net, self.encode(rows, facts)["graphs"])

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """Nothing to calibrate."""
        return facts

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """The predicted values in the target's unit."""
        return Answers({"prediction": self.in_units(outputs["value"], facts)})

    def metrics(self, answers: Answers, rows: GraphRows) -> Mapping[str, float]:
        """RMSE, mean and median absolute error, R2; for quantile its own score, the pinball loss."""
        said, actual = answers.columns["prediction"], targets_of(rows)
        scores = metrics.regression(said, actual)
        if self.options.loss == "quantile" and scores:
            scores["pinball"] = metrics.pinball(said, actual, self.options.quantile)
        return scores

    def baselines(self, data: Splits[GraphRows]) -> Iterator[Baseline]:
        """The mean; ridge regression and gradient boosting on nodes and edges, counted."""
        from deepfit.baselines import graph_sets

        seen, asked = graph_sets.bagged(self, data, self.learn(data.train))
        seen["target"] = np.concatenate([targets_of(data.train), targets_of(data.valid)])
        for name, values, seconds in graph_sets.for_amounts(seen, asked, self.options):
            yield Baseline(name, Answers({"prediction": values}), seconds)

    @classmethod
    def tiny(cls, seed: int) -> tuple[GraphRegression, Splits[GraphRows], Mapping[str, float]]:
        """240 made rings and chains of coloured beads: longer where two red ones touch."""
        from deepfit.data.made_graphs import beads

        tables, touching = beads(240, seed)
        noise = np.random.default_rng([seed, 1]).normal(0, 0.3, 240)
        tables["graphs"]["length"] = 10 + 3 * touching + noise
        options = {"epochs": 30, "width": 16, "layers": 2, "members": 2, "batch_size": 16, "seed": seed}
        task = cls(Options.model_validate({**options, "target": "length", "threads": 1}))
        rows = task.read(tables)
        parts = (slice(0, 140), slice(140, 180), slice(180, 240))
        return task, Splits(*(rows.take(np.arange(240)[part]) for part in parts)), {"r2": 0.7}
