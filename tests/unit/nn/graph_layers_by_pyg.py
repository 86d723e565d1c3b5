"""Writes graph_layers.json, what PyTorch Geometric's layers say of a small graph; needs that package, 2.8.

python tests/unit/nn/graph_layers_by_pyg.py
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import nn
from torch_geometric.nn import GATv2Conv, GCNConv, GINConv, GINEConv, SAGEConv

torch.manual_seed(0)
ENDS = torch.tensor(
    [[0, 1, 1, 2, 2, 3, 0, 3, 4, 0], [1, 0, 2, 1, 3, 2, 3, 0, 0, 4]]
)  # undirected, 5 is alone
ONE_WAY = torch.tensor([[0, 1, 2, 4, 4], [1, 2, 0, 0, 3]])
x = torch.randn(6, 3)
edge = torch.randn(5, 2)
edge_both = torch.stack([edge, edge], 1)[[0, 1, 2, 3, 4]].flatten(0, 1)  # as ENDS goes: there and back
weight_both = torch.rand(5).add(0.5).repeat_interleave(2)


def mlp() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4))


cases = {
    "gcn": (GCNConv(3, 4), ENDS, {"edge_weight": weight_both}),
    "sage": (SAGEConv(3, 4), ENDS, {}),
    "sage_directed": (SAGEConv(3, 4), ONE_WAY, {}),
    "gin": (GINConv(mlp(), train_eps=True, eps=0.3), ENDS, {}),
    "gin_edges": (GINEConv(mlp(), train_eps=True, eps=0.3, edge_dim=2), ENDS, {"edge_attr": edge_both}),
    "gatv2": (GATv2Conv(3, 4, heads=2, concat=True), ENDS, {}),
    "gatv2_edges": (GATv2Conv(3, 4, heads=2, edge_dim=2), ENDS, {"edge_attr": edge_both}),
}
found = {}
for name, (layer, ends, more) in cases.items():
    x_in = x.clone().requires_grad_()
    said = layer(x_in, ends, **more)
    said.square().sum().backward()
    found[name] = {
        "ends": ends.tolist(),
        "weights": {key: value.tolist() for key, value in layer.state_dict().items()},
        "more": {key: value.tolist() for key, value in more.items()},
        "said": said.tolist(),
        "grad": x_in.grad.tolist(),
    }
path = Path(__file__).with_name("graph_layers.json")
path.write_text(json.dumps({"x": x.tolist(), "cases": found}, indent=1) + "\n")
