"""How alike two texts are, learned from pairs; the trained model also embeds and searches texts.

Data: a table with two columns of texts a row, `sentence1` and `sentence2`, and a rating `score`, a number
that is higher the more alike they are; or pairs that belong together, `anchor` and `positive`, without a
rating, and perhaps a third text `negative` that does not belong. Other names by `--first`, `--second`,
`--negative` and `--target`. CSV, TSV, Parquet, Arrow, JSON Lines; frames; a list of (text, text). Pairs that
hang together by a text that they share are kept on one side of the split where that can be done.

Learned with ratings, pairs rated higher get the higher cosine; without, each text finds its partner among
those of its batch. Training reads the beginning of each text (256 tokens, or what a published network reads);
answers are of the whole text, long ones in windows.

Answers: `prediction`, with ratings in their range and the cosine `similarity` beside it; without ratings the
cosine itself, and `rank`, the place of the second text among all second texts, 1 for the nearest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from deepfit.contract import Answers, Baseline, Batch, Facts, Phase, Run, Splits
from deepfit.errors import DataError, OptionError
from deepfit.metrics import similarity as scores
from deepfit.options import RATES, ValidFraction, Warmup
from deepfit.options import Options as SharedOptions

if TYPE_CHECKING:
    from torch import nn

    from deepfit.data.pairs import PairRows
    from deepfit.data.text_rows import TextRows

LEAST_RATED = 3
"""Validation pairs from which the way from cosines to ratings is learned."""


class Options(SharedOptions):
    """How pairs of texts are read and compared."""

    target: str | None = Field(
        None, description="column of ratings; by default score, similarity or rating where there is one"
    )
    first: str | None = Field(None, description="column of the first text; by default sentence1, anchor, ...")
    second: str | None = Field(
        None, description="column of the second text; by default sentence2, positive, ..."
    )
    negative: str | None = Field(
        None, description="column of a text that does not belong to the first; by default negative"
    )
    base: str | None = Field(
        None, description="folder of a published encoder to begin with; by default one begins from nothing"
    )
    network: Literal["auto", "word_average", "transformer_encoder"] = Field(
        "auto", description="auto: word_average, or what --base holds"
    )
    vocabulary_size: int = Field(
        8192, ge=300, le=1_000_000, description="word pieces that are learned from the training texts"
    )
    width: int = Field(
        0, ge=0, le=8192, description="numbers in a vector; 0 = 512, of transformer_encoder 256"
    )
    loss: Literal["auto", "in_batch_contrastive", "cosent", "mean_squared_error"] = Field(
        "auto", description="auto: cosent for rated pairs, in_batch_contrastive for others"
    )
    temperature: float = Field(
        0.05, gt=0, le=10, description="of in_batch_contrastive: lower looks more at the nearest wrong texts"
    )

    epochs: int = Field(
        0, ge=0, le=1_000_000, description="passes over the training pairs; 0 = by how many they are"
    )
    batch_size: int = Field(
        0, ge=0, le=10_000_000, description="pairs a step; 0 = 256, transformer_encoder 128, base 64"
    )
    learning_rate: Annotated[float, Field(ge=0, le=100)] | Literal["auto"] = Field(
        0.0,
        description=f"step size at its highest; 0 = 0.002, transformer_encoder 0.0005, base 5e-5; {RATES}",
    )
    valid_fraction: ValidFraction = 0.1
    warmup: Warmup = 0.1

    @model_validator(mode="after")
    def _all_of_it_has_an_effect(self) -> Options:
        if (self.first is None) != (self.second is None):
            raise ValueError("--first and --second go together; name both columns of texts, or neither")
        if self.base:
            for name in ("network", "vocabulary_size", "width"):
                if getattr(self, name) != type(self).model_fields[name].default:
                    shown = name.replace("_", "-")
                    raise ValueError(f"--{shown} has no effect with --base, whose folder says it")
        if self.temperature != 0.05 and self.loss not in ("auto", "in_batch_contrastive"):
            raise ValueError(f"--temperature has no effect with --loss {self.loss}")
        return self


class SentenceSimilarity:
    """See the file's docstring."""

    Options: ClassVar = Options
    main_metric: str = "mrr"
    classes: ClassVar[bool] = False
    sections: ClassVar[tuple[str, ...]] = (
        "curves", "likeness", "rated_likeness", "lost_partners", "far_ratings", "text_map",
    )  # fmt: skip

    def __init__(self, options: Options) -> None:
        self.options = options

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """Two columns named as pairs are the reason."""
        from deepfit.data.conventions import convention

        found = convention(source, target)
        return found[1] if found and found[0] == "pairs" else None

    def read(self, source: Any, facts: Facts | None = None) -> PairRows:
        """The pairs; what they are scored by depends on whether they are rated, so it is settled here."""
        from deepfit.data.pairs import read_pairs

        given: Mapping[str, Any] = facts or self.options.model_dump()
        rows = read_pairs(
            source,
            first=given["first"],
            second=given["second"],
            negative=self.options.negative if facts is None else None,
            target=given["target"],
            training=facts is None,
        )
        loss = self.options.loss
        if facts is None and loss != "auto" and rows.rated == (loss == "in_batch_contrastive"):
            raise OptionError(
                f"--loss {loss} learns from "
                + (
                    f"pairs that belong together, and {rows.name} rates them by '{rows.target_name}'. Leave "
                    "--loss away, or the column of ratings."
                    if rows.rated
                    else f"ratings, and {rows.name} has none. Leave --loss away, or name them with --target."
                )
            )
        self.main_metric = "spearman" if rows.rated else "mrr"
        return rows

    def read_items(self, source: Any, facts: Facts) -> TextRows:
        """Single texts to embed: a column `text`, a folder of .txt files, a list."""
        from deepfit.data.pairs import read_items

        return read_items(source, facts)

    def learn(self, train: PairRows) -> Facts:
        """The columns, the vocabulary, the sizes of the network, the range of ratings."""
        from deepfit.data.text_ids import learned_ids

        options, names = self.options, train.names
        facts: dict[str, Any] = {"first": names.first, "second": names.second, "target": names.rating}
        usual = "cosent" if train.rated else "in_batch_contrastive"
        facts |= {"rated": train.rated, "loss": usual if options.loss == "auto" else options.loss}
        ratings = train.target()
        if ratings is not None:
            facts |= {"low": float(ratings.min()), "high": float(ratings.max())}
        if options.base:
            from deepfit.plans.text_vectors import base_facts_and_vocabulary

            return {**facts, **base_facts_and_vocabulary(options.base)}
        from deepfit.data.word_pieces import learn_vocabulary

        texts = [text for name in (names.first, names.second) for text in train.texts(name)]
        vocabulary = learn_vocabulary(texts, size=options.vocabulary_size)
        average = options.network in ("auto", "word_average")
        width = options.width or (512 if average else 256)
        facts |= {"num_tokens": len(vocabulary), "longest": 256, "width": width}
        return {**facts, **learned_ids(vocabulary, around=not average)}

    def encode(self, rows: PairRows | TextRows, facts: Facts) -> Batch:
        """`first`, `second`, where there is one `negative`: tokens, Ragged int32; of single texts `first`.

        `first_key`, `second_key` int64 [rows], equal for the same text; `target` float32 [rows], 0 for the
        lowest rating of training and 1 for the highest.
        """
        from deepfit.data.pairs import PairRows
        from deepfit.data.text_encoding import encode_texts

        if not isinstance(rows, PairRows):
            return {"first": encode_texts(rows.texts(), facts)}
        names = rows.names
        batch: dict[str, Any] = {}
        for place, name in (("first", names.first), ("second", names.second)):
            batch[place] = encode_texts(rows.texts(name), facts)
            batch[f"{place}_key"] = rows.prints(name)
        if names.negative is not None:
            batch["negative"] = encode_texts(rows.texts(names.negative), facts)
        if (ratings := rows.target()) is not None and facts["rated"]:
            span = (facts["high"] - facts["low"]) or 1.0
            batch["target"] = ((ratings - facts["low"]) / span).astype(np.float32)
        return batch

    def build(self, facts: Facts) -> nn.Module:
        """The network that the options name, or in the shape of the published one."""
        from deepfit.plans import text_vectors

        name = "word_average" if self.options.network == "auto" else self.options.network
        if name == "transformer_encoder" and facts["width"] % 4:
            raise OptionError(
                f"--width {facts['width']}: transformer_encoder takes a multiple of 4, its heads."
            )
        return text_vectors.network(name, facts)

    def plan(self, net: nn.Module, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """One phase; the epoch with the best order, or the most partners found, of validation is kept."""
        from deepfit.plans import pairs

        def score() -> Mapping[str, float]:
            said = self.decode(self.outputs(net, data.valid, facts), facts).columns
            if facts["rated"]:
                found = scores.rated(said["similarity"], data.valid["target"])
                return {"spearman": found.get("spearman", 0.0)}
            return scores.retrieval(said["rank"])

        best = "spearman" if facts["rated"] else "mrr"
        yield from pairs.plan(net, data, self.options, facts, run, score=score, best=best)

    def outputs(self, net: nn.Module, batch: Batch, facts: Facts) -> Batch:
        """`similarity` float32 [rows]; without ratings also `first`, `second` [rows, width] and the keys."""
        from deepfit.plans.text_vectors import unit, vectors

        first, second = (unit(vectors(net, batch[name], facts)) for name in ("first", "second"))
        said = {"similarity": scores.own_similarity(first, second).astype(np.float32)}
        if facts["rated"]:
            return said
        return {**said, "first": first, "second": second, "second_key": np.asarray(batch["second_key"])}

    def embed(self, net: nn.Module, batch: Batch, facts: Facts) -> np.ndarray:
        """The vectors of first texts, float32 [rows, width]; single texts are first texts."""
        from deepfit.plans.text_vectors import vectors

        return vectors(net, batch["first"], facts)

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """The straight line from cosines to ratings, by least squares over validation rows; never falling."""
        if not facts["rated"] or len(batch["target"]) < LEAST_RATED:
            return facts
        x, y = outputs["similarity"].astype(np.float64), batch["target"].astype(np.float64)
        spread = float(((x - x.mean()) ** 2).sum())
        slope = max(0.0, float(((x - x.mean()) * (y - y.mean())).sum()) / spread) if spread > 0 else 0.0
        return {**facts, "line": [slope, float(y.mean() - slope * x.mean())]}

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """The rating that a cosine stands for, or the cosine and the place of the partner."""
        similarity = outputs["similarity"].astype(np.float64)
        if facts["rated"]:
            slope, level = facts.get("line", (1.0, 0.0))
            return rating_answers(similarity, np.clip(slope * similarity + level, 0, 1), facts)
        ranks = scores.partner_ranks(outputs["first"], outputs["second"], outputs["second_key"])
        return Answers({"prediction": similarity, "rank": ranks})

    def metrics(self, answers: Answers, rows: PairRows) -> Mapping[str, float]:
        """Spearman's and Pearson's correlation with ratings; without them how often partners are found."""
        columns = answers.columns
        ratings = rows.target()
        if ratings is not None:
            return scores.rated(columns.get("similarity", columns["prediction"]), ratings)
        if "rank" not in columns:
            column = rows.target_name or self.options.target or "score"
            raise DataError(
                f"{rows.name}: has no column '{column}' of ratings, which this model was trained on. Add it "
                "to score the model."
            )
        return scores.retrieval(columns["rank"])

    def baselines(self, data: Splits[PairRows]) -> Iterator[Baseline]:
        """Words in common, TF-IDF of words and of letters, and with --base the base as it is."""
        from deepfit.baselines import similarity as simple

        train, test = data.train, data.held_out
        names = test.names
        known = [text for name in (train.names.first, train.names.second) for text in train.texts(name)]
        found = simple.of_words(known, test.texts(names.first), test.texts(names.second))
        for name, first, second, seconds in found:
            yield Baseline(name, self.compared(first, second, test, train), seconds)
        if self.options.base:
            yield self.base_as_it_is(train, test)

    def base_as_it_is(self, train: PairRows, test: PairRows) -> Baseline:
        """The published encoder before it has learned from these pairs."""
        import time

        from deepfit.plans.text_vectors import load_base, unit, vectors

        begun = time.perf_counter()
        facts = self.learn(train)
        net = self.build(facts)
        load_base(net, str(self.options.base))
        batch = self.encode(test, facts)
        first, second = (unit(vectors(net, batch[name], facts)) for name in ("first", "second"))
        answers = self.compared(first, second, test, train)
        return Baseline("base_as_it_is", answers, time.perf_counter() - begun)

    def compared(self, first: Any, second: Any, test: PairRows, train: PairRows) -> Answers:
        """Answers from the vectors of both texts, whose cosine stands for the rating as it is."""
        similarity = scores.own_similarity(first, second)
        ratings = train.target()
        if ratings is None:
            ranks = scores.partner_ranks(first, second, test.prints(test.names.second))
            return Answers({"prediction": similarity, "rank": ranks})
        span = {"low": float(ratings.min()), "high": float(ratings.max())}
        return rating_answers(similarity, np.clip(similarity, 0, 1), span)

    @classmethod
    def tiny(cls, seed: int) -> tuple[SentenceSimilarity, Splits[PairRows], Mapping[str, float]]:
        """Sentences of eight of forty words, and the same in a made language: 300 pairs."""
        rng = np.random.default_rng(seed)
        letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
        words = ["".join(rng.choice(letters, 5)) for _ in range(80)]
        chosen = np.array([rng.choice(40, 8, replace=False) for _ in range(300)])
        shared = rng.random(chosen.shape) < 0.2  # words that both languages have
        first = [" ".join(words[each] for each in row) for row in chosen]
        second = [
            " ".join(words[each if same else 40 + each] for each, same in zip(row, some, strict=True))
            for row, some in zip(chosen[:, ::-1], shared[:, ::-1], strict=True)
        ]
        small = {"epochs": 8, "batch_size": 32, "vocabulary_size": 400, "width": 64}
        options = {**small, "seed": seed, "threads": 1}
        task = cls(Options.model_validate(options))
        rows = task.read({"anchor": first, "positive": second})
        parts = (slice(0, 180), slice(180, 220), slice(220, 300))
        return task, Splits(*(rows.take(np.arange(300)[part]) for part in parts)), {"accuracy_at_10": 0.9}


def rating_answers(similarity: np.ndarray, share: np.ndarray, facts: Mapping[str, Any]) -> Answers:
    """Answers for rated pairs: the share of the range of ratings, in it, and the cosine."""
    low, high = facts["low"], facts["high"]
    return Answers({"prediction": low + (high - low) * share, "similarity": similarity})
