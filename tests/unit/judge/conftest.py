"""Small stand-ins that follow the contract.

Rows of numbers with a target, and tasks that score answers to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from deepfit import metrics
from deepfit.contract import Answers, Concern


@dataclass(frozen=True)
class ListedRows:
    values: np.ndarray
    prints: np.ndarray | None = None
    name: str = "rows.csv"
    findings: Sequence[Concern] = ()

    def __len__(self):
        return len(self.values)

    def take(self, index):
        return ListedRows(self.values[index], None if self.prints is None else self.prints[index], self.name)

    def target(self):
        return self.values

    def fingerprints(self):
        return np.asarray(self.prints, dtype=np.uint64)

    def concerns(self):
        return self.findings


@dataclass(frozen=True)
class NumberTask:
    """Answers are numbers."""

    main_metric: str = "-rmse"

    def metrics(self, answers, rows):
        return metrics.regression(answers.columns["prediction"], rows.target())


@dataclass(frozen=True)
class ClassTask:
    """Answers are class numbers and a column of probabilities a class."""

    main_metric: str = "accuracy"
    classes: int = 2

    def metrics(self, answers, rows):
        probabilities = np.stack([answers.columns[str(number)] for number in range(self.classes)], axis=1)
        return metrics.classification(probabilities, rows.target())


@dataclass(frozen=True)
class MeanTask:
    """Its one metric is the mean of the answers."""

    main_metric: str = "mean"

    def metrics(self, answers, rows):
        return {"mean": answers.columns["prediction"].mean()}


def class_answers(probabilities):
    columns = {str(number): probabilities[:, number] for number in range(probabilities.shape[1])}
    return Answers({"prediction": probabilities.argmax(axis=1), **columns})


@dataclass(frozen=True)
class Kit:
    Rows: type = ListedRows
    NumberTask: type = NumberTask
    ClassTask: type = ClassTask
    MeanTask: type = MeanTask
    class_answers: object = field(default=staticmethod(class_answers))

    @staticmethod
    def numbers(values):
        return Answers({"prediction": np.asarray(values, dtype=np.float64)})


@pytest.fixture(scope="session")
def kit():
    return Kit()
