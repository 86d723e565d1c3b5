"""Rows of a table, some of which may be labelled as anomalies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from deepfit.contract import Concern, Facts
from deepfit.data.anomalies import anomalous, check_ordinary, label_concerns, settle_anomaly
from deepfit.data.table_encoding import learn_columns
from deepfit.data.table_rows import TableRows, read_rows
from deepfit.errors import DataError


class AnomalyRows:
    """A table's rows whose target is whether they are anomalies; implements `deepfit.contract.Rows`.

    values: what the label column says of an anomaly, as text; empty where there is no such column.
    """

    def __init__(self, table: TableRows, values: Sequence[str]) -> None:
        self.table = table
        self.values = list(values)
        self.name = table.name
        self.target_name = table.target_name

    def __len__(self) -> int:
        return len(self.table)

    def take(self, index: np.ndarray) -> AnomalyRows:
        """The rows at these positions (or where a mask is True); the frame is shared."""
        return AnomalyRows(self.table.take(index), self.values)

    def compact(self) -> AnomalyRows:
        """The same rows in frames of their own."""
        return AnomalyRows(self.table.compact(), self.values)

    def column(self, name: str) -> np.ndarray:
        """One column's values."""
        return self.table.column(name)

    def series(self, name: str) -> pl.Series:
        """One column as it is encoded."""
        return self.table.series(name)

    def target(self) -> np.ndarray | None:
        """Bool [rows], True for an anomaly; None where a row does not say."""
        labels = self.table.target()
        return None if labels is None else anomalous(labels, self.values)

    def keys(self) -> dict[str, np.ndarray]:
        """The identifier columns."""
        return self.table.keys()

    def labelled(self) -> AnomalyRows:
        """The rows that say whether they are anomalies; DataError where none does."""
        if self.target_name is None:
            raise DataError(
                f"{self.name}: the model was trained without --target, so no column says which rows are "
                "anomalies, and nothing can be scored. Train with --target COLUMN; training itself leaves it "
                "aside."
            )
        return AnomalyRows(self.table.labelled(), self.values)

    def parts(self) -> None:
        """None: a table names its parts only where a column is asked for."""
        return

    def where(self, position: int) -> str:
        """The row at a position as the user knows it."""
        return self.table.where(position)

    def check_inputs(self) -> None:
        """DataError where no column is an input."""
        self.table.check_inputs()

    def describe(self) -> list[tuple[str, str, str, str]]:
        """(name, kind, reason, example) of every column."""
        said = f"'{' or '.join(self.values)}' is an anomaly; never an input"
        return [
            (name, kind, said if kind == "target" else reason, example)
            for name, kind, reason, example in self.table.describe()
        ]

    def fingerprints(self) -> np.ndarray:
        """uint64 [rows] from every column but the label, identifiers and constants."""
        return self.table.fingerprints()

    def concerns(self) -> list[Concern]:
        """What a careful reader would say of these rows before training."""
        about = label_concerns(
            self.target(), name=self.name, target=self.target_name, values=self.values, noun="rows"
        )
        return [*about, *(each for each in self.table.concerns() if each.kind != "imbalance")]


def read_anomaly_rows(
    source: Any, *, target: str | None, anomaly: str | None, facts: Facts | None, **how: Any
) -> AnomalyRows:
    """The rows of a table, checked; DataError before any training.

    anomaly: as the user writes it. how: missing, kinds and split, as the options write them. facts: of the
    training rows, at predict.
    """
    goal = "classification" if target is not None else None
    table = read_rows(source, target=target, goal=goal, columns=facts, **how)
    if target is None:
        return AnomalyRows(table, [])
    if facts is not None:
        return AnomalyRows(table, facts["anomaly"])
    labels = table.target()
    if labels is None or not len(labels):
        raise DataError(f"{table.name}: no row has a value in column '{target}'.")
    return AnomalyRows(table, settle_anomaly(labels, anomaly, name=table.name, target=target))


def learn_anomaly_columns(rows: AnomalyRows) -> dict[str, Any]:
    """How the columns of the ordinary rows are encoded, and which values mean an anomaly; plain JSON.

    As `learn_columns`, but a column that never changes among them is given a scale by its own size, so that
    another value is seen. "places": column -> its places among the numbers and its code column.
    """
    ordinary = rows.take(check_ordinary(rows.target(), len(rows), name=rows.name))
    facts: dict[str, Any] = learn_columns(ordinary.table)
    for record in facts["columns"]:
        if record["kind"] == "number" and record["factor"] == 0:
            record["factor"] = 1 / (abs(record["median"]) or 1.0)
    check_varied(ordinary, facts)
    return {**facts, "anomaly": rows.values}


def check_varied(rows: AnomalyRows, facts: Mapping[str, Any]) -> None:
    """DataError where all rows are the same, so that nothing can be learned of what is ordinary."""
    if len(rows) > 1 and len(np.unique(rows.fingerprints())) == 1:
        raise DataError(
            f"{rows.name}: all {len(rows):,} ordinary training rows are the same in the columns in use "
            f"({', '.join(record['name'] for record in facts['columns'][:6])}), so what varies ordinarily "
            "cannot be learned. Add rows or columns."
        )


def ordinary_rows(rows: AnomalyRows) -> AnomalyRows:
    """The rows that are not labelled as anomalies."""
    found = rows.target()
    return rows if found is None or not found.any() else rows.take(np.flatnonzero(~found))


def layout(facts: Mapping[str, Any]) -> dict[str, list[int]]:
    """Where the encoded arrays come from.

    "number_places", "category_places": the source column of each number and code column. "flag_of": for each
    number the number that says it is missing, or -1.
    """
    numbers, flags = [0] * facts["num_numbers"], [-1] * facts["num_numbers"]
    categories = [0] * len(facts["category_sizes"])
    for place, record in enumerate(facts["columns"]):
        for number in record.get("numbers", ()):
            numbers[number] = place
            if record.get("missing") and number != record["numbers"][-1]:
                flags[number] = record["numbers"][-1]
        if "category" in record:
            categories[record["category"]] = place
    return {"number_places": numbers, "category_places": categories, "flag_of": flags}


def spread(numbers: np.ndarray) -> dict[str, list[float]]:
    """Mean and deviation of encoded numbers [rows, numbers] on the scale of asinh; 1 where nothing varies."""
    bent = np.asarray(numbers, np.float64)
    told = np.arcsinh(bent / np.sqrt(np.maximum(1 - np.square(bent / 3), 1e-7)))
    deviation = told.std(0)
    return {
        "number_mean": told.mean(0).tolist(),
        "number_deviation": np.where(deviation > 1e-6, deviation, 1.0).tolist(),
    }


def expected_texts(expected: np.ndarray, columns: np.ndarray, facts: Mapping[str, Any]) -> np.ndarray:
    """What was expected in one column of each row, as text: a number, a time, or the likeliest category.

    expected: [rows, all columns] as the network says it; columns: [rows], the column asked for.
    """
    texts = np.empty(len(columns), object)
    for place in np.unique(columns).tolist():
        chosen = np.flatnonzero(columns == place)
        record, said = facts["columns"][place], expected[chosen, place].astype(np.float64)
        if "category" in record:
            words = ["(another)", *("(missing)" if word is None else word for word in record["values"])]
            texts[chosen] = [words[int(code)] for code in said]
            continue
        number = record["numbers"][0]
        told = said * facts["number_deviation"][number] + facts["number_mean"][number]
        values = record["median"] + np.sinh(np.clip(told, -30, 30)) / (record["factor"] or 1.0)
        if record["kind"] == "datetime":
            from deepfit.data.table_encoding import YEAR_US

            stamps = np.clip(values * YEAR_US, -6e16, 2.5e17).astype("datetime64[us]")
            texts[chosen] = stamps.astype("datetime64[s]").astype(str)
        else:
            texts[chosen] = [f"{value:.4g}" for value in values]
    return texts.astype(str)
