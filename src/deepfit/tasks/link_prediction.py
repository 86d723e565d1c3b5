"""Which pairs of nodes of a graph are linked, though no edge says so yet.

Data: a folder with `edges.csv` (`source`, `target`, optionally `weight`, columns that tell kinds of edges
apart, and `split` with train, valid, test) and, where something is known of nodes, `nodes.csv` (a column
`id`, any other columns: numbers, categories, dates, words), in any table format, or `NAME_nodes.csv` beside
`NAME_edges.csv`. In memory: `{"nodes": frame, "edges": frame}`, a NetworkX graph, a PyG `Data`. Rows are
links: each edge once. Edges have no direction unless `--directed`. To predict: the same folder with
`pairs.csv` (`source`, `target`), the pairs to judge; in memory under the key `pairs`, beside nodes and edges
or beside `graph`. The task is never inferred: say `--task link-prediction`.

No link that is held out is seen in training: messages go along the edges of the training links, and so do
they when validation and test links are judged. While links are learned from, they are taken out of the graph
that they are judged in. Each held-out link is ranked among pairs that are no edge of the graph, one end of
the link replaced: `--negatives` random ones, and as many hard ones, half of them two steps away, half drawn
by their number of edges; from the seed, the same for baselines.

Answers: `prediction`, whether there is a link, and its `probability`, calibrated on validation links against
as many random pairs: it is the chance of a link where half of the pairs asked about are links, and too high
where fewer are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from deepfit.answers import links as answers_links
from deepfit.baselines import links as baselines_links
from deepfit.contract import Answers, Baseline, Batch, Facts, Phase, Run, Splits
from deepfit.data.graph_options import GraphNetworkName, GraphOptions
from deepfit.options import RATES, Patience

if TYPE_CHECKING:
    from torch import nn

    from deepfit.data.link_rows import LinkRows


class Options(GraphOptions):
    """How links are learned."""

    target: Literal[None] = Field(None, description="none: every row is a link")  # pyright: ignore[reportIncompatibleVariableOverride]
    negatives: int = Field(
        100,
        ge=1,
        le=10_000,
        description="random pairs, and as many hard ones, that each link is ranked among",
    )
    network: GraphNetworkName = "gcn"
    width: int = Field(
        64, ge=2, le=8192, description="features of a node between the layers, and of its code"
    )
    learning_rate: Annotated[float, Field(gt=0, le=100)] | Literal["auto"] = Field(
        0.003, description=f"step size at its highest; {RATES}"
    )
    epochs: int = Field(40, ge=1, le=1_000_000, description="passes over the training links")
    batch_size: int = Field(
        2048,
        ge=1,
        le=10_000_000,
        description="links a step, a quarter at most, which are judged in a graph without them",
    )
    dropout: float = Field(0.3, ge=0, lt=1, description="share of features dropped before each layer")
    patience: Patience = 20
    valid_fraction: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="share of the other links held out to choose the best epoch and calibrate",
    )

    def _batches_have_an_effect(self) -> Options:  # they always do
        return self


class LinkPrediction:
    """See the file's docstring."""

    Options: ClassVar = Options
    main_metric: ClassVar[str] = "mrr"
    classes: ClassVar[bool] = False
    sections: ClassVar[tuple[str, ...]] = ("curves", "link_ranks", "found_links")

    def __init__(self, options: Options) -> None:
        self.options = options

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """Never: a graph is first one whose nodes have a class, so this task is asked for by its name."""
        return None

    def read(self, source: Any, facts: Facts | None = None) -> LinkRows:
        """Each edge once; at predict the pairs asked about."""
        from deepfit.data.link_rows import read_links

        options = self.options
        return read_links(source, reading=options.reading(), words=options.words, learned=facts)

    def learn(self, train: LinkRows) -> Facts:
        """How nodes are encoded, and which links are trained on."""
        from deepfit.data.link_encoding import learn_links

        return learn_links(train, self.options)

    def encode(self, rows: LinkRows, facts: Facts) -> Batch:
        """`nodes` Nodes, `pairs` int64 [rows, pairs a row, 2], `shared` float32 [rows, pairs a row, counts].

        Pairs a row: the link alone, or with the pairs that it is ranked among.
        """
        from deepfit.data.link_encoding import encode_links

        return encode_links(rows, facts, negatives=self.options.negatives, seed=self.options.seed)

    def build(self, facts: Facts) -> nn.Module:
        """A network on the graph, and what tells links from pairs of codes."""
        from deepfit.data.link_draws import COUNTS
        from deepfit.plans import links

        return links.network(self.options, facts, COUNTS + facts["directed"])

    def plan(self, net: nn.Module, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """Links are told from pairs that are none; the epoch with the best ranks of validation is kept."""
        from deepfit.plans import links

        def score() -> Mapping[str, float]:
            scores = answers_links.score(self.decode(self.outputs(net, data.valid, facts), facts))
            found = {name: scores[name] for name in ("mrr", "hard_mrr")}
            return {**found, "mean_mrr": (found["mrr"] + found["hard_mrr"]) / 2}

        yield from links.plan(net, data, self.options, run, score=score, best="mean_mrr")

    def outputs(self, net: nn.Module, batch: Batch, facts: Facts) -> Batch:
        """`logits` float32 [rows, pairs a row]."""
        from deepfit.plans import links

        return {"logits": links.outputs(net, batch)}

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """The line from logits to log odds."""
        return answers_links.calibrate(outputs["logits"], facts)

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """Whether each pair is a link, how likely, and where it stands among pairs that are none."""
        return answers_links.decode(outputs["logits"], facts)

    def metrics(self, answers_: Answers, rows: LinkRows) -> Mapping[str, float]:
        """Ranks, ROC AUC and average precision among random pairs and, as `hard_...`, among hard ones."""
        return answers_links.score(answers_)

    def baselines(self, data: Splits[LinkRows]) -> Iterator[Baseline]:
        """Products of degrees, common neighbours, Adamic-Adar, paths of three edges, columns alone.

        They know the training links, as the network does.
        """
        facts = self.learn(data.train)
        test = self.encode(data.held_out, facts)
        nodes = test["nodes"]
        for name, scores, seconds in baselines_links.for_links(
            nodes.graph, nodes.x, data.train.pairs, test["pairs"], seed=self.options.seed
        ):
            # scores have no unit, so their order is all there is to say how likely
            order = np.searchsorted(np.sort(scores[:, 1:], axis=None), scores[:, 0], "left")
            likely = order / max(scores[:, 1:].size, 1)
            yield Baseline(name, answers_links.of_scores(scores, likely), seconds)

    @classmethod
    def tiny(cls, seed: int) -> tuple[LinkPrediction, Splits[LinkRows], Mapping[str, float]]:
        """A made club: 150 people in five circles; who likes what says the circle, and links stay in it."""
        rng = np.random.default_rng(seed)
        count = 150
        circle = rng.integers(0, 5, count)
        pairs = np.unique(np.sort(rng.integers(0, count, (6000, 2)), 1), axis=0)
        near = circle[pairs[:, 0]] == circle[pairs[:, 1]]
        pairs = rng.permutation(
            pairs[(near & (rng.random(len(pairs)) < 0.5)) | (rng.random(len(pairs)) < 0.01)]
        )
        nodes = {
            "id": [f"p{number}" for number in range(count)],
            "likes": [" ".join(rng.choice(_LIKES[at], 3)) for at in circle],
        }
        edges = {"source": [f"p{a}" for a in pairs[:, 0]], "target": [f"p{b}" for b in pairs[:, 1]]}
        options = {
            "epochs": 40,
            "width": 32,
            "words": "likes",
            "learning_rate": 0.01,
            "seed": seed,
            "threads": 1,
            "negatives": 20,
        }
        task = cls(Options.model_validate({**options, "batch_size": 100, "patience": 0}))
        rows = task.read({"nodes": nodes, "edges": edges})
        parts = np.split(np.arange(len(rows)), [int(0.7 * len(rows)), int(0.8 * len(rows))])
        return task, Splits(*(rows.take(part) for part in parts)), {"mrr": 0.42}


_LIKES = tuple(f"{a} {b} films".split() for a, b in (
    ("chess", "tea"), ("choir", "wine"), ("garden", "roses"), ("running", "dogs"), ("books", "cats")
))  # fmt: skip
