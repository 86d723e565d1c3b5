"""Which class each string of symbols belongs to: DNA, RNA, protein, or other signs.

Data: a table with the columns `sequence` and `label` (other names: `--sequence COLUMN --target COLUMN`); a
FASTA or FASTQ file, also `.gz`, whose headers say the class as `>id label=ei` or `>id ei`; such a file with a
table of labels, joined by its column `id` (`--labels FILE --id COLUMN`); a folder of FASTA files, one a
class, or of class folders, also below `train/`, `valid/` and `test/`; a pair (list of strings, labels). To
predict: the same without labels, or a list of strings.

The alphabet is found from the data: DNA and RNA with the IUPAC codes for several bases (N, R, ...), which
count as shares of them, protein, or any other signs. Lower case (soft-masked) counts as upper case unless
`--soft-masked` says otherwise; in other strings than DNA, RNA and protein it is a sign of its own. Sequences
longer than `--window` are read in windows: training sees one of each sequence an epoch, drawn at random, and
an answer is the mean over windows that cover the sequence.

Answers: `prediction`, the class, and `probability_CLASS` for each class, calibrated on validation rows by one
temperature, beside the ids of the sequences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from deepfit import answers, metrics
from deepfit.baselines import sequences as baselines_sequences
from deepfit.contract import Answers, Baseline, Batch, Concern, Facts, Phase, Run, Splits
from deepfit.data.batches import join, num_rows
from deepfit.data.labels import check_loss, targets_of
from deepfit.options import (
    CROSSENTROPIES,
    RATES,
    ClassLoss,
    ClassWeight,
    Decay,
    FocalGamma,
    Fraction,
    LabelSmoothing,
    Rate,
    RateSchedule,
    ValidFraction,
    Warmup,
)
from deepfit.options import Options as SharedOptions

if TYPE_CHECKING:
    from torch import nn

    from deepfit.data.ragged import Ragged
    from deepfit.data.symbols import SymbolRows

SEQUENCES_SEEN = 100_000
"""Sequences that training sees, repeats included, where no number of epochs is given."""

DROPOUT, HIDDEN_LETTERS = (0.5, 0.2), (0.3, 0.0)
"""Where positions are read, and elsewhere: where letters are hidden, few motifs of ten stay whole."""

TRANSFORMER_WINDOW = 512
"""Letters that a Transformer reads at once at most, since its work grows with their square."""


class Options(SharedOptions):
    """How strings are read and classified."""

    sequence: str = Field("sequence", description="column of the strings in a table")
    target: str = Field("label", description="column of the classes in a table, or NAME in '>id NAME=CLASS'")
    id: str = Field("id", description="column that names the sequences in a table or in --labels")
    labels: str | None = Field(None, description="table of ids and classes of the sequences in a FASTA file")
    alphabet: Literal["auto", "dna", "rna", "protein", "symbols"] = Field(
        "auto", description="what the letters are; auto: found from the data"
    )
    soft_masked: Literal["same", "hidden", "channel"] = Field(
        "same",
        description="lower-case bases: as upper case, as not known, or marked by an input of their own",
    )
    encoding: Literal["one-hot", "k-mer"] = Field(
        "one-hot", description="what the network sees: letters, or a learned vector for each k letters"
    )
    k: int = Field(3, ge=1, le=8, description="letters of a k-mer")
    positions: Literal["auto", "on", "off"] = Field(
        "auto", description="read what stands where; auto: where all sequences have one length and it matters"
    )
    window: int = Field(
        4096, ge=16, le=1_000_000, description="letters read at once; longer sequences are read in windows"
    )
    reverse_complement: Literal["auto", "on", "off"] = Field(
        "auto", description="show the other strand of DNA as well; auto: where the classes survive it"
    )
    network: Literal["auto", "danq", "lstm", "gru", "temporal_cnn", "transformer_encoder"] = Field(
        "auto", description="auto: danq, convolutions and an LSTM"
    )
    dropout: Fraction | Literal["auto"] = Field(
        "auto",
        description="share of what layers found that training drops; auto: 0.5 where positions are read, "
        "else 0.2",
    )
    hidden_letters: Fraction | Literal["auto"] = Field(
        "auto",
        description="share of the letters that training hides; auto: 0.3 where positions are read, else 0",
    )
    loss: ClassLoss = "sparse_categorical_crossentropy"
    class_weight: ClassWeight = "none"
    focal_gamma: FocalGamma = 2.0
    label_smoothing: LabelSmoothing = 0.0

    epochs: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="passes over the training rows; 0 = 3 to 40, so that about 100,000 sequences are seen",
    )
    batch_size: int = Field(64, ge=1, le=10_000_000, description="rows a step")
    learning_rate: Rate | Literal["auto"] = Field(3e-3, description=f"step size at its highest; {RATES}")
    weight_decay: Decay = 0.3
    schedule: RateSchedule = "cosine"
    warmup: Warmup = 0.1
    valid_fraction: ValidFraction = 0.1

    @model_validator(mode="after")
    def _has_an_effect(self) -> Options:
        if self.encoding != "k-mer" and self.k != type(self).model_fields["k"].default:
            raise ValueError(f"--k {self.k} has no effect with --encoding {self.encoding}; it is of k-mer")
        if self.reverse_complement == "on" and self.alphabet not in ("auto", "dna"):
            raise ValueError(
                "--reverse-complement on is of DNA, which has two strands; received --alphabet "
                f"{self.alphabet}"
            )
        if self.soft_masked != "same" and self.alphabet == "symbols":
            raise ValueError(
                f"--soft-masked {self.soft_masked} has no effect with --alphabet symbols, where a letter in "
                "lower case is a sign of its own"
            )
        return self


class SequenceClassification:
    """See the file's docstring."""

    Options: ClassVar = Options
    main_metric: ClassVar[str] = "accuracy"
    classes: ClassVar[bool] = True
    sections: ClassVar[tuple[str, ...]] = (
        "curves",
        "confusion",
        "calibration",
        "sequence_logos",
        "sequence_letters",
        "most_wrong",
    )

    def __init__(self, options: Options) -> None:
        self.options = options

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """FASTA or FASTQ, or a table with the columns `sequence` and the label, are the reason."""
        from deepfit.data.conventions import convention

        found = convention(source, target)
        return found[1] if found and found[0] == "sequences" else None

    def read(self, source: Any, facts: Facts | None = None) -> SymbolRows:
        """The strings, every letter checked against the alphabet."""
        from deepfit.data.symbols import read_symbols

        options = self.options
        rows = read_symbols(
            source,
            sequence=options.sequence,
            target=options.target,
            key=options.id,
            labels=options.labels,
            alphabet=options.alphabet,
            facts=facts,
        )
        long = int((rows.letters.lengths > self.window()).sum())
        if long:
            rows.notes = [
                *rows.notes,
                Concern(
                    "length",
                    options.sequence,
                    f"{long:,} of {len(rows):,} sequences have more than {self.window():,} letters (the "
                    f"longest {rows.letters.lengths.max():,}) and are read in windows of "
                    f"{self.window():,}: training sees one of each an epoch, at random; an answer is the "
                    "mean over windows that cover it.",
                ),
            ]
        return rows

    def window(self) -> int:
        """Letters that the network reads at once."""
        window = self.options.window
        return min(window, TRANSFORMER_WINDOW) if self.network_name() == "transformer_encoder" else window

    def network_name(self) -> str:
        """The network by its name in the vocabulary."""
        return "danq" if self.options.network == "auto" else self.options.network

    def learn(self, train: SymbolRows) -> Facts:
        """The alphabet, the classes, whether positions are read and whether the other strand is shown."""
        from deepfit.data.symbol_encoding import learn_symbols

        options = self.options
        facts = learn_symbols(
            train,
            soft_masked=options.soft_masked,
            positions=options.positions,
            window=self.window(),
            k=options.k if options.encoding == "k-mer" else 0,
            seed=options.seed,
        )
        facts["longest"] = min(int(train.letters.lengths.max()), self.window())
        check_loss(options.loss, facts["classes"], train.name)
        return {**facts, **self.judged_strand(train, facts)}

    def judged_strand(self, train: SymbolRows, facts: Facts) -> dict[str, Any]:
        """Whether the other strand is shown in training and read at answers, and why."""
        from deepfit.data.alphabets import complements
        from deepfit.data.strand import judge_strand
        from deepfit.errors import OptionError

        chosen = self.options.reverse_complement
        if train.kind != "dna":
            if chosen == "on":
                raise OptionError(
                    f"--reverse-complement on is of DNA, which has two strands; {train.name} holds "
                    f"{train.kind}. Leave it away."
                )
            return {"reverse_complement": False, "reverse_complement_reason": f"{train.kind} has one strand"}
        if chosen != "auto":
            return {"reverse_complement": chosen == "on", "reverse_complement_reason": "as the option says"}
        batch = self.encode(train, facts)
        strand = judge_strand(
            batch["letters"],
            batch["target"],
            complements(facts),
            aligned=facts["length"] is not None,
            seed=self.options.seed,
        )
        return {"reverse_complement": strand.harmless, "reverse_complement_reason": strand.why}

    def encode(self, rows: SymbolRows, facts: Facts) -> Batch:
        """`letters`: Ragged codes; `target` int64 [rows] where there are labels."""
        from deepfit.data.symbol_encoding import encode_symbols

        return encode_symbols(rows, facts)

    def build(self, facts: Facts) -> nn.Module:
        """The network that the options name, over one-hot letters or k-mers."""
        from deepfit.data.alphabets import vectors
        from deepfit.nn.symbol_classifier import SymbolClassifier

        dropout, hidden = (
            usual[facts["length"] is None] if isinstance(given, str) else given
            for given, usual in (
                (self.options.dropout, DROPOUT),
                (self.options.hidden_letters, HIDDEN_LETTERS),
            )
        )
        return SymbolClassifier(
            vectors(facts).tolist(),
            len(facts["classes"]),
            network=self.network_name(),
            k=self.options.k if facts["kmers"] else 0,
            kmers=facts["kmers"],
            longest=facts["window"] if self.network_name() == "transformer_encoder" else facts["longest"],
            length=facts["length"],
            dropout=dropout,
            hidden=hidden,
        )

    def plan(self, net: nn.Module, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """Supervised learning; the epoch with the least loss on validation rows is kept."""
        from deepfit import plans
        from deepfit.plans import objectives, symbols

        rows = num_rows(data.train)
        epochs = self.options.epochs or min(40, max(3, SEQUENCES_SEEN // rows))
        options = self.options.model_copy(update={"epochs": epochs})
        target, classes = data.train["target"], len(facts["classes"])
        objective = objectives.of_classes(options, target, classes)
        judged = objectives.of_classes(options.model_copy(update={"label_smoothing": 0.0}), target, classes)
        plain = options.loss in CROSSENTROPIES and options.class_weight == "none"

        def score() -> Mapping[str, float]:
            logits = self.outputs(net, data.valid, facts)["logits"]
            scores = metrics.classification(answers.softmax(logits), data.valid["target"])
            found = {name: scores[name] for name in ("accuracy", "log_loss")}
            loss = {} if plain else {"loss": objectives.mean_of(judged, logits, data.valid["target"])}
            return {**found, **loss}

        yield from plans.supervised(
            net,
            data,
            options,
            run,
            forward=symbols.shown(net, facts),
            loss=lambda logits, batch: objective(logits, batch["target"]),
            score=score,
            best="-log_loss" if plain else "-loss",
            by="letters",
        )

    def outputs(self, net: nn.Module, batch: Batch, facts: Facts) -> Batch:
        """`logits` float32 [rows, classes]; of both strands, and of several windows, their joint answer."""
        from deepfit.plans import symbols

        return {"logits": symbols.outputs(net, batch, facts, self.options)}

    def saliency(self, net: nn.Module, batch: Batch, facts: Facts, classes: np.ndarray) -> Ragged:
        """How much each letter of the batch's strings speaks for a class, one a row: float32."""
        from deepfit.plans import symbols

        return symbols.saliency(net, batch, facts, classes)

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """The temperature of the probabilities."""
        return answers.calibrate(outputs, batch, facts)

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """The class of each sequence and a probability for every class."""
        return answers.decode(outputs, facts)

    def metrics(self, answers_: Answers, rows: SymbolRows) -> Mapping[str, float]:
        """Accuracy, balanced accuracy, F1, ROC AUC, log loss and calibration error."""
        return answers.score(answers_, targets_of(rows))

    def baselines(self, data: Splits[SymbolRows]) -> Iterator[Baseline]:
        """The most frequent class, and logistic regression on letters by position and on k-mers."""
        from deepfit.data.symbol_encoding import learn_symbols

        facts = learn_symbols(data.train, soft_masked="same", positions="off", window=self.window(), k=0)
        train = join(self.encode(data.train, facts), self.encode(data.valid, facts))
        test = self.encode(data.held_out, facts)
        for name, probabilities, seconds in baselines_sequences.for_sequences(
            train, test, len(facts["classes"]), letters=len(facts["letters"]), seed=self.options.seed
        ):
            yield Baseline(name, answers.of_classes(probabilities, facts["classes"]), seconds)

    @classmethod
    def tiny(cls, seed: int) -> tuple[SequenceClassification, Splits[SymbolRows], Mapping[str, float]]:
        """Made DNA: 300 strings of 24 letters with a donor or an acceptor in the middle, or neither."""
        rng = np.random.default_rng(seed)
        labels = rng.permutation(np.repeat(["donor", "acceptor", "neither"], 100))
        motifs = {"donor": "GGTAAGT", "acceptor": "TTTTCAG"}
        strings = []
        for label in labels.tolist():
            letters = rng.choice(list("ACGT"), 24)
            if label in motifs:
                letters[9:16] = list(motifs[label])
            letters[rng.random(24) < 0.03] = "N"
            strings.append("".join(letters))
        options = {"epochs": 6, "batch_size": 32, "hidden_letters": 0.1, "dropout": 0.1, "seed": seed}
        task = cls(Options.model_validate({**options, "learning_rate": 0.01, "threads": 1}))
        rows = task.read({"sequence": strings, "label": labels})
        parts = (slice(0, 180), slice(180, 220), slice(220, 300))
        return task, Splits(*(rows.take(np.arange(300)[part]) for part in parts)), {"accuracy": 0.9}
