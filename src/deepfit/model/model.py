"""A trained model, as one thing: the task, the network and the facts that it learned."""

from __future__ import annotations

import json
import platform
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deepfit import catalog, machine, options
from deepfit.contract import (
    Answers,
    Appraises,
    Batch,
    Completes,
    Embeds,
    Facts,
    ReadsItems,
    Rows,
    Samples,
    Task,
    Walks,
)
from deepfit.errors import ArtifactError, DeepfitError
from deepfit.model import artifact, card
from deepfit.model.embedded import Embedded

if TYPE_CHECKING:
    from torch import nn


class Model:
    """What `deepfit.fit` returns and `deepfit.load` reads.

    `answers` gives everything that the model says of new rows, `predict` the predictions alone. Sources are
    those of the task: a path, a frame, arrays.
    """

    def __init__(
        self,
        task_name: str,
        task: Task,
        net: nn.Module,
        facts: Facts,
        scorecard: Mapping[str, Any] | None = None,
    ) -> None:
        self.task_name = task_name
        self.task = task
        self.net = net
        self.facts = facts
        self.scorecard = scorecard

    def __repr__(self) -> str:
        parameters = sum(parameter.numel() for parameter in self.net.parameters())
        return f"<deepfit.Model {self.task_name}, {parameters:,} parameters>"

    def _repr_html_(self) -> str:
        from deepfit.judge import notebook

        return notebook.html(self.scorecard, title=repr(self).strip("<>"))

    def read(self, source: Any) -> Rows:
        """Check and read rows to predict; DataError for a missing column, an unreadable picture."""
        return self.task.read(source, self.facts)

    def outputs(self, batch: Batch) -> Batch:
        """What the network says of encoded rows, before it is put in words."""
        return self.task.outputs(self.net, batch, self.facts)

    def answers(self, source: Any) -> Answers:
        """Columns of answers for every row of a source, "prediction" first.

        Classification adds a column a class.
        """
        rows = self.read(source)
        return Answers({**rows.keys(), **self.answer(rows).columns}, tuple(self.classes))

    def answer(self, rows: Rows) -> Answers:
        """Answers for rows that are read already."""
        answers = self.task.decode(self.outputs(self.task.encode(rows, self.facts)), self.facts)
        return self.task.complete(answers, rows) if isinstance(self.task, Completes) else answers

    def appraised(self, answers: Answers, rows: Rows, *, train: Rows | None = None) -> Answers:
        """Answers, the model's or a baseline's, as `task.metrics` takes them. train: see `Appraises`."""
        if not isinstance(self.task, Appraises):
            return answers
        return self.task.appraise(self.net, answers, rows, self.facts, train=train)

    def sample(self, count: int = 64, *, seed: int = 0, prompts: Sequence[str] = ()) -> Batch:
        """`count` new rows, of each prompt where there are prompts; DeepfitError for a task that makes none.

        Named arrays: "images" uint8 [rows, height, width, channels], or a table's columns. The same seed
        gives the same rows.
        """
        if not isinstance(self.task, Samples):
            raise DeepfitError(
                f"sample: {self.task_name} makes no new rows. Tasks that generate do: "
                "unconditional-image-generation, text-to-image, tabular-generation."
            )
        return self.task.sample(self.net, self.facts, count=count, seed=seed, prompts=prompts)

    def walk(self, steps: int = 60, *, seed: int = 0, prompts: Sequence[str] = ()) -> Batch:
        """`steps` new pictures on a closed way through what can be made, from prompt to prompt where given.

        "images" uint8 [steps, height, width, channels]. DeepfitError for a task that makes no pictures.
        """
        if not isinstance(self.task, Walks):
            raise DeepfitError(
                f"walk: {self.task_name} makes no pictures to walk between. Tasks that do: "
                "unconditional-image-generation, text-to-image."
            )
        return self.task.walk(self.net, self.facts, steps=steps, seed=seed, prompts=prompts)

    def predict(self, source: Any) -> np.ndarray:
        """One prediction a row.

        Classes as they were written in the data, or values in the target's own unit.
        """
        return self.answers(source).columns["prediction"]

    def predict_proba(self, source: Any) -> np.ndarray:
        """Calibrated probabilities, [rows, classes], in the order of `classes`.

        DeepfitError for a task without classes.
        """
        columns = self.answers(source).columns
        names = [name for name in columns if name.startswith("probability_")]
        if not names:
            raise DeepfitError(
                f"predict_proba: {self.task_name} gives no probabilities. Use predict or answers."
            )
        return np.stack([columns[name] for name in names], axis=1)

    def items(self, source: Any) -> Rows:
        """What a source holds to be embedded; DeepfitError for a task without vectors."""
        if not isinstance(self.task, Embeds):
            raise DeepfitError(
                f"{self.task_name} makes no vectors of what it reads. Tasks on texts and pictures do: "
                "sentence-similarity, text-classification, image-classification, text-clustering, "
                "image-clustering."
            )
        reads = self.task.read_items if isinstance(self.task, ReadsItems) else self.task.read
        return reads(source, self.facts)

    def embedded_rows(self, rows: Rows) -> Embedded:
        """The vectors of what was read by `items`."""
        task: Any = self.task
        return Embedded(task.embed(self.net, task.encode(rows, self.facts), self.facts), rows)

    def embedded(self, source: Any) -> Embedded:
        """The vectors of what a source holds, and what they are of."""
        return self.embedded_rows(self.items(source))

    def embed(self, source: Any) -> np.ndarray:
        """One vector a text or picture, float32 [rows, width]: what the last layer reads."""
        return self.embedded(source).vectors

    @property
    def classes(self) -> list[Any]:
        """The classes in the order of `predict_proba`; empty for a task without classes."""
        return list(self.facts.get("classes", []))

    def evaluate(self, source: Any) -> dict[str, Any]:
        """The scorecard on rows whose target is known: each metric with a 95 % interval."""
        from deepfit.judge import scorecard

        began = time.monotonic()
        rows = self.read(source).labelled()
        parts = rows.parts()
        if (
            parts is not None and (parts == "test").any()
        ):  # a source that names its parts: the others were trained on
            rows = rows.take(np.flatnonzero(parts == "test"))
        read_s = time.monotonic() - began
        answers = self.appraised(self.answer(rows), rows)
        judgement = scorecard.judge(self.task, rows, answers, seed=self.task.options.seed)
        return scorecard.assemble(
            self.task_name,
            {"test": len(rows)},
            judgement,
            seconds={"read": read_s, "total": time.monotonic() - began},
            peak_mb=machine.peak_mb(),
            concerns=rows.concerns(),
            paths={},
        )

    def save(self, folder: str | Path) -> Path:
        """Write the model to a folder, replacing a model of deepfit there and nothing else."""
        from deepfit import __version__

        folder = Path(folder)
        config = {
            "deepfit": __version__,
            "task": self.task_name,
            "options": self.task.options.model_dump(mode="json"),
            "versions": versions(),
        }
        texts = {"facts.json": json.dumps(dict(self.facts)), "README.md": card.write(self, folder)}
        if self.scorecard:
            texts["metrics.json"] = json.dumps(self.scorecard)
        artifact.write(folder, self.net.state_dict(), config, texts)
        return folder


def load(folder: str | Path) -> Model:
    """The model of a model folder or of a run folder.

    ArtifactError where it is not whole, too new, or more than data.
    """
    import torch

    from deepfit.engine import channels_last

    place = artifact.find(Path(folder))
    config, facts, weights = artifact.read(place)
    try:
        kind = catalog.find(str(config["task"]))
        task = kind(options.resolve(kind.Options, config["options"]))
        # building draws weights, which must not shift the caller's numbers
        with torch.random.fork_rng(devices=[]):  # pyright: ignore[reportUnknownMemberType]  (untyped in PyTorch)
            net = channels_last(task.build(facts))  # as in training: the same answers to the last bit
        net.load_state_dict(weights)
    except (DeepfitError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ArtifactError(
            f"{place}: its parts do not fit together ({error}). If nobody changed them, they fit the deepfit "
            f"that wrote them, {config.get('deepfit', '?')}: read the model with it, or train anew."
        ) from error
    scorecard = artifact.read_json(place / "metrics.json") if (place / "metrics.json").exists() else None
    return Model(config["task"], task, net.eval(), facts, scorecard)


def versions() -> dict[str, str]:
    """The versions that made an artifact, for whoever must read it years later."""
    import torch

    return {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
