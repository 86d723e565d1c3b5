"""A tag for each word: the names in a text (people, places, products), or parts of speech.

Data: CoNLL files (`.conll`, `.conllu`, `.bio`, `.iob`, `.txt`): a word a line, its tags in further columns
between tabs or spaces, an empty line between sentences; the first column holds the word, `--target N` says
which column holds the tags, counted from 0 (default: the last). Or JSON Lines or Parquet with the columns
`tokens` and `tags` (or `ner_tags`, `pos_tags`, or `--target NAME`), a list in each row. Or a folder with a
file `train.conll` and perhaps `valid.conll` and `test.conll`; or a pair (sentences, tags) of lists. A row is
a sentence. Tags that mark entities (BIO; IOB1, BIOES and BILOU are read as BIO) are recognised and scored by
span, as seqeval does; others, such as parts of speech, by word. To predict: the same without tags, a list of
sentences (lists of words), a list of texts, or a `.txt` file with a text a line, whose words are found by a
rule: punctuation at either end of what stands between white space is split off.

Answers: `prediction`, a list of a tag for each word; `confidence`, their probabilities, calibrated on
validation sentences by one temperature; `unseen`, the places (from 0) of words that training did not have;
for entities also `entities`: each with its text, type, first word (start), the word behind its last (end) and
score, the least probability of its words. `deepfit predict --out answers.conll` writes a word and its tag a
line, `.jsonl` everything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from deepfit import metrics
from deepfit.baselines import tags as baselines_tags
from deepfit.contract import Answers, Baseline, Batch, Facts, Phase, Run, Splits
from deepfit.data.labels import targets_of
from deepfit.data.ragged import Ragged
from deepfit.data.text_options import PublishedEncoder
from deepfit.metrics import tags as metrics_tags
from deepfit.options import RATES, USUAL, AverageDecay, ClipNorm, Decay, ValidFraction, as_text
from deepfit.options import Options as SharedOptions

if TYPE_CHECKING:
    from torch import Tensor, nn

    from deepfit.data.tagged_rows import TaggedRows

WORDS_SEEN, BASE_WORDS_SEEN = 1_600_000, 200_000
"""Words that training sees, repeats included, where no number of epochs is given."""

EPOCHS, BASE_EPOCHS = (4, 20), (3, 8)
"""The fewest and the most epochs then."""

RATE, BASE_RATE = 3e-3, 2e-4
"""Learning rates from scratch and of a pretrained encoder."""


class Options(SharedOptions):
    """How words are tagged."""

    target: str | None = Field(
        None, description="column of tags: a number from 0 in CoNLL files, a name in tables; default the last"
    )
    scheme: Literal["auto", "entities", "words"] = Field(
        "auto", description="what tags are: marks of entities (BIO), or a tag of its own for each word"
    )
    base: PublishedEncoder = None
    network: Literal["lstm", "gru"] = Field("lstm", description="what reads the words in both directions")
    width: int = Field(192, ge=8, le=4096, description="outputs of the network in each direction")
    layers: int = Field(1, ge=1, le=8, description="layers of the network")
    dropout: float = Field(0.33, ge=0, lt=1, description="share of features hidden in training")
    word_dropout: float = Field(
        0.25,
        ge=0,
        le=100,
        description="a word that occurs n times is hidden in training in r / (r + n) of cases",
    )
    crf: Literal["auto", "on", "off"] = Field(
        "auto", description="scores for tags that follow each other; auto: for entities"
    )

    epochs: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="passes over the training rows; 0 = 4 to 20, so that about 1.6 million words are seen; "
        "with a base 3 to 8, and 0.2 million",
    )
    batch_size: int = Field(32, ge=1, le=10_000_000, description="rows a step")
    learning_rate: Annotated[float, Field(ge=0, le=100)] | Literal["auto"] = Field(
        0.0, description=f"step size at its highest; 0 = 0.003, with a base 0.0002; {RATES}"
    )
    weight_decay: Decay = 0.01
    clip_norm: ClipNorm = 1.0
    ema: AverageDecay = 0.99
    valid_fraction: ValidFraction = 0.1

    _as_text = field_validator("target", mode="before")(as_text)

    @model_validator(mode="after")
    def _base_has_its_own_network(self) -> Options:
        fields = type(self).model_fields
        for name in ("network", "width", "layers", "word_dropout"):
            if self.base is not None and getattr(self, name) != fields[name].default:
                flag = name.replace("_", "-")
                raise ValueError(
                    f"--{flag} has no effect with --base, whose network is given; leave one away"
                )
        if self.scheme == "words" and self.crf == "on":
            raise ValueError("--crf on is for entities, and --scheme words says that there are none")
        return self


class TokenClassification:
    """See the file's docstring."""

    Options: ClassVar = Options
    main_metric: str = "accuracy"
    classes: ClassVar[bool] = False
    sections: ClassVar[tuple[str, ...]] = ("curves", "tag_scores", "tag_confusion", "tagged_sentences")

    def __init__(self, options: Options) -> None:
        self.options = options
        self._vocabulary: tuple[str, Any] | None = None

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """A file of tagged words, or a table with lists of words and tags."""
        from deepfit.data.conventions import convention

        found = convention(source, target)
        return found[1] if found is not None and found[0] == "tags" else None

    def read(self, source: Any, facts: Facts | None = None) -> TaggedRows:
        """The sentences; what they are tagged with decides how answers are scored."""
        from deepfit.data.tagged import read_tagged

        options = self.options
        rows = read_tagged(source, target=options.target, scheme=options.scheme, facts=facts)
        self.main_metric = "f1" if rows.kind == "entities" else "accuracy"
        return rows

    def learn(self, train: TaggedRows) -> Facts:
        """Tags, words with their counts, letters; with a base its sizes and its vocabulary."""
        from deepfit.data.tagged_encoding import learn_tagged

        facts = learn_tagged(train)
        if self.options.crf == "on" and facts["kind"] != "entities":
            from deepfit.errors import OptionError

            raise OptionError("--crf on is for entities, and these tags mark none. Leave it away.")
        if self.options.base is not None:
            from deepfit.data.tokens import load_vocabulary
            from deepfit.nn.pretrained_text import read_arguments

            _, sizes = read_arguments(self.options.base)
            facts["encoder"] = {**sizes, "pooled": False}
            facts["vocabulary"] = load_vocabulary(self.options.base).to_json()
        return facts

    def encode(self, rows: TaggedRows, facts: Facts) -> Batch:
        """Ragged arrays, see `data/tagged_encoding.py`."""
        from deepfit.data.tagged_encoding import encode_tagged

        return encode_tagged(rows, facts, self.vocabulary(facts))

    def vocabulary(self, facts: Facts) -> Any:
        """The published vocabulary of the facts, made once; None without a base."""
        text = facts.get("vocabulary")
        if text is None:
            return None
        if self._vocabulary is None or self._vocabulary[0] != text:
            from deepfit.data.tokens import Vocabulary

            self._vocabulary = text, Vocabulary.from_json(text)
        return self._vocabulary[1]

    def build(self, facts: Facts) -> nn.Module:
        """The tagger; without the published weights, which `plan` loads."""
        from deepfit.data import tagged_encoding, tags
        from deepfit.nn.nets.transformer_encoder import TransformerEncoder
        from deepfit.nn.tagger import PieceTagger, WordTagger

        options = self.options
        sizes = tagged_encoding.num_letters(facts), len(facts["tags"])
        chained = facts["kind"] == "entities" and options.crf != "off"
        chain = {"chained": chained, "allowed": tags.may_follow(facts["tags"]) if chained else None}
        if "encoder" in facts:
            encoder = TransformerEncoder(**facts["encoder"])
            return PieceTagger(encoder, *sizes, dropout=options.dropout, **chain)
        return WordTagger(
            tagged_encoding.word_rows(facts),
            *sizes,
            network=options.network,
            width=options.width,
            layers=options.layers,
            dropout=options.dropout,
            word_dropout=options.word_dropout,
            **chain,
        )

    def plan(self, net: nn.Module, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """Supervised learning, in batches of sentences of similar length.

        The epoch with the best F1 of entities, or accuracy of words, on validation sentences is kept.
        """
        from deepfit import plans
        from deepfit.nn.tagger import crossentropy

        options = self.settled(len(data.train["letters"].values))
        if options.base is not None:
            load_base(net, options.base)
        actual = self.tags_of(data.valid["target"], facts)
        unseen = [np.flatnonzero(each).tolist() for each in rows_of(data.valid["unseen"])]

        def loss(scores: Tensor, batch: Batch) -> Tensor:
            scores = scores.float()  # sums over tags and words are in float32 also where products are not
            if net.chain is not None:
                return -net.chain(scores, batch["target"], batch["target_keep"]).sum()  # pyright: ignore[reportCallIssue, reportOptionalCall]
            return crossentropy(scores, batch["target"], batch["target_keep"])

        def score() -> Mapping[str, float]:
            answers = self.decode(self.outputs(net, data.valid, facts), facts)
            said = answers.columns["prediction"]
            tally = (
                metrics_tags.tally_entities(said, actual)
                if facts["kind"] == "entities"
                else metrics_tags.tally_words(said, actual, unseen)
            )
            scores = tally.of(np.arange(len(actual)))
            return {name: scores.get(name, 0.0) for name in dict.fromkeys((self.metric(facts), "accuracy"))}

        yield from plans.supervised(
            net,
            Splits(without(data.train, "unseen"), without(data.valid, "unseen")),
            options,
            run,
            forward=forward(net),
            loss=loss,
            score=score,
            best=self.metric(facts),
            by="letters",
            count=lambda batch: batch["target_keep"].sum(),
        )

    def settled(self, words: int) -> Options:
        """The options with numbers in place of the zeros that leave a choice to us."""
        options = self.options
        seen, (fewest, most) = (BASE_WORDS_SEEN, BASE_EPOCHS) if options.base else (WORDS_SEEN, EPOCHS)
        rate = (BASE_RATE if options.base else RATE) * USUAL[options.optimizer].rate
        return options.model_copy(
            update={
                "epochs": options.epochs or min(most, max(fewest, round(seen / max(words, 1)))),
                "learning_rate": options.learning_rate or rate,
            }
        )

    @staticmethod
    def metric(facts: Facts) -> str:
        """The main metric for the tags at hand."""
        return "f1" if facts["kind"] == "entities" else "accuracy"

    def outputs(self, net: nn.Module, batch: Batch, facts: Facts) -> Batch:
        """`logits` float32 [words, tags] of each sentence; with a chain log marginal probabilities.

        `unseen` bool [words].
        """
        from deepfit import plans

        read = forward(net)

        def said(part: Batch) -> Tensor:
            scores = read(part).float()
            return scores if net.chain is None else net.chain.log_marginals(scores, part["letters_keep"])  # pyright: ignore

        inputs = without(batch, "unseen")
        return {"logits": plans.foresee_items(net, inputs, said, by="letters"), "unseen": batch["unseen"]}

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """The temperature of the probabilities, from all words of the validation sentences."""
        target = batch["target"].values
        known = target >= 0
        temperature = metrics.fit_temperature(outputs["logits"].values[known], target[known])
        return {**facts, "temperature": temperature}

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """Tags, their probabilities, the unseen words; entities without their text, which `complete` adds."""
        from deepfit.data import tagged_answers

        return tagged_answers.decode(outputs, facts)

    def complete(self, answers: Answers, rows: TaggedRows) -> Answers:
        """The answers with the words of each entity."""
        from deepfit.data import tagged_answers

        return tagged_answers.with_texts(answers, rows.words)

    def tags_of(self, codes: Ragged, facts: Facts) -> list[list[str]]:
        """Tags for numbers; one that training did not have is "?", which no answer is."""
        names = [*facts["tags"], "?"]
        return [[names[code] for code in row] for row in rows_of(codes)]

    def tally(self, answers: Answers, rows: TaggedRows) -> metrics.Tally:
        """Counts of each sentence, from which all scores are made."""
        said, actual = answers.columns["prediction"], targets_of(rows)
        if rows.kind == "entities":
            return metrics_tags.tally_entities(said, actual)
        return metrics_tags.tally_words(said, actual, answers.columns["unseen"])

    def metrics(self, answers: Answers, rows: TaggedRows) -> Mapping[str, float]:
        """F1, precision and recall of entities and accuracy of words; or accuracies and F1 of words."""
        return self.tally(answers, rows).of(np.arange(len(rows)))

    def baselines(self, data: Splits[TaggedRows]) -> Iterator[Baseline]:
        """The most frequent tag of each word, and logistic regression on words, their ends and neighbours."""
        from deepfit.data.tagged_encoding import word_key
        from deepfit.data.tagged_rows import objects

        train, test = data.train, data.held_out
        words = [*train.words, *data.valid.words]
        known = [*targets_of(train), *targets_of(data.valid)]
        seen = {word_key(word) for row in train.words for word in row}
        unseen = [
            [place for place, word in enumerate(row) if word_key(word) not in seen] for row in test.words
        ]
        for name, said, seconds in baselines_tags.for_tags(
            words, known, list(test.words), entities=train.kind == "entities", seed=self.options.seed
        ):
            yield Baseline(name, Answers({"prediction": objects(said), "unseen": objects(unseen)}), seconds)

    @classmethod
    def tiny(cls, seed: int) -> tuple[TokenClassification, Splits[TaggedRows], Mapping[str, float]]:
        """Made letters in which people and towns are named, 260 sentences; some names occur once."""
        rng = np.random.default_rng(seed)
        sentences, found = [], []
        for _ in range(260):
            words, marks = made_sentence(rng)
            sentences.append(words)
            found.append(marks)
        options = {"epochs": 6, "batch_size": 8, "width": 32, "seed": seed, "threads": 1}
        task = cls(Options.model_validate(options))
        rows = task.read((sentences, found))
        parts = (slice(0, 160), slice(160, 200), slice(200, 260))
        return task, Splits(*(rows.take(np.arange(260)[part]) for part in parts)), {"f1": 0.85}


def forward(net: nn.Module) -> Any:
    """The network as a function of a batch: scores_BTC."""

    def read(batch: Batch) -> Tensor:
        keep = batch["letters_keep"]
        if "words" in batch:
            return net(batch["words"], keep, batch["letters"])
        pieces = batch["pieces"], batch["pieces_keep"], batch["firsts"].long()
        return net(*pieces, keep, batch["letters"])

    return read


def load_base(net: Any, folder: str) -> None:
    """The published weights into the encoder of a tagger."""
    from deepfit.nn.pretrained_text import load_encoder

    published, _ = load_encoder(folder)
    weights = published.state_dict()
    net.encoder.load_state_dict({n: w for n, w in weights.items() if not n.startswith("pooler.")})


def without(batch: Batch, name: str) -> Batch:
    """The other arrays of a batch."""
    return {each: batch[each] for each in batch if each != name}


def rows_of(array: Ragged) -> Iterator[np.ndarray]:
    """Each row's items."""
    return (array.row(place) for place in range(len(array)))


def made_sentence(rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """Words and BIO tags: who did what where."""

    def name(ends: Sequence[str]) -> str:
        return "".join(rng.choice(list("bdfglmnrst")) + rng.choice(list("aeiou")) for _ in range(2)) + str(
            rng.choice(ends)
        )

    person = [name(("son", "sen")).capitalize() for _ in range(rng.integers(1, 3))]
    town = [*(["New"] if rng.random() < 0.3 else []), name(("ville", "burg")).capitalize()]
    said = str(rng.choice(["went", "moved", "wrote", "flew"]))
    begin = [] if rng.random() < 0.5 else [str(rng.choice(["Yesterday", "Once", "Then"]))]
    words = [*begin, *person, said, "to", *town, "."]
    mark = lambda kind, many: [f"B-{kind}", *[f"I-{kind}"] * (many - 1)]  # noqa: E731 (one expression)
    marks = ["O"] * len(begin) + mark("PERSON", len(person)) + ["O", "O"] + mark("TOWN", len(town)) + ["O"]
    return words, marks
