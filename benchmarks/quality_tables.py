"""Quality on tables: deepfit with default options beside strong peers, on the same split, several seeds.

    python benchmarks/quality_tables.py --data examples/data --seeds 3
    python benchmarks/quality_tables.py --data examples/data --peer-python /path/to/venv/bin/python

The folder holds ames/train.csv, ames/test.csv (house prices, RMSE in dollars), credit/train.csv and
credit/test.csv (credit scoring: accuracy, ROC AUC, log loss). Every measurement is a process of its own, so
its seconds contain imports, reading and predicting; deepfit is run as a user runs it, through `deepfit train
... --json`, its seconds contain baselines and report as well. Peers that are not installed are named as
skipped. Prints a table and writes benchmarks/results/quality_tables.json.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

SETS = {
    "ames": {"target": "Sale_Price", "metrics": ("rmse",)},
    "credit": {"target": "Status", "metrics": ("log_loss", "roc_auc", "accuracy")},
}
LESS_IS_BETTER = {"rmse", "log_loss"}
NEEDS = {
    "hist_gradient_boosting": "sklearn",
    "mlp": "sklearn",
    "mlp_early_stopping": "sklearn",
    "lightgbm": "lightgbm",
    "realmlp_td": "pytabkit",
    "tabm_d": "pytabkit",
}
RESULTS = Path(__file__).parent / "results" / "quality_tables.json"


def main() -> None:
    """Measure everything asked for, print the table, write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path(__file__).parent.parent / "examples" / "data")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each method on each set")
    parser.add_argument("--sets", nargs="+", choices=sorted(SETS), default=sorted(SETS))
    parser.add_argument("--methods", nargs="+", choices=["deepfit", *NEEDS], default=["deepfit", *NEEDS])
    parser.add_argument(
        "--peer-python", default=sys.executable, help="interpreter that has the peers installed"
    )
    parser.add_argument(
        "--deepfit", nargs="+", default=[sys.executable, "-m", "deepfit"], help="command that starts deepfit"
    )
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--one-peer", nargs=3, metavar=("METHOD", "SET", "SEED"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one_peer:
        method, name, seed = given.one_peer
        print(json.dumps(run_peer(method, given.data / name, SETS[name]["target"], int(seed))))
        return

    rows, skipped = [], []
    for name in given.sets:
        for method in given.methods:
            if method != "deepfit" and not installed(given.peer_python, NEEDS[method]):
                skipped.append(f"{method} ({NEEDS[method]} is not installed)")
                continue
            for seed in range(given.seeds):
                began = time.perf_counter()
                scores = measure(method, name, seed, given)
                seconds = time.perf_counter() - began
                rows.append(
                    {"set": name, "method": method, "seed": seed, "seconds": round(seconds, 1), **scores}
                )
                print(rows[-1], file=sys.stderr, flush=True)
    summary = summarise(rows)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "processor": processor(), "system": platform.system()}
    report = {"machine": machine, "skipped": sorted(set(skipped)), "summary": summary, "rows": rows}
    given.out.write_text(json.dumps(report, indent=1) + "\n")
    print(table(summary, sorted(set(skipped))))


def measure(method: str, name: str, seed: int, given: argparse.Namespace) -> dict[str, float]:
    """Scores on the test rows of one method with one seed, run in a process of its own."""
    folder = given.data / name
    if method != "deepfit":
        here = [given.peer_python, __file__, "--data", str(given.data), "--one-peer", method, name, str(seed)]
        return json.loads(last_line(here))
    with tempfile.TemporaryDirectory() as scratch:
        options = ["--target", SETS[name]["target"], "--test", str(folder / "test.csv"), "--seed", str(seed)]
        out = ["--out", str(Path(scratch) / "run"), "--json"]
        card = json.loads(last_line([*given.deepfit, "train", str(folder / "train.csv"), *options, *out]))
    return {metric: card["metrics"][metric]["value"] for metric in SETS[name]["metrics"]}


def last_line(command: list[str]) -> str:
    """What the command prints last on stdout; its stderr is shown where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr[-4000:]}")
    return done.stdout.strip().splitlines()[-1]


def installed(python: str, package: str) -> bool:
    """Whether that interpreter finds the package."""
    if python == sys.executable:
        return importlib.util.find_spec(package) is not None
    check = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({package!r}) is None)"
    return subprocess.run([python, "-c", check], check=False).returncode == 0


def run_peer(method: str, folder: Path, target: str, seed: int) -> dict[str, float]:
    """Fit one peer with its own defaults on train.csv and score it on test.csv."""
    import pandas as pd
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score, root_mean_squared_error

    warnings.simplefilter("ignore")
    read = {"keep_default_na": False, "na_values": [""]}
    train, test = pd.read_csv(folder / "train.csv", **read), pd.read_csv(folder / "test.csv", **read)
    y_train, y_test = train.pop(target), test.pop(target)
    regression = pd.api.types.is_numeric_dtype(y_train)
    words = [column for column in train if not pd.api.types.is_numeric_dtype(train[column])]
    for column in words:
        known = pd.CategoricalDtype(sorted(train[column].dropna().unique()))
        train[column], test[column] = train[column].astype(known), test[column].astype(known)
    if NEEDS[method] == "pytabkit":
        train, test = filled(train, test, words)
    model = PEERS[method](regression, words, seed)
    model.fit(train, y_train)
    if regression:
        return {"rmse": float(root_mean_squared_error(y_test, model.predict(test)))}
    chances = model.predict_proba(test)
    classes = list(model.classes_)
    answers = [classes[i] for i in chances.argmax(axis=1)]
    return {
        "log_loss": float(log_loss(y_test, chances, labels=classes)),
        "roc_auc": float(roc_auc_score(y_test == classes[1], chances[:, 1])),
        "accuracy": float(accuracy_score(y_test, answers)),
    }


def filled(train: Any, test: Any, words: list[str]) -> tuple[Any, Any]:
    """Missing numbers at the training median, with a column that says so: pytabkit refuses them as is."""
    train, test = train.copy(), test.copy()
    for column in [column for column in train if column not in words and train[column].isna().any()]:
        median = train[column].median()
        for table in (train, test):
            table[f"{column} is missing"] = table[column].isna().astype(float)
            table[column] = table[column].fillna(median)
    for column in words:
        for table in (train, test):
            table[column] = table[column].astype(object).where(table[column].notna(), "(missing)")
    return train, test


def hist_gradient_boosting(regression: bool, words: list[str], seed: int) -> Any:
    """scikit-learn's histogram boosting, with its own handling of categories and missing values."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    return kind(categorical_features="from_dtype", random_state=seed)


def lightgbm(regression: bool, words: list[str], seed: int) -> Any:
    """LightGBM with its defaults, which draw nothing at random: every seed gives the same trees."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    return (LGBMRegressor if regression else LGBMClassifier)(
        random_state=seed, verbose=-1, n_jobs=num_threads()
    )


def mlp(regression: bool, words: list[str], seed: int, *, early_stopping: bool = False) -> Any:
    """scikit-learn's perceptron on one-hot categories, imputed standardised numbers, standardised target."""
    from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    encode = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), words),
    )
    network = (MLPRegressor if regression else MLPClassifier)(
        random_state=seed, early_stopping=early_stopping
    )
    if regression:
        return TransformedTargetRegressor(make_pipeline(encode, network), transformer=StandardScaler())
    return make_pipeline(encode, network)


def mlp_early_stopping(regression: bool, words: list[str], seed: int) -> Any:
    """The same, stopped by a tenth of the training rows."""
    return mlp(regression, words, seed, early_stopping=True)


def realmlp_td(regression: bool, words: list[str], seed: int) -> Any:
    """RealMLP with its tuned defaults (arXiv 2407.04491), by its authors."""
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    return (RealMLP_TD_Regressor if regression else RealMLP_TD_Classifier)(
        random_state=seed, device="cpu", n_threads=num_threads()
    )


def tabm_d(regression: bool, words: list[str], seed: int) -> Any:
    """TabM with the defaults of pytabkit (arXiv 2410.24210)."""
    from pytabkit import TabM_D_Classifier, TabM_D_Regressor

    return (TabM_D_Regressor if regression else TabM_D_Classifier)(
        random_state=seed, device="cpu", n_threads=num_threads()
    )


def num_threads() -> int:
    """As many as OMP_NUM_THREADS allows, else one a core."""
    return int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


PEERS: dict[str, Callable[[bool, list[str], int], Any]] = {
    "hist_gradient_boosting": hist_gradient_boosting,
    "mlp": mlp,
    "mlp_early_stopping": mlp_early_stopping,
    "lightgbm": lightgbm,
    "realmlp_td": realmlp_td,
    "tabm_d": tabm_d,
}


def summarise(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Median, least and greatest of every metric over the seeds, a row for each set and method."""
    summary = []
    for name, method in dict.fromkeys((row["set"], row["method"]) for row in rows):
        mine = [row for row in rows if (row["set"], row["method"]) == (name, method)]
        line: dict[str, Any] = {"set": name, "method": method, "seeds": len(mine)}
        for metric in (*SETS[name]["metrics"], "seconds"):
            values = [row[metric] for row in mine]
            line[metric] = {"median": statistics.median(values), "low": min(values), "high": max(values)}
        summary.append(line)
    return summary


def table(summary: list[dict[str, Any]], skipped: list[str]) -> str:
    """The summary as text, the best median of each metric marked with a star."""
    lines = []
    for name in dict.fromkeys(line["set"] for line in summary):
        mine = [line for line in summary if line["set"] == name]
        metrics = SETS[name]["metrics"]
        lines += [
            "",
            f"{name:<24}"
            + "".join(f"{metric + ' (low to high)':>34}" for metric in metrics)
            + f"{'seconds':>10}",
        ]
        for line in mine:
            cells = ""
            for metric in metrics:
                medians = [other[metric]["median"] for other in mine]
                best = min(medians) if metric in LESS_IS_BETTER else max(medians)
                digits = 0 if metric == "rmse" else 4
                value = line[metric]
                star = "*" if value["median"] == best else " "
                median, low, high = (f"{value[key]:.{digits}f}" for key in ("median", "low", "high"))
                cells += f"{median + star + ' (' + low + ' to ' + high + ')':>34}"
            lines.append(f"{line['method']:<24}{cells}{line['seconds']['median']:>10.1f}")
    return "\n".join([*lines, *(f"skipped: {peer}" for peer in skipped)])


def processor() -> str:
    """The processor's name where the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} threads" if names else platform.processor()


if __name__ == "__main__":
    main()
