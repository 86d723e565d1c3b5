"""Finished runs made of stand-ins that follow the contract, small enough to render in a moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel, Field

from deepfit import metrics
from deepfit.contract import Answers, Concern
from deepfit.job.result import Result
from deepfit.judge import scorecard


class FakeOptions(BaseModel):
    target: str | None = Field(None, description="column to predict")
    epochs: int = Field(20, description="passes over the training rows")


@dataclass(frozen=True)
class TableRows:
    columns: Mapping[str, np.ndarray]
    goal: str
    name: str = "test.csv"

    def __len__(self):
        return len(self.columns[self.goal])

    def take(self, index):
        return TableRows({name: values[index] for name, values in self.columns.items()}, self.goal)

    def column(self, name):
        return self.columns[name]

    def target(self):
        return self.columns[self.goal]

    def describe(self):
        return [(name, "number", "", "") for name in self.columns if name != self.goal]


@dataclass(frozen=True)
class PictureRows(TableRows):
    def take(self, index):
        return PictureRows({name: values[index] for name, values in self.columns.items()}, self.goal)

    def picture(self, row):
        return np.random.default_rng(row).integers(0, 256, (28, 28, 1), dtype=np.uint8)


@dataclass
class FakeTask:
    main_metric: str
    sections: tuple[str, ...]
    classes: list[str] = field(default_factory=list)
    options: FakeOptions = field(default_factory=FakeOptions)
    Options = FakeOptions

    def metrics(self, answers, rows):
        if not self.classes:
            return metrics.regression(answers.columns["prediction"], rows.target())
        chances = np.stack([answers.columns[f"probability_{name}"] for name in self.classes], axis=1)
        return metrics.classification(chances, np.searchsorted(self.classes, rows.target()))


JUDGED = {}


def history(epochs, score, first, last):
    return [
        {
            "phase": "train",
            "epoch": epoch + 1,
            "losses": {"main": 1.2 * 0.9**epoch + 0.1},
            "scores": {score: first + (last - first) * (1 - 0.85**epoch), "log_loss": 0.9 * 0.9**epoch + 0.2},
            "learning_rates": {"main": 1e-3 * np.cos(epoch / epochs * 1.5)},
            "seconds": 1.3,
            "best": epoch in (0, 1, 3, epochs - 2),
        }
        for epoch in range(epochs)
    ]


def finish(folder, task_name, task, rows, answers, baselines, epochs, concerns=()):
    key = (task_name, len(rows), tuple(task.classes))  # these fix the made data; judging takes the time
    if key not in JUDGED:
        JUDGED[key] = scorecard.judge(task, rows, answers, baselines)
    judgement = JUDGED[key]
    card = scorecard.assemble(
        task_name, {"train": 2000, "valid": 350, "test": len(rows)}, judgement,
        seconds={"read": 0.4, "train": 31.2, "total": 38.0}, peak_mb=612, concerns=concerns,
        paths={"run": folder, "model": folder / "model", "report": folder / "report.html"},
    )  # fmt: skip
    return Result(folder, task, None, card, epochs, rows, answers, baselines, concerns)


def house_prices(folder: Path, rows: int = 400, column: str = "Lot_Area") -> Result:
    rng = np.random.default_rng(0)
    price = np.exp(rng.normal(12, 0.4, rows))
    area, street = rng.normal(10_000, 3000, rows).round(), rng.choice(["Pave", "Gravel"], rows)
    table = TableRows({"price": price, column: area, "Street": street}, "price")

    def guess(noise):
        return Answers({"prediction": price * np.exp(rng.normal(0, noise, rows))})

    concerns = [
        Concern("leak", "test.csv", "3 of 400 test rows (0.8%) are also among the training rows."),
        Concern(
            "identifier",
            "column 'Id'",
            "every row has another value, so it can only be remembered; it is left out",
        ),
    ]
    task = FakeTask("-rmse", ("curves", "predicted_actual", "most_wrong", "columns"))
    baselines = {
        "mean": Answers({"prediction": np.full(rows, price.mean())}),
        "linear": guess(0.2),
        "gradient_boosting": guess(0.13),
    }
    return finish(
        folder,
        "tabular-regression",
        task,
        table,
        guess(0.1),
        baselines,
        history(40, "rmse", 90_000, 23_000),
        concerns,
    )


def chances(rng, truth, classes, skill):
    logits = rng.normal(size=(len(truth), len(classes))) + skill * np.eye(len(classes))[truth]
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)


def class_answers(probabilities, classes):
    columns = {f"probability_{name}": probabilities[:, place] for place, name in enumerate(classes)}
    return Answers({"prediction": np.array(classes)[probabilities.argmax(axis=1)], **columns})


def clothes(folder: Path, classes: list[str], rows: int = 500, kind: type = PictureRows) -> Result:
    rng = np.random.default_rng(1)
    classes = sorted(classes)
    truth = rng.integers(0, len(classes), rows)
    values = {
        "label": np.array(classes)[truth],
        "file": np.array([f"{classes[t]}/{row:05}.png" for row, t in enumerate(truth)]),
    }
    task = FakeTask(
        "accuracy", ("curves", "confusion", "calibration", "pictures", "most_wrong", "columns"), classes
    )
    said = [class_answers(chances(rng, truth, classes, skill), classes) for skill in (4.0, 0.0, 3.2, 4.05)]
    baselines = dict(zip(("majority", "linear", "gradient_boosting"), said[1:], strict=True))
    return finish(
        folder,
        "image-classification",
        task,
        kind(values, "label"),
        said[0],
        baselines,
        history(15, "accuracy", 0.5, 0.93),
    )


@dataclass(frozen=True)
class Runs:
    house_prices = staticmethod(house_prices)
    clothes = staticmethod(clothes)
    TableRows = TableRows
    PictureRows = PictureRows


@pytest.fixture(scope="session")
def runs():
    return Runs()
