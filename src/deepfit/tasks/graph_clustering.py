"""Communities in a graph, found without labels: circles of people, topics that cite each other.

Data: `edges.csv` (`source`, `target`, optionally `weight` and columns that tell kinds of edges apart) and, if
there is more to say of nodes than their edges, `nodes.csv` (a column `id`, any other columns), in a folder,
in any table format; or `NAME_nodes.csv` beside `NAME_edges.csv`. In memory: `{"nodes": frame, "edges":
frame}`, a NetworkX graph, a PyG `Data`. Edges have no direction unless `--directed`. Optional: a column of
known groups (`--target COLUMN`), never an input and never seen in training: it says how well the communities
agree with it. The task is never inferred: say `--task graph-clustering`.

A graph network says how much each node belongs to each community, and is trained so that edges stay within
communities more often than chance would have them (modularity; DMoN, arXiv 2006.16904). Many partitions are
learned at once, several for each number of communities. That one is kept by which a random walk is told in
the fewest bits (the map equation, arXiv 0707.0609); with `--clusters N`, among those into N communities.

Nothing is held out: a node is seen with its place in the graph, so all nodes are learned from and all are
scored; the column of known groups alone is new to the network. To predict: the same graph, or another one
unless the network has learned a vector for each node because there were no columns to know them by.

Answers: `prediction` (the number of a community, the largest found in training being 0), `confidence` (how
much the node belongs to it) and `probability_K` for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from deepfit.answers import clusters as answers_clusters
from deepfit.answers import communities as answers_communities
from deepfit.baselines import communities as baselines_communities
from deepfit.contract import Answers, Baseline, Batch, Facts, Phase, Run, Splits
from deepfit.data.community_options import CommunityOptions

if TYPE_CHECKING:
    from torch import nn

    from deepfit.data.node_rows import NodeRows


class Options(CommunityOptions):
    """How communities are found."""


class GraphClustering:
    """See the file's docstring."""

    Options: ClassVar = Options
    main_metric: str = "modularity"
    classes: ClassVar[bool] = False
    supervised: ClassVar[bool] = False
    transductive: ClassVar[bool] = True
    sections: ClassVar[tuple[str, ...]] = (
        "community_map",
        "community_choice",
        "community_members",
        "curves",
    )

    def __init__(self, options: Options) -> None:
        self.options = options
        if options.target is not None:
            self.main_metric = "nmi"

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """Never: of a graph, classes and links may be wanted as well, so this task is asked for by name."""
        return None

    def read(self, source: Any, facts: Facts | None = None) -> NodeRows:
        """The nodes; where there is a target, those that have one, unless facts are given."""
        from deepfit.data.node_rows import read_nodes

        options = self.options
        return read_nodes(
            source,
            **options.reading(),
            target=options.target,
            goal="grouping" if options.target is not None else None,
            words=options.words,
            learned=facts,
        )

    def learn(self, train: NodeRows) -> Facts:
        """How nodes are encoded; DataError where there are no communities to find."""
        from deepfit.data.graph_encoding import learn_nodes
        from deepfit.data.node_rows import check_communities

        check_communities(train.whole, self.options.clusters)
        return {**learn_nodes(train.every(), self.options), "num_nodes": train.whole.graph.num_nodes}

    def encode(self, rows: NodeRows, facts: Facts) -> Batch:
        """`nodes` Nodes of the graph; never the target."""
        from deepfit.data.graph_encoding import encode_nodes

        return {"nodes": encode_nodes(rows, facts)}

    def build(self, facts: Facts) -> nn.Module:
        """A graph network with room for several partitions."""
        from deepfit.plans import communities

        return communities.network(self.options, facts)

    def plan(self, net: Any, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """All partitions learned together on the whole graph, then the choice of one."""
        from deepfit.plans import communities

        yield from communities.plan(net, data, self.options, run)

    def outputs(self, net: Any, batch: Batch, facts: Facts) -> Batch:
        """`belongs` float32 [rows, clusters], rows summing to 1."""
        from deepfit.plans import communities

        return communities.outputs(net, batch["nodes"])

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """Unchanged: nothing says how often a community is right."""
        return facts

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """The likeliest community of each node, and how much it belongs to each."""
        return answers_clusters.of_belonging(outputs["belongs"])

    def appraise(
        self, net: Any, answers: Answers, rows: NodeRows, facts: Facts, *, train: NodeRows | None = None
    ) -> Answers:
        """What each node adds to the modularity."""
        return answers_communities.appraised(answers, rows.whole.graph, rows.nodes, rows.target())

    def metrics(self, answers: Answers, rows: NodeRows) -> Mapping[str, float]:
        """Modularity; with a target NMI, ARI and accuracy by the best matching."""
        return answers_communities.score(answers)

    def baselines(self, data: Splits[NodeRows]) -> Iterator[Baseline]:
        """Connected components, k-means on the columns, spectral clustering, Louvain."""
        rows = data.held_out
        every = rows.every()
        x = self.encode(every, self.learn(every))["nodes"].x
        found = baselines_communities.for_graph(
            rows.whole.graph, x, self.options.clusters, seed=self.options.seed
        )
        asked = ((name, shares[rows.nodes], seconds) for name, shares, seconds in found)
        yield from answers_clusters.of_baselines(asked)

    @classmethod
    def tiny(cls, seed: int) -> tuple[GraphClustering, Splits[NodeRows], Mapping[str, float]]:
        """A made school: 120 pupils in four classes who mostly know pupils of their own class."""
        rng = np.random.default_rng(seed)
        room = rng.integers(0, 4, 120)
        pairs = rng.integers(0, 120, (2400, 2))
        pairs = pairs[(room[pairs[:, 0]] == room[pairs[:, 1]]) | (rng.random(2400) < 0.08)]
        names = np.array([f"p{number}" for number in range(120)])
        nodes = {"id": names, "room": np.array(["1a", "1b", "2a", "2b"])[room]}
        edges = {"source": names[pairs[:, 0]], "target": names[pairs[:, 1]]}
        options = {"target": "room", "clusters": 4, "epochs": 100, "seed": seed, "threads": 1}
        task = cls(Options.model_validate(options))
        rows = task.read({"nodes": nodes, "edges": edges})
        return task, Splits(rows, rows.take(np.empty(0, np.int64)), rows), {"nmi": 0.9, "modularity": 0.5}
