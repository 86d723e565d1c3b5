"""Layers on graphs say what PyTorch Geometric's say, and what their formulas say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from deepfit.data.graph import build
from deepfit.nn.graph_layers import GCN, GIN, SAGE, GATv2, softmax_by
from deepfit.nn.links import Links
from deepfit.nn.nets.graph_network import GraphNetwork
from deepfit.nn.sparse import Sparse

GOLDEN = json.loads(Path(__file__).with_name("graph_layers.json").read_text())
NAMES = {
    "lin.weight": "linear.weight", "bias": "linear.bias", "lin_l.weight": "linear.weight",
    "lin_l.bias": "linear.bias", "lin_r.weight": "own.weight",
}  # fmt: skip
ATTENTION = {
    "att": "score_HC", "bias": "bias_O", "lin_l.weight": "source.weight", "lin_l.bias": "source.bias",
    "lin_r.weight": "target.weight", "lin_r.bias": "target.bias", "lin_edge.weight": "edge.weight",
}  # fmt: skip


def links(ends, *, num_nodes=6, directed=False, weight=None, features=None):
    graph = build(
        num_nodes, np.array(ends[0]), np.array(ends[1]), weight=weight, features=features, directed=directed
    )
    tensors = [None if each is None else torch.from_numpy(each) for each in (graph.weight, graph.features)]
    return Links(
        torch.from_numpy(graph.starts),
        torch.from_numpy(graph.sources),
        weight=tensors[0],
        features=tensors[1],
        directed=directed,
    )


def layer_of(name):
    edges = 2 if name.endswith("edges") else 0
    if name.startswith("gatv2"):
        return GATv2(3, 8, heads=2, edge_features=edges), ATTENTION
    if name.startswith("gin"):
        names = {"lin.weight": "edge.weight", "lin.bias": "edge.bias"}
        return GIN(3, 4, edge_features=edges), names
    return {"gcn": GCN, "sage": SAGE}[name.partition("_")[0]](3, 4), NAMES


@pytest.mark.parametrize("name", GOLDEN["cases"])
def test_a_layer_and_its_gradient_are_those_of_pytorch_geometric(name):
    case = GOLDEN["cases"][name]
    layer, names = layer_of(name)
    weights = {
        names.get(key, key).replace("nn.", "mlp."): torch.tensor(value)
        for key, value in case["weights"].items()
    }
    own = {key: value.shape for key, value in layer.state_dict().items()}
    layer.load_state_dict({key: value.reshape(own[key]) for key, value in weights.items()})
    more = {key: np.array(value, np.float32) for key, value in case["more"].items()}
    given = links(
        case["ends"],
        directed=name == "sage_directed",
        weight=more.get("edge_weight"),
        features=more.get("edge_attr"),
    )
    x = torch.tensor(GOLDEN["x"], requires_grad=True)
    said = layer(x, given)
    said.square().sum().backward()
    torch.testing.assert_close(said, torch.tensor(case["said"]), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(x.grad, torch.tensor(case["grad"]), rtol=1e-4, atol=1e-5)


def random_links(*, directed=False, features=0, seed=0):
    rng = np.random.default_rng(seed)
    ends = rng.integers(0, 12, (2, 30))
    return links(
        ends,
        num_nodes=13,
        directed=directed,
        features=rng.normal(size=(30, features)).astype(np.float32) if features else None,
    )


def test_a_sparse_product_has_the_gradient_of_the_dense_one():
    given = random_links(directed=True)
    dense = given.mean.matrix_NM.to_dense().double()
    turned = given.mean.turned_MN
    matrix = Sparse(given.mean.matrix_NM.double(), turned.double())
    x = torch.randn(13, 3, dtype=torch.float64, requires_grad=True)
    torch.testing.assert_close(matrix @ x, dense @ x)
    assert torch.autograd.gradcheck(lambda each: matrix @ each, (x,))


@pytest.mark.parametrize("symmetric", [False, True])
def test_a_device_without_such_matrices_gets_the_same_products(symmetric, monkeypatch):
    given = random_links(directed=not symmetric)
    x = torch.randn(13, 3, requires_grad=True)
    one = Sparse.of(given.starts, given.sources, given.values, 13, symmetric=symmetric) @ x
    (expected,) = torch.autograd.grad(one.square().sum(), x)
    monkeypatch.setattr("deepfit.nn.sparse.WITHOUT_CSR", ("cpu",))
    other = Sparse.of(given.starts, given.sources, given.values, 13, symmetric=symmetric) @ x
    torch.testing.assert_close(other, one)
    torch.testing.assert_close(torch.autograd.grad(other.square().sum(), x)[0], expected)


def test_the_smoothing_matrix_is_that_of_the_paper():
    given = random_links()
    adjacency = given.total.matrix_NM.to_dense()
    looped = adjacency + torch.eye(13)
    root = looped.sum(1).rsqrt()
    torch.testing.assert_close(given.smoothing.matrix_NM.to_dense(), root[:, None] * looped * root)


def test_softmax_over_edges_sums_to_one_at_each_node_even_for_large_scores():
    targets = torch.tensor([0, 0, 2, 2, 2])
    shares = softmax_by(torch.tensor([[900.0], [901.0], [-5.0], [-5.0], [-5.0]]), targets, 3)
    torch.testing.assert_close(shares[:2, 0], torch.tensor([1.0, 0.0]).new_tensor([0.26894143, 0.7310586]))
    torch.testing.assert_close(shares[2:, 0], torch.full((3,), 1 / 3))


KINDS = ("gcn", "sage", "gin", "gatv2")


def network(kind, **more):
    torch.manual_seed(0)
    return GraphNetwork(4, 3, kind=kind, width=8, heads=2, **more).eval()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("directed", [False, True])
def test_what_is_said_of_a_node_does_not_depend_on_how_nodes_are_numbered(kind, directed):
    given = random_links(directed=directed, features=2)
    net = network(kind, directed=directed, edge_features=2)
    x, order = torch.randn(13, 4), torch.randperm(13)
    place = order.argsort()
    ends = torch.stack([place[given.sources], place[given.targets]])
    renamed = links(ends.tolist(), num_nodes=13, directed=directed, features=given.features.numpy())
    with torch.no_grad():
        torch.testing.assert_close(net(x[order], renamed), net(x, given)[order], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_node_hears_as_far_as_there_are_layers_and_no_further(kind):
    path = links([[0, 1, 2, 3], [1, 2, 3, 4]], num_nodes=5)
    net = network(kind, layers=2)
    x = torch.randn(5, 4, requires_grad=True)
    net(x, path)[0].sum().backward()
    heard = x.grad.abs().sum(1) > 0
    assert heard.tolist() == [True, True, True, False, False]


@pytest.mark.parametrize("kind", KINDS)
def test_a_directed_network_hears_along_edges_and_against_them_with_weights_of_their_own(kind):
    given = links([[0, 1], [1, 2]], num_nodes=3, directed=True)
    net = network(kind, layers=1, directed=True)
    x = torch.randn(3, 4)
    with torch.no_grad():
        along, against = (
            layer(x, way) for layer, way in zip(net.layers[0], (given, given.turned), strict=True)
        )
        own = 0 if net.skips is None else net.skips[0](x)
        torch.testing.assert_close(net(x, given), (along + against) / 2 + own)
        assert not torch.allclose(net(x, given), net(x, given.turned))


@pytest.mark.parametrize("kind", ["gcn", "sage", "gin"])
@pytest.mark.parametrize("directed", [False, True])
def test_what_the_first_layer_hears_may_be_given(kind, directed):
    given = random_links(directed=directed)
    net = network(kind, directed=directed)
    x = torch.randn(13, 4)
    with torch.no_grad():
        torch.testing.assert_close(net(x, given, None, net.heard(x, given)), net(x, given))


def test_attention_and_learned_vectors_have_nothing_to_hear_beforehand():
    given, x = random_links(), torch.randn(13, 4)
    assert network("gatv2").heard(x, given) is None
    assert network("gcn", vectors=13).heard(x, given) is None
    assert network("gin", edge_features=2).heard(x, given) is None
