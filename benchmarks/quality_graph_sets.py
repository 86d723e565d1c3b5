"""Quality on whole graphs: deepfit with default options, its baselines, and PyG's own example, on one split.

    python benchmarks/quality_graph_sets.py --data /path/to/graph_classification --seeds 3
    python benchmarks/quality_graph_sets.py --data ... --methods pyg --peer-python /path/to/venv/bin/python

The folder holds graphs.csv (label, activity, split), nodes.csv and edges.csv of molecules. deepfit is run as
a user runs it, `deepfit train ... --json`. The peer is PyTorch Geometric's example `mutag_gin.py` as it is
(GIN of 5 layers and 32 numbers, batch normalisation, sums over nodes, Adam at 0.01, 100 epochs, batches
of 128), its nodes' columns one by one and the kinds of bonds left aside as there; the last epoch is scored.
Every measurement is a process of its own. Writes benchmarks/results/quality_graph_sets.json; what it holds of
other tasks and methods stays. No seconds are written: they would say what else the machine did.
"""

from __future__ import annotations

import argparse
import csv
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results" / "quality_graph_sets.json"
TASKS = {
    "graph-classification": ("label", ("accuracy", "roc_auc", "log_loss")),
    "graph-regression": ("activity", ("rmse", "mae", "r2")),
}
METHODS = ("deepfit", "pyg")


def main() -> None:
    """Measure everything asked for, print a line each, write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder with graphs.csv")
    parser.add_argument("--seeds", type=int, default=3, help="runs of each method on each task")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--tasks", nargs="+", choices=sorted(TASKS), default=sorted(TASKS))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=["deepfit"])
    parser.add_argument("--peer-python", default=sys.executable, help="interpreter with torch_geometric")
    parser.add_argument("--threads", default="0", help="of deepfit; 0 = its own choice")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--one-peer", nargs=2, metavar=("TASK", "SEED"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one_peer:
        print(json.dumps(pyg(given.data, given.one_peer[0], int(given.one_peer[1]))))
        return
    for seed in range(given.first, given.first + given.seeds):
        for task in given.tasks:
            for method in given.methods:
                keep(
                    given.out,
                    {"task": task, "method": method, "seed": seed, **measure(method, task, seed, given)},
                )


def keep(out: Path, row: dict[str, Any]) -> None:
    """The row in the file, in place of an earlier one of the same measurement."""
    print(json.dumps(row), flush=True)
    rows = json.loads(out.read_text())["rows"] if out.exists() else []
    same = [row[name] for name in ("task", "method", "seed")]
    rows = [each for each in rows if [each[name] for name in ("task", "method", "seed")] != same]
    out.parent.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "system": platform.system()}
    out.write_text(json.dumps({"machine": machine, "rows": [*rows, row]}, indent=1) + "\n")


def measure(method: str, task: str, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """Scores on the test graphs, of deepfit with intervals and those of its baselines."""
    if method == "pyg":
        here = [given.peer_python, __file__, "--data", str(given.data), "--one-peer", task, str(seed)]
        return json.loads(last_line(here))
    target, names = TASKS[task]
    with tempfile.TemporaryDirectory() as scratch:
        command = [sys.executable, "-m", "deepfit", "train", str(given.data), "--task", task]
        command += ["--target", target, "--seed", str(seed), "--threads", given.threads]
        card = json.loads(last_line([*command, "--out", str(Path(scratch) / "run"), "--json"]))
    main = names[0]
    return {
        **{name: card["metrics"][name]["value"] for name in names},
        "interval": [card["metrics"][main][end] for end in ("low", "high")],
        "baselines": {rival: each[main]["value"] for rival, each in card["baselines"].items()},
        "verdict": card["verdict"],
    }


def last_line(command: list[str]) -> str:
    """What the command prints last on stdout; its stderr is shown where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr[-4000:]}")
    return done.stdout.strip().splitlines()[-1]


def pyg(folder: Path, task: str, seed: int) -> dict[str, float]:
    """PyTorch Geometric's example for graphs; of numbers with squared error of the standardised target."""
    import torch
    from torch.nn import functional
    from torch_geometric.loader import DataLoader
    from torch_geometric.nn import MLP, GINConv, global_add_pool

    torch.manual_seed(seed)
    target, _ = TASKS[task]
    parts = datasets(folder, target)
    classes = task == "graph-classification"
    seen = torch.tensor([data.y for data in parts["train"]])
    mean, deviation = (0.0, 1.0) if classes else (float(seen.mean()), float(seen.std()))
    sizes = [parts["train"][0].x.shape[1], *[32] * 5]

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.convs = torch.nn.ModuleList(GINConv(MLP([size, 32, 32])) for size in sizes[:-1])
            self.mlp = MLP([32, 32, 2 if classes else 1], norm=None, dropout=0.5)

        def forward(self, data: Any) -> Any:
            x = data.x
            for conv in self.convs:
                x = conv(x, data.edge_index).relu()
            return self.mlp(global_add_pool(x, data.batch))

    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(100):
        for data in DataLoader(parts["train"], 128, shuffle=True):
            optimizer.zero_grad()
            said = net(data)
            loss = (
                functional.cross_entropy(said, data.y.long())
                if classes
                else functional.mse_loss(said[:, 0], (data.y - mean) / deviation)
            )
            loss.backward()
            optimizer.step()
    net.eval()
    with torch.no_grad():
        data = next(iter(DataLoader(parts["test"], len(parts["test"]))))
        said = net(data)
    if classes:
        return {"accuracy": float((said.argmax(1) == data.y).float().mean())}
    error = said[:, 0] * deviation + mean - data.y
    return {"rmse": float(error.square().mean().sqrt()), "mae": float(error.abs().mean())}


def datasets(folder: Path, target: str) -> dict[str, list[Any]]:
    """PyG's `Data` of each part: one place an element, the other columns as they are."""
    import torch
    from torch_geometric.data import Data

    graphs, nodes, edges = (
        list(csv.DictReader((folder / f"{name}.csv").open())) for name in ("graphs", "nodes", "edges")
    )
    elements = sorted({node["element"] for node in nodes})
    x: dict[str, list[list[float]]] = {}
    ends: dict[str, list[tuple[int, int]]] = {}
    for node in nodes:
        row = [float(node["element"] == element) for element in elements]
        row += [float(node[name]) for name in ("aromatic", "charge", "hydrogens")]
        x.setdefault(node["graph"], []).append(row)
    for edge in edges:
        pair = int(edge["source"]), int(edge["target"])
        ends.setdefault(edge["graph"], []).extend([pair, pair[::-1]])
    parts: dict[str, list[Any]] = {"train": [], "valid": [], "test": []}
    for graph in graphs:
        name = graph["graph"]
        pairs = torch.tensor(ends.get(name, []), dtype=torch.long).reshape(-1, 2).T
        parts[graph["split"]].append(
            Data(x=torch.tensor(x[name]), edge_index=pairs, y=torch.tensor(float(graph[target])))
        )
    return {**parts, "train": [*parts["train"], *parts["valid"]]}


if __name__ == "__main__":
    main()
