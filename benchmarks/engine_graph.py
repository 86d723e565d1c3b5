"""What a step on a large graph costs: 170,000 nodes, 2.3 million edges, three layers 128-256-256-40.

    python benchmarks/engine_graph.py --model gcn --peers pyg,pyg_sparse --peer-python PYTHON
    python benchmarks/engine_graph.py --model sage --peers pyg,pyg_sparse --peer-python PYTHON
    python benchmarks/engine_graph.py --model sage --sampled

The graph is made: ends drawn so that few nodes have many edges, each edge in both directions. Contenders are
alive at once and take one step each in turn: `hand`, the tightest loop that we know (sparse matrices by rows,
the first product made once, the narrower side multiplied); `deepfit`, node-classification with these sizes
through the engine; `pyg` and `pyg_sparse`, PyTorch Geometric with a list of edges and with a sparse matrix.
A step is forward, loss, backward and Adam on the whole graph, without scoring. With `--sampled` deepfit alone
trains one epoch of 85,000 nodes with 15, 10 and 5 neighbours drawn, and its peak memory is written. Adds to
benchmarks/results/engine_graph.json.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from turns import measure, turn

NODES, DRAWN, FEATURES, WIDTH, CLASSES = 170_000, 1_160_000, 128, 256, 40
RESULTS = Path(__file__).parent / "results" / "engine_graph.json"


def main() -> None:
    """Measure everything asked for, print the table, write the JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", choices=("gcn", "sage"), default="gcn")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers", default="", help="pyg, pyg_sparse, with commas")
    parser.add_argument("--peer-python", default=sys.executable)
    parser.add_argument("--sampled", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        {"hand": hand, "deepfit": ours, "pyg": pyg, "pyg_sparse": pyg}[given.one](given)
        return
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if given.sampled:
        found[f"{given.model}_sampled"] = sampled(given)
    else:
        words = ["--model", given.model, "--threads", str(given.threads), "--one"]
        peers = [each for each in given.peers.split(",") if each]
        commands = {name: [sys.executable, __file__, *words, name] for name in ("hand", "deepfit")}
        commands |= {name: [given.peer_python, __file__, *words, name] for name in peers}
        records = measure(commands, given.steps + 1)[1:]
        ratio = {
            name: statistics.median(record[name] / record["hand"] for record in records) for name in commands
        }
        median = {name: statistics.median(record[name] for record in records) for name in commands}
        found[given.model] = {"step_s": median, "ratio_to_hand": ratio, "records": records}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    shown = {key: value for key, value in found.items() if key.startswith(given.model)}
    print(json.dumps({key: {k: v for k, v in held.items() if k != "records"} for key, held in shown.items()}))


def made() -> tuple[Any, Any, Any, Any, Any]:
    """Sources and targets int64 [E], features, classes and training nodes of the graph."""
    import numpy as np

    rng = np.random.default_rng(0)
    share = (np.arange(NODES) + 10.0) ** -0.8
    source = rng.permutation(NODES)[rng.choice(NODES, DRAWN, p=share / share.sum())]
    target = rng.integers(0, NODES, DRAWN)
    source, target = source[source != target], target[source != target]
    keys = np.unique(np.concatenate([source * NODES + target, target * NODES + source]))
    x = rng.standard_normal((NODES, FEATURES), dtype=np.float32)
    classes = rng.integers(0, CLASSES, NODES)
    return keys // NODES, keys % NODES, x, classes, np.sort(rng.permutation(NODES)[: NODES // 2])


def sizes() -> list[tuple[int, int]]:
    """Inputs and outputs of each layer."""
    return [(FEATURES, WIDTH), (WIDTH, WIDTH), (WIDTH, CLASSES)]


def steps(net: Any, forward: Any, classes: Any, chosen: Any) -> None:
    """Adam on the loss of the training nodes, a step a turn."""
    import torch
    from torch.nn import functional

    optimizer = torch.optim.Adam(net.parameters(), lr=0.01, fused=True)
    while True:
        turn()
        loss = functional.cross_entropy(forward()[chosen], classes[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def hand(given: argparse.Namespace) -> None:
    """The tightest loop: matrices by rows, the first product once, the narrower side multiplied."""
    import torch
    from torch import nn
    from torch.nn import functional

    torch.set_num_threads(given.threads)
    source, target, x, classes, chosen = (torch.from_numpy(each) for each in made())
    gcn = given.model == "gcn"

    def by_rows(to: Any, of: Any, values: Any) -> Any:
        order = (to * NODES + of).argsort()
        starts = torch.cat([torch.zeros(1, dtype=torch.int64), torch.bincount(to, minlength=NODES).cumsum(0)])
        ends = [each.to(torch.int32) for each in (starts, of[order])]
        return torch.sparse_csr_tensor(*ends, values[order], (NODES, NODES))

    every = torch.arange(NODES)
    if gcn:
        to, of = torch.cat([target, every]), torch.cat([source, every])
        root = torch.bincount(to, minlength=NODES).float().rsqrt()
        matrix = turned = by_rows(to, of, root[to] * root[of])
    else:
        share = 1 / torch.bincount(target, minlength=NODES).clamp(min=1).float()
        matrix, turned = by_rows(target, source, share[target]), by_rows(source, target, share[target])

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, h: Any) -> Any:
            return matrix @ h

        @staticmethod
        def backward(ctx: Any, *grads: Any) -> Any:
            return turned @ grads[0]

    layers = nn.ModuleList(nn.Linear(*each) for each in sizes())
    own = nn.ModuleList(nn.Linear(*each, bias=False) for each in sizes())
    first = matrix @ x

    def forward() -> Any:
        h = x
        for place, (layer, root) in enumerate(zip(layers, own, strict=True)):
            if place == 0:
                z = layer(first)
            elif layer.out_features < layer.in_features:
                z = Product.apply(functional.linear(h, layer.weight)) + layer.bias
            else:
                z = layer(Product.apply(h))
            z = z if gcn else z + root(h)
            h = functional.relu(z, inplace=True) if place < 2 else z
        return h

    steps(layers if gcn else nn.ModuleList([layers, own]), forward, classes, chosen)


def pyg(given: argparse.Namespace) -> None:
    """PyTorch Geometric's layers on a list of edges, or on a sparse matrix."""
    import torch
    from torch import nn
    from torch.nn import functional
    from torch_geometric.nn import GCNConv, SAGEConv

    torch.set_num_threads(given.threads)
    source, target, x, classes, chosen = (torch.from_numpy(each) for each in made())
    edges: Any = torch.stack([source, target])
    if given.one == "pyg_sparse":
        order = (target * NODES + source).argsort()
        counts = torch.bincount(target, minlength=NODES)
        starts = torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)])
        edges = torch.sparse_csr_tensor(starts, source[order], torch.ones(len(source)), (NODES, NODES))
    kind = GCNConv if given.model == "gcn" else SAGEConv
    layers = nn.ModuleList(kind(*each) for each in sizes())

    def forward() -> Any:
        h = x
        for place, layer in enumerate(layers):
            h = layer(h, edges)
            h = functional.relu(h) if place < 2 else h
        return h

    steps(layers, forward, classes, chosen)


def task_of(given: argparse.Namespace, **more: Any) -> tuple[Any, Any, Any]:
    """Deepfit's task, its encoded data and facts."""
    import numpy as np

    from deepfit.contract import Splits
    from deepfit.data.graph import build
    from deepfit.data.graph_nodes import Nodes
    from deepfit.options import resolve
    from deepfit.tasks.node_classification import NodeClassification

    source, target, x, classes, chosen = made()
    nodes = Nodes(chosen, x, build(NODES, source, target))
    options = {"network": given.model, "layers": 3, "width": WIDTH, "dropout": 0, "norm": "none"}
    options |= {} if given.model == "sage" else {"skip": False}
    options |= {"optimizer": "adam", "weight_decay": 0, "schedule": "constant", "warmup": 0}
    task = NodeClassification(resolve(NodeClassification.Options, {**options, **more}))
    facts = {
        "num_features": FEATURES,
        "classes": list(range(CLASSES)),
        "nodes": None,
        "edge_features": [],
        "directed": False,
    }
    some = np.arange(NODES)[~np.isin(np.arange(NODES), chosen)][:1000]
    train, valid = ({"nodes": nodes.at(rows), "target": classes[rows]} for rows in (chosen, some))
    return task, Splits(train, valid), facts


def ours(given: argparse.Namespace) -> None:
    """Deepfit's engine on deepfit's task; a turn before each batch."""
    import torch

    from deepfit import engine

    torch.set_num_threads(given.threads)
    task, data, facts = task_of(given, epochs=1_000_000, patience=0)

    class Timed:
        def plan(self, *with_these: Any) -> Any:
            for phase in task.plan(*with_these):

                def batches(epoch: int, own: Any = phase.batches) -> Any:
                    turn()
                    yield from own(epoch)

                yield dataclasses.replace(phase, batches=batches, score=None, best=None)

    run = engine.Run(task.options, None)
    run.seed("build")
    for _ in engine.train(Timed(), task.build(facts), data, facts, run):  # type: ignore[arg-type]
        pass


def sampled(given: argparse.Namespace) -> dict[str, float]:
    """One epoch with neighbours drawn: its seconds, and the most memory that the process ever held."""
    import torch

    from deepfit import engine

    torch.set_num_threads(given.threads)
    task, data, facts = task_of(given, epochs=1, neighbours="15,10,5", batch_size=1024)
    run = engine.Run(task.options, None)
    run.seed("build")
    begun = time.perf_counter()
    for _ in engine.train(task, task.build(facts), data, facts, run):
        pass
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"epoch_s": time.perf_counter() - begun, "peak_mb": peak}


if __name__ == "__main__":
    main()
