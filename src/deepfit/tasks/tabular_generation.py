"""New rows like those of a table, made by a generator that learned against a critic.

Data: a table of at least 50 rows (thousands are better): numbers, categories, dates and times; missing cells
are ordinary and are made too. CSV, TSV, Parquet, Arrow, JSON Lines, each of the text ones also as `.gz` or
`.zst`; pandas and polars frames; named arrays. Identifiers and free text are left out of what is made, and
that is said; a constant column is made as it is. Optional: `--target COLUMN`, the column that models trained
on made rows are to predict, by which the made rows are judged then; it is made like any other. The task is
never inferred: say `--task tabular-generation`.

The network is CTGAN (arXiv 1907.00503): numbers as a mode and a place within it, categories by the
Gumbel-softmax, conditions so that rare categories are trained as well, a Wasserstein critic with a gradient
penalty that sees packs of rows. It is judged on test rows that it never saw: `tstr`, the score on them of a
model trained on made rows, beside one trained on real rows (`real_rows`, a reference); likeness of columns
and of pairs of columns; whether a model tells made rows from real ones; and whether rows were copied.

Answers: `prediction`, a made row as JSON, one for each row that is asked about (its cells are not looked at:
they only decide which noise it gets). `deepfit sample` writes made rows as a table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field, field_validator, model_validator

from deepfit.contract import Answers, Baseline, Batch, Facts, Phase, Run, Splits
from deepfit.data.batches import num_rows
from deepfit.data.table_options import ColumnKinds, MissingWords
from deepfit.errors import DeepfitError
from deepfit.options import USUAL, AverageDecay, Decay, as_text
from deepfit.options import Options as SharedOptions

if TYPE_CHECKING:
    from deepfit.data.generation_rows import GenerationRows

LEARNING_RATE = 1e-3
STEPS = 3000
"""Steps that training takes where no number of epochs is given, up to ROWS_SEEN rows."""
EPOCH_STEPS = 100
"""Steps an epoch at least: fewer are too few for a score after each to be worth its time."""
ROWS_SEEN = 4_000_000
SCORED_ROWS = 2_000
"""Validation rows, and made rows, by which an epoch is scored."""
ROUNDS = 20
"""Times that rows are made anew to find those that meet a condition."""
TRAINING_ROWS = 20_000
JUDGED_SEED, SCORED_SEED, SAMPLED_SEED = 1 << 20, 2 << 20, 3 << 20


class Options(SharedOptions):
    """How the making of rows is learned."""

    target: str | None = Field(
        None, description="column that models trained on made rows are to predict: how the rows are judged"
    )
    missing: MissingWords = ""
    kinds: ColumnKinds = ""
    width: int = Field(256, ge=4, le=8192, description="features of each hidden layer")
    noise: int = Field(128, ge=1, le=8192, description="random numbers that a row is made of")
    pack: int = Field(10, ge=1, le=100, description="rows that the critic judges together")
    moments: float = Field(
        1.0,
        ge=0,
        le=1000,
        description="weight of how far means and covariances are from real ones; 0 = the critic alone",
    )
    target_weight: float = Field(
        1.0,
        ge=0,
        le=1000,
        description="weight of how foreseeable a made target is from the other columns, as in real rows",
    )

    epochs: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="passes over the training rows, of at least 100 steps; 0 = as many as 3,000 steps take",
    )
    batch_size: int = Field(200, ge=1, le=10_000_000, description="rows a step")
    learning_rate: float = Field(
        0.0, ge=0, le=100, description="step size at its highest; 0 = 0.001, scaled for some optimizers"
    )
    weight_decay: Decay = 1e-6
    ema: AverageDecay = 0.999

    _as_text = field_validator("target", mode="before")(as_text)

    @model_validator(mode="after")
    def _the_weight_is_of_a_target(self) -> Options:
        if self.target is None and self.target_weight != type(self).model_fields["target_weight"].default:
            raise ValueError(
                "--target-weight has no effect without --target, whose column it is about; name one too"
            )
        return self

    @model_validator(mode="after")
    def _a_batch_holds_whole_packs(self) -> Options:
        if self.batch_size % self.pack:
            raise ValueError(
                f"--batch-size {self.batch_size} is no multiple of --pack {self.pack}: the critic judges "
                f"whole packs. Use {max(1, round(self.batch_size / self.pack)) * self.pack}"
            )
        return self


class TabularGeneration:
    """See the file's docstring."""

    Options: ClassVar = Options
    main_metric: str = "likeness"
    classes: ClassVar[bool] = False
    supervised: ClassVar[bool] = False
    references: ClassVar[tuple[str, ...]] = ("real_rows",)
    sections: ClassVar[tuple[str, ...]] = ("curves", "made_columns", "made_pairs", "made_copies", "made_rows")

    def __init__(self, options: Options) -> None:
        self.options = options
        if options.target is not None:
            self.main_metric = "tstr"

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """Never: a table may be anything, so this task is asked for by its name."""
        return None

    def read(self, source: Any, facts: Facts | None = None) -> GenerationRows:
        """The rows, each column in the type of its kind; DataError for too few rows or no usable column."""
        from deepfit.data.generation_rows import read_generation_rows

        options = self.options
        return read_generation_rows(
            source,
            target=options.target,
            facts=facts,
            missing=options.missing,
            kinds=options.kinds,
            split=options.split,
        )

    def learn(self, train: GenerationRows) -> Facts:
        """The modes of numbers, the words of categories and how often each is chosen."""
        from deepfit.data.generation_encoding import learn_generation

        return learn_generation(train, self.options.seed)

    def encode(self, rows: GenerationRows, facts: Facts) -> Batch:
        """`offsets` float32 [rows, offsets], `choices` int32 [rows, columns], `row` int64 [rows].

        And `cells` float64 [rows, columns], by which epochs are scored.
        """
        from deepfit.data.generation_encoding import encode_rows

        return encode_rows(rows, facts)

    def build(self, facts: Facts) -> Any:
        """A generator and a critic for these columns."""
        from deepfit.nn.nets.ctgan import CTGAN, Number

        options, target = self.options, None
        if options.target is not None and options.target_weight:
            place = facts["judged"][0]["column"]
            target = (place, facts["columns"][place]["offset"])
        return CTGAN(
            facts["sizes"],
            facts["num_offsets"],
            noise=options.noise,
            width=options.width,
            pack=options.pack,
            numbers=[
                Number(place, record["offset"], record["levels"], record["reach"])
                for place, record in enumerate(facts["columns"])
                if record["kind"] != "category"
            ],
            target=target,
        )

    def plan(self, net: Any, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """Generator and critic in turns; the epoch is kept whose made rows are most like validation rows."""
        from deepfit.answers import made_rows as answers_made_rows
        from deepfit.plans import made_rows

        options, steps = self.settled(num_rows(data.train))
        real = data.valid["cells"][:SCORED_ROWS]

        def score() -> Mapping[str, float]:
            count = min(SCORED_ROWS, max(len(real), len(data.train["cells"])))
            made = made_rows.made_cells(net, count, facts, seed=options.seed + SCORED_SEED)
            return answers_made_rows.quick_score(made, real, facts, options.seed)

        yield from made_rows.plan(net, data, facts, options, run, steps=steps, score=score, best="quality")

    def settled(self, rows: int) -> tuple[Options, int]:
        """The options with numbers in place of the zeros that leave a choice; how many steps an epoch has."""
        options = self.options
        steps = max(EPOCH_STEPS, round(rows / options.batch_size))
        most = max(1, ROWS_SEEN // (steps * options.batch_size))
        epochs = options.epochs or max(1, min(most, round(STEPS / steps)))
        # the slopes of the penalty are steep, which longer steps of sgd do not survive
        factor = 1.0 if options.optimizer == "sgd" else USUAL[options.optimizer].rate
        rate = options.learning_rate or LEARNING_RATE * factor
        return options.model_copy(update={"epochs": epochs, "learning_rate": rate}), steps

    def outputs(self, net: Any, batch: Batch, facts: Facts) -> Batch:
        """One made row a row: `offsets`, `choices` and `chance`."""
        from deepfit.plans import made_rows

        rows = np.ascontiguousarray(batch["row"]).view(np.uint64)
        return made_rows.made_batch(net, rows, facts, seed=self.options.seed)

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """Nothing to calibrate."""
        return facts

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """Made rows as JSON texts."""
        from deepfit.data.generation_encoding import decode_cells, json_rows

        return Answers({"prediction": np.array(json_rows(decode_cells(outputs, facts), facts), np.str_)})

    def appraise(
        self,
        net: Any,
        answers: Answers,
        rows: GenerationRows,
        facts: Facts,
        *,
        train: GenerationRows | None = None,
    ) -> Answers:
        """Answers with what `metrics` reads: the network's rows are made anew, as many as a model needs.

        Without training rows nothing is known of copies.
        """
        from deepfit.answers import made_rows as answers_made_rows
        from deepfit.data.generation_encoding import cells_of
        from deepfit.plans import made_rows

        if answers_made_rows.MADE in answers.columns:
            made = answers_made_rows.unpacked(answers.columns[answers_made_rows.MADE], len(facts["columns"]))
        else:
            count = answers_made_rows.rows_needed(facts, len(rows))
            made = made_rows.made_cells(net, count, facts, seed=self.options.seed + JUDGED_SEED)
        known = None
        if train is not None:
            chosen = np.linspace(0, len(train) - 1, min(len(train), TRAINING_ROWS)).astype(np.int64)
            known = cells_of(train.take(chosen), facts)
        found = answers_made_rows.appraise(
            made, cells_of(rows, facts), facts, training=known, seed=self.options.seed
        )
        return Answers({"prediction": answers.columns["prediction"], **found})

    def metrics(self, answers: Answers, rows: GenerationRows) -> Mapping[str, float]:
        """TSTR and the scores of its model, likeness of columns and pairs, detection, copies."""
        from deepfit.answers import made_rows as answers_made_rows

        return answers_made_rows.score(answers.columns)

    def baselines(self, data: Splits[GenerationRows]) -> Iterator[Baseline]:
        """Columns shuffled on their own, a Gaussian copula, and real rows as they are (a reference)."""
        from deepfit.answers import made_rows as answers_made_rows
        from deepfit.baselines import made_rows as baselines_made_rows
        from deepfit.data.generation_encoding import cells_of, learn_cells

        facts = learn_cells(data.train)
        rows = len(data.held_out)
        count = answers_made_rows.rows_needed(facts, rows)
        cells = cells_of(data.train, facts)
        for name, made, seconds in baselines_made_rows.for_rows(cells, count, seed=self.options.seed):
            yield answers_made_rows.baseline(name, made, rows, seconds)

    def sample(
        self, net: Any, facts: Facts, *, count: int, seed: int, prompts: Sequence[str] = ()
    ) -> dict[str, np.ndarray]:
        """`count` made rows, of each condition where there are some, as named columns in the data's types.

        prompts: conditions COLUMN=VALUE of one category each; every made row meets its condition.
        """
        from deepfit.data.conditions import parse_prompt
        from deepfit.data.generation_encoding import named_columns
        from deepfit.plans import made_rows

        seed = seed + SAMPLED_SEED
        if not prompts:
            return named_columns(made_rows.made_cells(net, count, facts, seed=seed), facts)
        wanted = [(prompt, *parse_prompt(prompt, facts)) for prompt in prompts]
        found = [
            meeting(net, facts, count, seed=seed, prompt=prompt, column=column, choice=choice)
            for prompt, column, choice in wanted
        ]
        return named_columns(np.concatenate(found), facts)

    @classmethod
    def tiny(cls, seed: int) -> tuple[TabularGeneration, Splits[GenerationRows], Mapping[str, float]]:
        """Made loans: 600 rows whose numbers, category, date and missing cells hang together."""
        rng = np.random.default_rng(seed)
        count = 600
        job = rng.choice(["fixed", "freelance", "none"], count, p=[0.6, 0.3, 0.1])
        income = np.round(np.select([job == "fixed", job == "freelance"], [220.0, 150.0], 60.0)
                          + rng.normal(0, 25, count))  # fmt: skip
        since = np.datetime64("2020-01-01") + rng.integers(0, 900, count)
        amount = income * rng.uniform(2, 6, count)
        paid = np.where(income + rng.normal(0, 25, count) > 140, "yes", "no")
        income[rng.random(count) < 0.05] = np.nan
        frame = {"job": job, "income": income, "since": since, "amount": amount, "paid": paid}
        options = {"target": "paid", "epochs": 4, "batch_size": 100, "width": 64, "noise": 16, "ema": 0.98}
        task = cls(Options.model_validate({**options, "learning_rate": 2e-3, "seed": seed, "threads": 1}))
        rows = task.read(frame)
        parts = (slice(0, 400), slice(400, 480), slice(480, 600))
        return task, Splits(*(rows.take(np.arange(count)[part]) for part in parts)), {"tstr": 0.75}


def meeting(
    net: Any, facts: Facts, count: int, *, seed: int, prompt: str, column: int, choice: int
) -> np.ndarray:
    """The cells of `count` made rows that make this choice; DeepfitError where the network hardly does."""
    from deepfit.data.generation_encoding import decode_cells
    from deepfit.plans import made_rows

    place = sum(facts["sizes"][:column]) + choice
    parts: list[np.ndarray] = []
    found, first = 0, 0
    for _ in range(ROUNDS):
        asked = max(count - found, 1) + 16
        rows = np.arange(first, first + asked, dtype=np.uint64)
        batch = made_rows.made_batch(net, rows, facts, seed=seed, condition=np.full(asked, place))
        cells = decode_cells(batch, facts)
        kept = cells[batch["choices"][:, column] == choice]
        parts.append(kept)
        found, first = found + len(kept), first + asked
        if found >= count:
            return np.concatenate(parts)[:count]
    raise DeepfitError(
        f"sample: only {found:,} of {first:,} made rows meet {prompt}, {count:,} were asked for. The network "
        "has not learned to make what it is asked for: train it for more --epochs."
    )
