"""Quality of classes of nodes: deepfit with default options on Debian's packages, beside plain PyG networks.

    python benchmarks/quality_nodes.py --data FOLDER --seeds 3 [--peers gcn,sage,gat --peer-python PYTHON]

The folder holds nodes.csv (`label`, `split`, `words`) and edges.csv. deepfit is run as a user runs it; its
baselines come from the same run. The peers are PyTorch Geometric's layers in the recipe of its examples: two
layers of 128, ReLU, dropout of a half, Adam at 0.01 with an L2 penalty of 5e-4, 200 steps, the weights with
the best validation accuracy; their inputs are the same words as ones and zeros. Prints a table and writes
benchmarks/results/quality_nodes.json, where rows of methods that were not run this time stay.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "quality_nodes.json"

PEER = """
import csv, json, sys
import torch
from torch.nn import functional
from torch_geometric.nn import GATConv, GCNConv, SAGEConv
folder, name, seed, threads = sys.argv[1:]
torch.manual_seed(int(seed)); torch.set_num_threads(int(threads))
rows = list(csv.DictReader(open(f"{folder}/nodes.csv")))
place = {row["id"]: number for number, row in enumerate(rows)}
ends = [(place[row["source"]], place[row["target"]]) for row in csv.DictReader(open(f"{folder}/edges.csv"))]
edges = torch.tensor(ends).T; edges = torch.cat([edges, edges.flip(0)], 1)
words = sorted({word for row in rows for word in row["words"].split()})
number = {word: each for each, word in enumerate(words)}
x = torch.zeros(len(rows), len(words))
for row, line in enumerate(rows):
    for word in line["words"].split(): x[row, number[word]] = 1
classes = sorted({row["label"] for row in rows})
y = torch.tensor([classes.index(row["label"]) for row in rows])
part = {each: torch.tensor([row["split"] == each for row in rows]) for each in ("train", "valid", "test")}
kind = {"gcn": GCNConv, "sage": SAGEConv, "gat": GATConv}[name]
one = kind(len(words), 32, heads=4) if name == "gat" else kind(len(words), 128)
two = kind(128, len(classes))
optimizer = torch.optim.Adam([*one.parameters(), *two.parameters()], lr=0.01, weight_decay=5e-4)
def said(training):
    h = functional.dropout(x, 0.5, training)
    return two(functional.dropout(one(h, edges).relu(), 0.5, training), edges)
best = (0, 0)
for step in range(200):
    loss = functional.cross_entropy(said(True)[part["train"]], y[part["train"]])
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    with torch.no_grad(): right = said(False).argmax(1) == y
    best = max(best, (right[part["valid"]].float().mean().item(), right[part["test"]].float().mean().item()),
               key=lambda each: each[0])
print(json.dumps({"accuracy": best[1]}))
"""


def main() -> None:
    """Measure everything asked for, print the table, write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--networks", default="sage", help="of deepfit, with commas; none to skip")
    parser.add_argument("--peers", default="", help="gcn, sage, gat, with commas")
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    given = parser.parse_args()
    records = json.loads(given.out.read_text())["records"] if given.out.exists() else []
    for seed in range(given.seeds):
        fresh = []
        for network in (each for each in given.networks.split(",") if each not in ("", "none")):
            fresh += ours(network, seed, given)
        for peer in (each for each in given.peers.split(",") if each):
            words = [str(given.data), peer, str(seed), str(given.threads)]
            begun = time.perf_counter()
            scores = json.loads(last_line([given.peer_python, "-c", PEER, *words]))
            fresh.append(record(f"pyg {peer}", seed, scores, time.perf_counter() - begun))
        names = {(each["method"], each["seed"]) for each in fresh}
        records = [each for each in records if (each["method"], each["seed"]) not in names] + fresh
        print(*fresh, sep="\n", file=sys.stderr, flush=True)
        summary = summarise(records)
        given.out.write_text(json.dumps({"summary": summary, "records": records}, indent=1) + "\n")
    for method, scores in summarise(records).items():
        print(f"{method:24s}", scores)


def ours(network: str, seed: int, given: argparse.Namespace) -> list[dict[str, Any]]:
    """A record of deepfit, and of each of its baselines."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        words = ["--task", "node-classification", "--network", network, "--seed", str(seed), "--json"]
        words += ["--threads", str(given.threads), "--out", str(Path(scratch) / "run")]
        card = json.loads(last_line([sys.executable, "-m", "deepfit", "train", str(given.data), *words]))
    everyone = {f"deepfit {network}": card["metrics"], **card["baselines"]}
    taken = {f"deepfit {network}": time.perf_counter() - begun}
    found = []
    for method, metrics in everyone.items():
        scores = {name: metrics[name]["value"] for name in ("accuracy", "f1", "log_loss")}
        found.append(record(method, seed, scores, taken.get(method, 0.0)))
    found[0]["verdict"] = card["verdict"]
    return found


def record(method: str, seed: int, scores: dict[str, float], seconds: float) -> dict[str, Any]:
    """A row of the JSON."""
    return {"method": method, "seed": seed, **scores, **({"seconds": round(seconds, 1)} if seconds else {})}


def last_line(command: list[str]) -> str:
    """The last line that a command prints; its errors end everything."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{command[0]} ended with status {done.returncode}:\n{done.stderr[-3000:]}")
    return done.stdout.strip().splitlines()[-1]


def summarise(records: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """The median over seeds of each method's scores."""
    methods = dict.fromkeys(each["method"] for each in records)
    return {
        method: {
            name: round(statistics.median(each[name] for each in records if each["method"] == method), 4)
            for name in ("accuracy", "f1", "log_loss")
            if all(name in each for each in records if each["method"] == method)
        }
        for method in methods
    }


if __name__ == "__main__":
    main()
