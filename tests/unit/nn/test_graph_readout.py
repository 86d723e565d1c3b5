"""The network of whole graphs: against its formula, and what an answer does not depend on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from deepfit.data.graph import build, union
from deepfit.data.graph_sets import Graphs
from deepfit.nn.nets.graph_readout import MEAN_NODES, GraphMembers, GraphReadout
from deepfit.plans.graph_sets import saliency, tensors_of

KINDS = ("gcn", "sage", "gatv2", "gin")


def graphs(seed=0, edge_features=3):
    """Four graphs, one of a single node."""
    rng = np.random.default_rng(seed)
    sizes = [4, 1, 6, 3]
    made = []
    for size in sizes:
        ends = rng.integers(0, size, (2, 2 * size))
        made.append(build(size, *ends, features=rng.normal(size=(2 * size, edge_features))))
    starts = np.cumsum([0, *sizes])
    x = rng.normal(size=(starts[-1], 5)).astype(np.float32)
    return Graphs(np.arange(4), x, union(made), starts)


def network(kind="gin", members=2, **how):
    torch.manual_seed(0)
    how = {"kind": kind, "layers": 3, "width": 8, "heads": 2, "edge_features": 3, **how}
    return GraphMembers([GraphReadout(5, 2, **how) for _ in range(members)]).eval()


def said(net, some):
    with torch.no_grad():
        return net(*tensors_of(some, net))


def test_gin_with_readouts_is_its_formula():
    net, some = network(members=1, norm="none", skip=False), graphs()[2:3]
    one, joined = net.members[0], some.joined()
    h, graph = torch.from_numpy(joined.x), joined.graph
    read = []
    for (layer,) in one.body.layers:
        heard = torch.zeros_like(h)
        for place, (source, target) in enumerate(zip(graph.sources, graph.targets, strict=True)):
            told = h[source] + layer.edge.weight @ torch.from_numpy(graph.features[place]) + layer.edge.bias
            heard[target] += functional.relu(told)
        h = functional.relu(layer.mlp((1 + layer.eps) * h + heard))
        read += [h.mean(0), h.sum(0) / MEAN_NODES, h.amax(0)]
    wanted = one.out(functional.relu(one.wide(torch.cat(read))))
    torch.testing.assert_close(said(net, some)[0, 0], wanted)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("norm", ["none", "layer", "batch"])
def test_an_answer_does_not_depend_on_the_graphs_beside_it(kind, norm):
    net, some = network(kind, norm=norm), graphs()
    together = said(net, some)
    alone = torch.cat([said(net, some[row : row + 1]) for row in range(4)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_does_not_depend_on_the_order_of_nodes(kind):
    rng = np.random.default_rng(3)
    ends, features = rng.integers(0, 6, (2, 9)), rng.normal(size=(9, 3))
    x = rng.normal(size=(6, 5)).astype(np.float32)
    order = rng.permutation(6)
    place = np.argsort(order)
    net, starts = network(kind), np.array([0, 6])
    one = Graphs(np.arange(1), x, build(6, *ends, features=features), starts)
    other = Graphs(np.arange(1), x[order], build(6, *place[ends], features=features), starts)
    torch.testing.assert_close(said(net, one), said(net, other), rtol=1e-4, atol=1e-5)


def test_every_readout_is_over_the_nodes_of_its_own_graph():
    net, some = network(members=1).members[0], graphs()
    joined = some.joined()
    h, of = torch.from_numpy(joined.x), torch.from_numpy(joined.of)
    mean, total, most = net.read(h, of, 4)
    for row in range(4):
        own = h[of == row]
        torch.testing.assert_close(mean[row], own.mean(0))
        torch.testing.assert_close(total[row] * MEAN_NODES, own.sum(0))
        torch.testing.assert_close(most[row], own.amax(0))


def test_gradients_of_the_whole_network_are_right():
    net, some = network(members=1, width=4, layers=2).double(), graphs()
    x, links, of, count = tensors_of(some, net)
    links.features = links.features.double()
    x = x.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda given: net(given, links, of, count), (x,), atol=1e-5)


def test_occluding_a_node_shows_the_one_that_decides():
    """The network is made to add up the first number of each node."""

    class Adds(torch.nn.Module):
        def forward(self, x_NF, links, of_N, num_graphs):
            return x_NF.new_zeros(num_graphs).index_add(0, of_N, x_NF[:, 0])[:, None, None]

    some = graphs()
    x = some[2:3].joined().x[:, 0]
    found = saliency(Adds(), some)
    assert [len(each) for each in found] == [4, 1, 6, 3]
    np.testing.assert_allclose(found[2], x - x.mean(), rtol=1e-4, atol=1e-5)
