"""Groups of texts about the same things, found without labels: kinds of customer feedback, topics of news.

Data: a table (CSV, TSV, JSON Lines, JSON, Parquet, Arrow, a frame) with a column `text` (`--text` names
another); a folder of `.txt` files; or a list of texts. Optional: known groups, a column or the folders'
names (`--target COLUMN`; of folders `--target label`), never an input and never seen in training: they say
how well the clusters agree with them. Texts may be of any length and in any script; nothing is cut away.
Empty texts are left out of training, and that is said; to predict they are answered too. The task is never
inferred: say `--task text-clustering`.

From nothing, texts are compared by the words they share, rare ones more (TF-IDF), in 25 dimensions (latent
semantic analysis). With `--base FOLDER` they are compared by the vectors of a published encoder, long texts
read through windows, so that texts may be alike in other words; its files are not needed any more once the
model is saved. An autoencoder learns codes in which texts lie near their nearest neighbours; k-means finds
clusters among the codes, and the network is refined (DEC, arXiv 1511.06335; IDEC, IJCAI 2017). How many:
`--clusters N`, or chosen by the silhouette among the codes (the least number within 0.02 of the best).

Answers: `prediction` (the number of a cluster, the largest found in training being 0), `confidence` (how much
the text belongs to it) and `probability_K` for each cluster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field, field_validator, model_validator

from deepfit.answers import clusters as answers_clusters
from deepfit.contract import Answers, Baseline, Batch, Facts, Phase, Run, Splits
from deepfit.data.cluster_options import ClusterOptions
from deepfit.errors import DataError
from deepfit.options import as_text

if TYPE_CHECKING:
    from torch import nn

    from deepfit.data.text_rows import TextRows


class Options(ClusterOptions):
    """How groups of texts are found."""

    text: str = Field("text", description="column of the texts")
    base: str | None = Field(
        None, description="folder of a published encoder that compares texts; by default the words they share"
    )
    vocabulary: int = Field(
        20_000, ge=10, le=1_000_000, description="words that texts are compared by, at most; without --base"
    )
    dimensions: int = Field(
        0, ge=0, le=4096, description="dimensions that shared words are reduced to; 0 = 25; without --base"
    )
    width: int = Field(256, ge=4, le=8192, description="features of each of the two hidden layers")

    _texts = field_validator("text", mode="before")(as_text)

    @model_validator(mode="after")
    def _words_are_not_read_by_an_encoder(self) -> Options:
        for name in ("vocabulary", "dimensions"):
            if self.base is not None and getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(f"--{name} has no effect with --base, which compares texts itself")
        return self


class TextClustering:
    """See the file's docstring."""

    Options: ClassVar = Options
    main_metric: str = "silhouette"
    classes: ClassVar[bool] = False
    supervised: ClassVar[bool] = False
    sections: ClassVar[tuple[str, ...]] = (
        "curves",
        "cluster_choice",
        "cluster_map",
        "cluster_words",
        "cluster_texts",
    )

    def __init__(self, options: Options) -> None:
        self.options = options
        self._appraised: tuple[Any, Any, np.ndarray] | None = None
        if options.target is not None:
            self.main_metric = "nmi"

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """Never: texts may be for anything, so this task is asked for by its name."""
        return None

    def read(self, source: Any, facts: Facts | None = None) -> TextRows:
        """The texts; the target as it is."""
        from deepfit.data.texts import read_texts

        return read_texts(
            source,
            text=self.options.text,
            target=self.options.target,
            goal="grouping",
            training=facts is None,
        )

    def learn(self, train: TextRows) -> Facts:
        """The words that texts are compared by, or the encoder's vocabulary and sizes."""
        from deepfit.data.text_cluster_facts import check_enough, learn_shared_words

        options = self.options
        check_enough(train, options.clusters)
        if options.base is None:
            return learn_shared_words(train, most=options.vocabulary, dimensions=options.dimensions)
        from deepfit.plans.text_vectors import base_facts_and_vocabulary

        return base_facts_and_vocabulary(options.base)

    def encode(self, rows: TextRows, facts: Facts) -> Batch:
        """`words`, `counts`: which words each text holds how often; or `tokens`. Ragged int32, no target."""
        if "words" in facts:
            from deepfit.data.latent_semantics import count_words

            return count_words(rows.texts(), facts["words"])
        from deepfit.data.text_encoding import encode_texts

        return {"tokens": encode_texts(rows.texts(), facts)}

    def build(self, facts: Facts) -> nn.Module:
        """What makes points of texts, and an autoencoder with room for the clusters."""
        from deepfit.plans import text_clusters

        return text_clusters.network(self.options, facts)

    def plan(self, net: Any, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """The points, once; then pretraining, k-means among the codes, refinement."""
        from deepfit.plans import text_clusters

        yield from text_clusters.plan(net, data, facts, self.options, run)

    def outputs(self, net: Any, batch: Batch, facts: Facts) -> Batch:
        """`belongs` float32 [rows, clusters], rows summing to 1."""
        from deepfit.plans import text_clusters

        return text_clusters.outputs(net, batch, facts)

    def codes(self, net: Any, batch: Batch, facts: Facts) -> np.ndarray:
        """The codes, float32 [rows, code]."""
        from deepfit.plans import text_clusters

        return text_clusters.found_codes(net, batch, facts)

    def embed(self, net: Any, batch: Batch, facts: Facts) -> np.ndarray:
        """The points that texts are compared as, float32 [rows, width], of length 1."""
        from deepfit.plans import text_clusters

        return text_clusters.points(net.reader, batch, facts)

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """Unchanged: nothing says how often a cluster is right."""
        return facts

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """The likeliest cluster of each text, and how much it belongs to each."""
        return answers_clusters.of_belonging(outputs["belongs"])

    def appraise(
        self, net: Any, answers: Answers, rows: TextRows, facts: Facts, *, train: TextRows | None = None
    ) -> Answers:
        """Each text's silhouette among the points, the same space for every method."""
        # an encoder reads texts slowly, and those of a run are appraised once for every baseline
        if self._appraised is None or self._appraised[0] is not net or self._appraised[1] is not rows:
            self._appraised = net, rows, self.embed(net, self.encode(rows, facts), facts)
        return answers_clusters.appraised(answers, self._appraised[2], rows.target())

    def metrics(self, answers: Answers, rows: TextRows) -> Mapping[str, float]:
        """Mean silhouette; with a target NMI, ARI and accuracy by the best matching."""
        return answers_clusters.score(answers)

    def baselines(self, data: Splits[TextRows]) -> Iterator[Baseline]:
        """k-means on TF-IDF; k-means and a Gaussian mixture on its main axes, and on a base's vectors."""
        from deepfit.baselines import text_clusters as simple
        from deepfit.data.text_cluster_facts import learn_shared_words

        options = self.options
        how = {"clusters": options.clusters, "seed": options.seed}
        texts = data.train.texts()
        yield from answers_clusters.of_baselines(simple.of_words(texts, data.held_out.texts(), **how))
        kinds = {}
        with suppress(DataError):  # texts that only a published encoder can compare
            kinds["lsa"] = learn_shared_words(
                data.train, most=options.vocabulary, dimensions=options.dimensions
            )
        if options.base is not None:
            kinds["embedding"] = self.learn(data.train)
        for kind, facts in kinds.items():
            train, test, spent = self._points(data, facts)
            found = simple.among(kind, train, test, seconds=spent, **how)
            yield from answers_clusters.of_baselines(found)

    def _points(self, data: Splits[TextRows], facts: Facts) -> tuple[np.ndarray, np.ndarray, float]:
        """The points of training and test texts, made anew, and the seconds that it took."""
        import time

        from deepfit.plans import text_clusters

        begun = time.perf_counter()
        train, test = (self.encode(part, facts) for part in (data.train, data.held_out))
        reader = text_clusters.reader(facts)
        text_clusters.learn_reader(reader, train, facts, base=self.options.base, seed=self.options.seed)
        known, asked = (text_clusters.points(reader, part, facts) for part in (train, test))
        return known, asked, time.perf_counter() - begun

    @classmethod
    def tiny(cls, seed: int) -> tuple[TextClustering, Splits[TextRows], Mapping[str, float]]:
        """Made texts of three topics, forty words each, of which a text holds three among shared ones."""
        rng = np.random.default_rng(seed)
        first, middle = ("b", "d", "f", "g", "k", "l"), ("m", "n", "p", "r", "s")
        every = [a + b + c + d for a in first for b in "aei" for c in middle for d in "ou"]
        words = rng.permutation(every)[:150]
        topics, shared = words[:120].reshape(3, 40), words[120:]
        topic, texts = rng.integers(0, 3, 300), []
        for number in topic.tolist():
            own, other = (
                rng.choice(some, each, replace=False) for some, each in ((topics[number], 3), (shared, 4))
            )
            texts.append(" ".join(rng.permutation([*own, *other]).tolist()).capitalize() + ". 🙂")
        options = {
            "target": "topic",
            "clusters": 3,
            "epochs": 12,
            "dimensions": 4,
            "seed": seed,
            "threads": 1,
        }
        task = cls(Options.model_validate({**options, "batch_size": 32, "width": 32, "code": 4}))
        rows = task.read({"text": texts, "topic": np.array(["sea", "home", "work"])[topic].tolist()})
        parts = (slice(0, 180), slice(180, 220), slice(220, 300))
        return task, Splits(*(rows.take(np.arange(300)[part]) for part in parts)), {"nmi": 0.8}
