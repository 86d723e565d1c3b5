"""The shape of `metrics.json`, which other programs read."""

import json
from pathlib import Path

import numpy as np

from deepfit.contract import Concern
from deepfit.judge.intervals import Interval
from deepfit.judge.scorecard import Judgement, assemble, judge

NUMBER_OR_NULL = ["number", "null"]


def exactly(names, kind):
    return {"type": "object", "required": names, "properties": {name: {"type": kind} for name in names}}


INTERVAL = exactly(["value", "low", "high"], NUMBER_OR_NULL)
SCORES = {"type": "object", "values": INTERVAL}
SCHEMA = {
    "type": "object",
    "required": [
        "task",
        "rows",
        "metrics",
        "baselines",
        "verdict",
        "seconds",
        "peak_mb",
        "warnings",
        "paths",
    ],
    "properties": {
        "task": {"type": "string"},
        "rows": exactly(["train", "valid", "test"], "integer"),
        "metrics": SCORES,
        "baselines": {"type": "object", "values": SCORES},
        "verdict": {"type": "string"},
        "seconds": exactly(["read", "train", "total"], "number"),
        "peak_mb": {"type": NUMBER_OR_NULL},
        "warnings": {"type": "array", "items": {"type": "string"}},
        "paths": exactly(["run", "model", "report"], ["string", "null"]),
    },
}
TYPES = {
    "object": dict,
    "string": str,
    "array": list,
    "number": (int, float),
    "integer": int,
    "null": type(None),
}


def check(value, schema, path="$"):
    """A closed-world subset of JSON Schema.

    No keys but those required, exact types, and `values` for any key.
    """
    names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    assert any(isinstance(value, TYPES[name]) and not isinstance(value, bool) for name in names), (
        path,
        value,
    )
    if "required" in schema:
        assert list(value) == schema["required"], path
    for name, part in schema.get("properties", {}).items():
        check(value[name], part, f"{path}.{name}")
    for name, each in value.items() if "values" in schema else ():
        check(each, schema["values"], f"{path}.{name}")
    for number, each in enumerate(value if "items" in schema else ()):
        check(each, schema["items"], f"{path}[{number}]")


def strict(scorecard):
    """Through JSON as other programs read it, which know no NaN."""
    return json.loads(json.dumps(scorecard, allow_nan=False))


def test_a_judged_run_has_exactly_the_published_shape(kit):
    rng = np.random.default_rng(0)
    target = rng.normal(size=80)
    judgement = judge(
        kit.NumberTask(), kit.Rows(target), kit.numbers(target + 0.1),
        {"mean": kit.numbers(np.zeros(80)), "linear": kit.numbers(target + 0.5)},
    )  # fmt: skip
    found = strict(
        assemble(
            "tabular-regression", {"train": np.int64(200), "valid": 50, "test": 80}, judgement,
            seconds={"read": 0.12345, "train": np.float32(2.0), "total": 3}, peak_mb=123.456,
            concerns=[Concern("constant", "column 'a'", "never varies")],
            paths={"run": Path("runs/a"), "model": "runs/a/model", "report": None},
        )
    )  # fmt: skip
    check(found, SCHEMA)
    assert list(found["baselines"]) == ["mean", "linear"]
    assert set(found["metrics"]) == {"rmse", "mae", "r2", "median_absolute_error"}
    assert found["verdict"].startswith("Better than the best baseline, linear")
    assert found["warnings"] == ["column 'a': never varies"]
    assert found["paths"] == {"run": "runs/a", "model": "runs/a/model", "report": None}
    assert found["seconds"] == {"read": 0.123, "train": 2.0, "total": 3.0}


def test_a_run_without_test_rows_has_the_shape_too_and_says_so():
    found = strict(assemble("x", {"train": 5}, seconds={}, peak_mb=float("nan"), paths={}))
    check(found, SCHEMA)
    assert found["verdict"].startswith("No rows were held out")
    assert found["peak_mb"] is None


def test_what_is_not_finite_becomes_null():
    judgement = Judgement({"rmse": Interval(float("inf"), float("nan"))}, {}, "")
    found = strict(
        assemble("x", {}, judgement, seconds={"total": float("inf")}, peak_mb=1, paths={})
        | {"seconds": dict.fromkeys(["read", "train", "total"], 0)}
    )
    check(found, SCHEMA)
    assert found["metrics"]["rmse"] == {"value": None, "low": None, "high": None}


def test_judging_is_deterministic_by_seed(kit):
    target = np.random.default_rng(1).normal(size=50)
    runs = [
        judge(
            kit.NumberTask(),
            kit.Rows(target),
            kit.numbers(target * 0.9),
            {"mean": kit.numbers(target * 0)},
            seed=3,
        )
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
