"""Groups of alike rows in a table, found without labels: segments of customers, kinds of readings.

Data: a table: numbers, categories, dates and times; cells may be missing. CSV, TSV, Parquet, Arrow, JSON
Lines, each of the text ones also as `.gz` or `.zst`; pandas and polars frames; named arrays. Optional: a
column of known groups (`--target COLUMN`), never an input and never seen in training: it says how well the
clusters agree with it. Columns are scaled one by one, or alike where they are of one kind (`--scale`). The
task is never inferred: say `--task tabular-clustering`.

An autoencoder learns codes in which rows lie near their nearest neighbours; k-means finds clusters among the
codes, and the network is refined so that rows belong to them more surely (DEC, arXiv 1511.06335; IDEC, IJCAI
2017). How many: `--clusters N`, or chosen by the silhouette among the codes (the least number within 0.02 of
the best).

Answers: `prediction` (the number of a cluster, the largest found in training being 0), `confidence` (how much
the row belongs to it) and `probability_K` for each cluster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from deepfit.answers import clusters as answers_clusters
from deepfit.baselines import clusters as baselines_clusters
from deepfit.contract import Answers, Baseline, Batch, Facts, Phase, Run, Splits
from deepfit.data.cluster_columns import Scale
from deepfit.data.cluster_options import ClusterOptions
from deepfit.data.table_options import ColumnKinds, MissingWords

if TYPE_CHECKING:
    from torch import nn

    from deepfit.data.table_rows import TableRows


class Options(ClusterOptions):
    """How groups of rows are found."""

    missing: MissingWords = ""
    kinds: ColumnKinds = ""
    scale: Scale = Field(
        "auto",
        description="each: number columns are scaled one by one; alike: all by one factor, for columns in "
        "one unit; auto: alike where no column spans more than twice the middle one's range",
    )
    width: int = Field(256, ge=4, le=8192, description="features of each of the two hidden layers")


class TabularClustering:
    """See the file's docstring."""

    Options: ClassVar = Options
    main_metric: str = "silhouette"
    classes: ClassVar[bool] = False
    supervised: ClassVar[bool] = False
    sections: ClassVar[tuple[str, ...]] = (
        "curves",
        "cluster_choice",
        "cluster_map",
        "cluster_columns",
        "cluster_examples",
    )

    def __init__(self, options: Options) -> None:
        self.options = options
        if options.target is not None:
            self.main_metric = "nmi"

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """Never: a table may be anything, so this task is asked for by its name."""
        return None

    def read(self, source: Any, facts: Facts | None = None) -> TableRows:
        """The rows, each column in the type of its kind; the target as it is."""
        from deepfit.data.table_rows import read_rows

        options = self.options
        return read_rows(
            source,
            target=options.target,
            goal="grouping" if options.target is not None else None,
            missing=options.missing,
            kinds=options.kinds,
            split=options.split,
            columns=facts,
        )

    def learn(self, train: TableRows) -> Facts:
        """How columns are encoded; DataError where there are no groups to find."""
        from deepfit.data.cluster_columns import check_clusters, learn_cluster_columns

        facts = learn_cluster_columns(train, self.options.scale)
        check_clusters(train, facts, self.options.clusters)
        return facts

    def encode(self, rows: TableRows, facts: Facts) -> Batch:
        """`numbers` float32 [rows, numbers], `categories` int32 [rows, categories]; never the target."""
        from deepfit.data.table_encoding import encode_columns

        return encode_columns(rows, facts)

    def build(self, facts: Facts) -> nn.Module:
        """A multilayer autoencoder with room for the clusters."""
        from deepfit.nn.clusters import TableAutoencoder

        options = self.options
        return TableAutoencoder(
            facts["num_numbers"],
            facts["category_sizes"],
            code=options.code,
            slots=options.slots,
            widths=(options.width, options.width),
            activation="relu" if options.activation == "auto" else options.activation,
        )

    def plan(self, net: Any, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """Pretraining, k-means among the codes, refinement."""
        from deepfit.data.cluster_columns import points
        from deepfit.plans import clusters

        yield from clusters.plan(
            net,
            data,
            self.options,
            run,
            codes=clusters.table_codes(net),
            errors=clusters.table_errors(net),
            points=points(data.train, facts["category_sizes"]),
        )

    def outputs(self, net: Any, batch: Batch, facts: Facts) -> Batch:
        """`belongs` float32 [rows, clusters], rows summing to 1."""
        from deepfit.plans import clusters

        return clusters.outputs(net, batch, clusters.table_codes(net))

    def codes(self, net: Any, batch: Batch, facts: Facts) -> np.ndarray:
        """The codes, float32 [rows, code]."""
        from deepfit.plans import clusters
        from deepfit.plans.foresight import foresee

        return foresee(net, batch, clusters.table_codes(net))

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """Unchanged: nothing says how often a cluster is right."""
        return facts

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """The likeliest cluster of each row, and how much it belongs to each."""
        return answers_clusters.of_belonging(outputs["belongs"])

    def appraise(
        self, net: Any, answers: Answers, rows: TableRows, facts: Facts, *, train: TableRows | None = None
    ) -> Answers:
        """Each row's silhouette among the scaled columns, the same space for every method."""
        from deepfit.data.cluster_columns import points

        space = points(self.encode(rows, facts), facts["category_sizes"])
        return answers_clusters.appraised(answers, space, rows.target())

    def metrics(self, answers: Answers, rows: TableRows) -> Mapping[str, float]:
        """Mean silhouette; with a target NMI, ARI and accuracy by the best matching."""
        return answers_clusters.score(answers)

    def baselines(self, data: Splits[TableRows]) -> Iterator[Baseline]:
        """k-means, k-means on principal components, Gaussian mixture: on the scaled columns."""
        from deepfit.data.cluster_columns import points

        facts = self.learn(data.train)
        train, test = (
            points(self.encode(part, facts), facts["category_sizes"]) for part in (data.train, data.held_out)
        )
        found = baselines_clusters.for_points(train, test, self.options.clusters, seed=self.options.seed)
        yield from answers_clusters.of_baselines(found)

    @classmethod
    def tiny(cls, seed: int) -> tuple[TabularClustering, Splits[TableRows], Mapping[str, float]]:
        """Made rows in two moons that no straight line parts, and a third group of another colour."""
        rng = np.random.default_rng(seed)
        group = rng.integers(0, 2, 500)
        angle = rng.uniform(0, np.pi, 500)
        across = np.where(group == 1, 1 - np.cos(angle), np.cos(angle)) + rng.normal(0, 0.05, 500)
        up = np.where(group == 1, 0.4 - np.sin(angle), np.sin(angle)) + rng.normal(0, 0.05, 500)
        depth = rng.normal(0, 0.1, 500)
        frame = {
            "across": across,
            "up": up,
            "depth": depth,
            "shade": np.where(rng.random(500) < 0.9, np.array(["dark", "light"])[group], "grey"),
            "moon": np.array(["lower", "upper"])[group],
        }
        options = {"target": "moon", "clusters": 2, "epochs": 40, "seed": seed, "threads": 1}
        task = cls(Options.model_validate({**options, "batch_size": 64, "width": 64, "code": 4}))
        rows = task.read(frame)
        parts = (slice(0, 320), slice(320, 380), slice(380, 500))
        return task, Splits(*(rows.take(np.arange(500)[part]) for part in parts)), {"nmi": 0.8}
