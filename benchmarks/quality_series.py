"""Quality of forecasts: deepfit with default options beside NeuralForecast, same days, rolling origins.

    python benchmarks/quality_series.py --data FOLDER --seeds 1
    python benchmarks/quality_series.py --data FOLDER --peers nhits,patchtst,lstm --peer-python PYTHON

The folder holds chicago_ridership.csv (thousands of rail passengers a day; weather, home games; the last 365
days are held out) and seattle_weather.csv (highest temperature of the day; the last 180). Forecasts are of 14
days, each from the values before it, one block after the other back from the last day; nothing is fitted
anew in between. Weather counts as known of the past only, games as known in advance.

The peers have their default options and a window of 56 days, as deepfit looks at. nhits and lstm are run
without covariates and, as nhits_covariates and lstm_covariates, with them; patchtst takes none. Its
default of 5,000 steps takes some two hours of a core here, so patchtst_1000_steps stops early. mase divides
every method's mean absolute error by one scale, the seasonal naive error of all days before the held-out
ones. Prints a table and writes results/quality_series.json, where rows of methods that were not run this time
stay.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

HORIZON = 14
LOOKBACK = 56
SETS: dict[str, dict[str, Any]] = {
    "chicago": {
        "file": "chicago_ridership.csv", "target": "ridership", "days": 365, "season": 7,
        "known": ["blackhawks_home", "bulls_home", "bears_home", "cubs_home"],
        "past": ["temp", "humidity", "wind", "percip", "weather_rain", "weather_snow"],
    },
    "seattle": {
        "file": "seattle_weather.csv", "target": "temp_max", "days": 180, "season": 1,
        "known": [], "past": ["precipitation", "temp_min", "wind", "weather"],
    },
}  # fmt: skip
"""The season is what deepfit finds by itself; it sets the scale and the seasonal naive forecast."""

PEERS = {
    "nhits": "NHITS",
    "nhits_covariates": "NHITS",
    "patchtst": "PatchTST",
    "patchtst_1000_steps": "PatchTST",
    "lstm": "LSTM",
    "lstm_covariates": "LSTM",
}
RESULTS = Path(__file__).parent / "results" / "quality_series.json"


def main() -> None:
    """Measure everything asked for, print the table, write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the two files")
    parser.add_argument("--seeds", type=int, default=1, help="runs of each method on each set")
    parser.add_argument("--sets", nargs="+", choices=sorted(SETS), default=sorted(SETS))
    parser.add_argument("--networks", default="tide", help="networks of deepfit, with commas; none to skip")
    parser.add_argument("--peers", default="", help=f"of {','.join(PEERS)}, with commas")
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter that has neuralforecast")
    parser.add_argument("--threads", type=int, default=0, help="threads of every method; 0 = its own choice")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--one-peer", nargs=3, metavar=("METHOD", "SET", "SEED"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one_peer:
        method, name, seed = given.one_peer
        print(json.dumps(run_peer(method, name, given.data, int(seed), given.threads)))
        return
    networks = [f"deepfit {each}" for each in given.networks.split(",") if each not in ("", "none")]
    methods = [*networks, *(each for each in given.peers.split(",") if each)]
    rows = json.loads(given.out.read_text())["rows"] if given.out.exists() else []
    for name in given.sets:
        for method in methods:
            for seed in range(given.seeds):
                for row in measure(method, name, seed, given):
                    key = (row["set"], row["method"], row["seed"])
                    rows = [each for each in rows if (each["set"], each["method"], each["seed"]) != key]
                    rows.append(row)
                    print(row, file=sys.stderr, flush=True)
                given.out.parent.mkdir(parents=True, exist_ok=True)
                given.out.write_text(
                    json.dumps({"horizon": HORIZON, "summary": summarise(rows), "rows": rows}, indent=1)
                    + "\n"
                )
    print(table(summarise(rows)))


def measure(method: str, name: str, seed: int, given: argparse.Namespace) -> list[dict[str, Any]]:
    """A record of the method, run in a process of its own; deepfit's run scores its baselines besides."""
    began = time.perf_counter()
    if method in PEERS:
        words = [
            "--data",
            str(given.data),
            "--threads",
            str(given.threads),
            "--one-peer",
            method,
            name,
            str(seed),
        ]
        scores = json.loads(last_line([given.peer_python, __file__, *words], given.threads))
        return [record(name, method, seed, scores, time.perf_counter() - began, scale(name, given.data))]
    chosen = SETS[name]
    with tempfile.TemporaryDirectory() as scratch:
        words = ["--task", "time-series-forecasting", "--time", "date", "--target", chosen["target"]]
        words += ["--split", "column:split", "--horizon", str(HORIZON), "--season", str(chosen["season"])]
        for flag in ("known", "past"):
            words += [f"--{flag}", ",".join(chosen[flag])] if chosen[flag] else []
        words += ["--network", method.removeprefix("deepfit "), "--seed", str(seed), "--json"]
        words += ["--threads", str(given.threads), "--out", str(Path(scratch) / "run")]
        source = str(given.data / chosen["file"])
        command = [sys.executable, "-m", "deepfit", "train", source, *words]
        card = json.loads(last_line(command, given.threads))
    seconds = time.perf_counter() - began
    unit = scale(name, given.data)
    found = [record(name, method, seed, values(card["metrics"]), seconds, unit)]
    for baseline, metrics in card["baselines"].items():
        found.append(record(name, baseline, 0, values(metrics), None, unit))
    return found


def values(metrics: dict[str, Any]) -> dict[str, float]:
    """Metric -> value of a scorecard."""
    return {each: score["value"] for each, score in metrics.items()}


def record(
    name: str, method: str, seed: int, scores: dict[str, float], seconds: float | None, unit: float
) -> dict[str, Any]:
    """One row of the results; mase by the scale that all methods share."""
    kept = {each: scores[each] for each in ("mae", "crps", "coverage_80", "coverage_95") if each in scores}
    row = {"set": name, "method": method, "seed": seed, "mase": scores["mae"] / unit, **kept}
    return row if seconds is None else {**row, "seconds": round(seconds, 1)}


def scale(name: str, folder: Path) -> float:
    """The mean of |y_t - y_(t-season)| over all days before the held-out ones."""
    import polars as pl

    chosen = SETS[name]
    y = pl.read_csv(folder / chosen["file"])[chosen["target"]].to_numpy()[: -chosen["days"]]
    return float(abs(y[chosen["season"] :] - y[: -chosen["season"]]).mean())


def last_line(command: list[str], threads: int) -> str:
    """What the command prints last on stdout; its stderr is shown where it fails."""
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads)) if threads else None
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr[-4000:]}")
    return done.stdout.strip().splitlines()[-1]


def run_peer(method: str, name: str, folder: Path, seed: int, threads: int) -> dict[str, float]:
    """Fit one of NeuralForecast's networks with its defaults; the error on the held-out days."""
    warnings.simplefilter("ignore")
    from contenders import stand_in_for_torchvision

    stand_in_for_torchvision()
    import pandas as pd
    import torch
    from neuralforecast import NeuralForecast, models

    if threads:
        torch.set_num_threads(threads)
    chosen = SETS[name]
    frame = pd.read_csv(folder / chosen["file"])
    frame = frame.assign(unique_id=name, ds=pd.to_datetime(frame["date"]), y=frame[chosen["target"]])
    past = [each for each in chosen["past"] if pd.api.types.is_numeric_dtype(frame[each])]
    settings: dict[str, Any] = {"h": HORIZON, "input_size": LOOKBACK, "random_seed": seed, "logger": False}
    settings |= {"enable_progress_bar": False, "enable_checkpointing": False, "accelerator": "cpu"}
    columns = ["unique_id", "ds", "y"]
    if method.endswith("_1000_steps"):
        settings["max_steps"] = 1000
    if method.endswith("_covariates"):
        settings |= {"futr_exog_list": chosen["known"] or None, "hist_exog_list": past}
        columns += [*chosen["known"], *past]
    forecaster = NeuralForecast(models=[getattr(models, PEERS[method])(**settings)], freq="D")
    windows = -(-chosen["days"] // HORIZON)
    said = forecaster.cross_validation(
        df=frame[columns], n_windows=windows, step_size=HORIZON, refit=False
    ).tail(chosen["days"])
    return {"mae": float((said[PEERS[method]] - said["y"]).abs().mean())}


def summarise(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Median, least and greatest of every figure over the seeds, a row for each set and method."""
    summary = []
    for name, method in dict.fromkeys((row["set"], row["method"]) for row in rows):
        mine = [row for row in rows if (row["set"], row["method"]) == (name, method)]
        line: dict[str, Any] = {"set": name, "method": method, "seeds": len(mine)}
        for figure in ("mase", "mae", "crps", "coverage_80", "coverage_95", "seconds"):
            found = [row[figure] for row in mine if figure in row]
            if found:
                line[figure] = {"median": statistics.median(found), "low": min(found), "high": max(found)}
        summary.append(line)
    return sorted(summary, key=lambda line: (line["set"], line["mase"]["median"]))


def table(summary: list[dict[str, Any]]) -> str:
    """The summary as text, the best method of each set first."""
    figures = ("mase", "mae", "crps", "coverage_80", "coverage_95", "seconds")
    lines = [f"{'':<34}" + "".join(f"{figure:>13}" for figure in figures)]
    for line in summary:
        cells = [f"{line[figure]['median']:.3f}" if figure in line else "" for figure in figures]
        lines.append(f"{line['set'] + ' ' + line['method']:<34}" + "".join(f"{cell:>13}" for cell in cells))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
