"""One whole run: read, check, split, learn, train, calibrate, judge, save."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deepfit import machine
from deepfit.contract import Answers, Batch, Concern, Progress, Reviews, Rows, Splits, Task
from deepfit.errors import DataError
from deepfit.job import folder
from deepfit.job.result import Result, Stage
from deepfit.job.rows import is_transductive, prepare_rows
from deepfit.judge import scorecard

if TYPE_CHECKING:
    from deepfit.model import Model

BASELINE_ROWS = 200_000
"""Training rows that are kept, beyond training, for the baselines to learn from."""


class Job:
    """A run with a beginning and an end: iterate over `events()`, then look at `result`.

    To stop it, leave the loop; `resume` goes on from the last checkpoint.
    """

    result: Result

    def __init__(
        self,
        task_name: str,
        task: Task,
        source: Any,
        *,
        test: Any = None,
        valid: Any = None,
        out: Path,
        reason: str | None = None,
        resumes: bool = False,
    ) -> None:
        self.task_name, self.task, self.reason, self.resumes = task_name, task, reason, resumes
        self.places = {"source": source, "test": test, "valid": valid}
        self.options = task.options
        self.out = Path(out)
        self.seconds: dict[str, float] = {}

    def events(self) -> Iterator[Stage | Progress]:
        """Do everything, and say what is being done.

        Stages as they begin, progress of training as it comes.
        """
        began, load = time.monotonic(), machine.read_load()
        yield Stage("read", f"Reading {_shown(self.places['source'])}")
        prepared = prepare_rows(self.task, self.places)
        splits, facts, concerns = prepared.splits, dict(prepared.facts), prepared.concerns
        self.rows = {part: len(getattr(splits, part) or ()) for part in ("train", "valid", "test")}
        del prepared
        self.seconds["read"] = time.monotonic() - began
        for concern in concerns:
            yield Stage("check", scorecard.sentence(concern))
        self.open_folder(splits)

        yield Stage("encode", f"Encoding {_counts(splits)}")
        data = self.encode(splits, facts)
        kept = self.kept(splits)
        del splits

        threads = machine.settle_threads(self.options.threads, load)
        yield Stage("train", f"Training on {threads} thread{'s' if threads > 1 else ''}")
        started = time.monotonic()
        model = yield from self.train(data, facts, threads)
        self.seconds["train"] = time.monotonic() - started
        for concern in self.task.review(self.history) if isinstance(self.task, Reviews) else ():
            concerns.append(concern)
            yield Stage("check", scorecard.sentence(concern))

        yield Stage("judge", f"Scoring on the {'same' if self.seen else 'held-out'} rows")
        answers = model.task.decode(model.outputs(data.test), model.facts) if kept.test is not None else None
        del data
        baselines: dict[str, Answers] = {}
        if kept.test is not None:
            for baseline in self.task.baselines(kept):
                yield Stage(
                    "baseline", f"Baseline {baseline.name.replace('_', ' ')} ({baseline.seconds:.1f} s)"
                )
                baselines[baseline.name] = baseline.answers
        yield from self.close(model, kept, answers, baselines, concerns, began)

    @property
    def seen(self) -> bool:
        """Whether the rows that are scored are those that are learned from."""
        return is_transductive(self.task) and self.places["test"] is None

    def open_folder(self, splits: Splits[Rows]) -> None:
        """Make the run's folder, or see that it was trained on the same rows."""
        fingerprint = hashlib.blake2b(
            np.ascontiguousarray(splits.train.fingerprints()).tobytes(), digest_size=16
        ).hexdigest()
        path = self.out / "data.json"
        if self.resumes and path.exists():
            known = json.loads(path.read_text(encoding="utf-8"))["training_rows"]
            if known != fingerprint:
                raise DataError(
                    f"{_shown(self.places['source'])}: the training rows are not those that the run in "
                    f"{self.out} began with. Put the old "
                    "data back to resume it, or train anew with another --out."
                )
        folder.write_config(self.out, self.task_name, self.places, self.options.model_dump(mode="json"))
        folder.write_text(path, json.dumps({"training_rows": fingerprint}))

    def encode(self, splits: Splits[Rows], facts: dict[str, Any]) -> Splits[Batch]:
        """Every part as arrays."""
        test = self.task.encode(splits.test, facts) if splits.test is not None else None
        return Splits(self.task.encode(splits.train, facts), self.task.encode(splits.valid, facts), test)

    def kept(self, splits: Splits[Rows]) -> Splits[Rows]:
        """The rows that are still needed after encoding.

        All of the test rows, of the others as many as baselines learn from.
        """
        count = len(splits.train)
        if count <= BASELINE_ROWS:
            return splits
        chosen = np.random.default_rng([self.options.seed, 0xBA5E]).choice(
            count, BASELINE_ROWS, replace=False
        )
        nothing = np.empty(0, np.int64)
        test = splits.test.compact() if splits.test is not None else None
        return Splits(
            splits.train.take(np.sort(chosen)).compact(), splits.valid.take(nothing).compact(), test
        )

    def train(self, data: Splits[Batch], facts: dict[str, Any], threads: int) -> Iterator[Progress | Stage]:
        """Train, or go on training; returns the calibrated model, saved."""
        import torch

        from deepfit import engine
        from deepfit.model import Model

        torch.set_num_threads(threads)
        run = engine.Run(self.options, self.out)
        run.seed("build")
        net = engine.channels_last(self.task.build(facts)).to(run.device)
        history = folder.History(self.out)
        for progress in engine.train(self.task, net, data, facts, run):
            if progress.kind == "epoch":
                history.add(progress)
            yield progress
        if curve := folder.read_rate_test(self.out):
            yield Stage("train", f"Trained at the learning rate {curve['learning_rate']:g}, by a range test")
        self.history = list(history)
        facts = dict(self.task.calibrate(self.task.outputs(net, data.valid, facts), data.valid, facts))
        return Model(self.task_name, self.task, net.eval(), facts)

    def close(
        self,
        model: Model,
        kept: Splits[Rows],
        answers: Answers | None,
        baselines: dict[str, Answers],
        concerns: list[Concern],
        began: float,
    ) -> Iterator[Stage]:
        """Judge, save the model and `metrics.json`, and set the result."""
        judgement, test = scorecard.UNJUDGED, kept.test
        if answers is not None and test is not None:
            train = kept.train
            answers = model.appraised(answers, test, train=train)
            baselines = {name: model.appraised(each, test, train=train) for name, each in baselines.items()}
            judgement = scorecard.judge(
                self.task, test, answers, baselines, seed=self.options.seed, seen=self.seen
            )
        yield Stage("save", f"Saving to {self.out}")
        self.seconds["total"] = time.monotonic() - began
        card = scorecard.assemble(
            self.task_name,
            self.rows,
            judgement,
            seconds=self.seconds,
            peak_mb=machine.peak_mb(),
            concerns=concerns,
            paths={"run": self.out, "model": self.out / "model", "report": self.out / folder.REPORT},
        )
        model.scorecard = card
        model.save(self.out / "model")
        folder.write_text(self.out / folder.METRICS, json.dumps(card))
        self.result = Result(
            self.out, self.task, model, card, self.history, kept.test, answers, baselines, concerns
        )


def _shown(source: Any) -> str:
    return str(source) if isinstance(source, str | Path) else f"a {type(source).__name__} in memory"


def _counts(splits: Splits[Rows]) -> str:
    test = f", {len(splits.test):,} test rows" if splits.test is not None else ""
    return f"{len(splits.train):,} training, {len(splits.valid):,} validation{test}"
