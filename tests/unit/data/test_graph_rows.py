"""Many graphs as rows: what is read from files and lists, what is refused, what is known of nodes."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from deepfit.data.graph import build, union
from deepfit.data.graph_rows import read_graphs
from deepfit.data.graph_set_encoding import encode_graphs, learn_graphs, returns
from deepfit.data.graph_set_options import GraphSetOptions
from deepfit.data.graph_sets import Graphs
from deepfit.errors import DataError, OptionError
from deepfit.options import resolve

OPTIONS = GraphSetOptions()


def tables(**changes):
    """A triangle of carbon, a chain of three with an oxygen, and a lonely atom."""
    found = {
        "graphs": {"graph": ["ring", "chain", "dot"], "label": ["a", "b", "a"], "weight_kg": [1.0, 2.0, 3.0]},
        "nodes": {
            "graph": ["ring"] * 3 + ["chain"] * 3 + ["dot"],
            "node": [0, 1, 2, 0, 1, 2, 0],
            "element": ["C", "C", "C", "C", "O", "C", "N"],
            "charge": [0.0, 0.5, 0.0, 0.0, 1.5, 0.0, 2.5],
        },
        "edges": {
            "graph": ["ring"] * 3 + ["chain"] * 2,
            "source": [0, 1, 2, 0, 1],
            "target": [1, 2, 0, 1, 2],
            "bond": ["single", "single", "double", "single", "triple"],
        },
    }
    for part, columns in changes.items():
        found[part] = {**found[part], **columns}
    return found


def read(source, **how):
    return read_graphs(source, target="label", goal="classification", **how)


def test_a_graph_is_its_own_nodes_and_edges_in_whatever_order_the_files_are():
    rows = read(tables())
    shuffled = tables()
    for part in ("nodes", "edges"):
        order = np.random.default_rng(0).permutation(len(shuffled[part]["graph"]))
        shuffled[part] = {name: [column[at] for at in order] for name, column in shuffled[part].items()}
    other = read(shuffled)
    assert rows.column("nodes").tolist() == other.column("nodes").tolist() == [3, 3, 1]
    assert rows.column("edges").tolist() == other.column("edges").tolist() == [3, 2, 0]
    assert rows.fingerprints().tolist() == other.fingerprints().tolist()


def test_fingerprints_differ_where_one_bond_or_one_atom_does():
    before = read(tables()).fingerprints()
    bond = read(tables(edges={"bond": ["single", "single", "single", "single", "triple"]})).fingerprints()
    assert (before != bond).tolist() == [True, False, False]
    atom = read(tables(nodes={"element": ["C", "C", "C", "O", "C", "C", "N"]})).fingerprints()
    assert (before != atom).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"edges": {"target": [1, 2, 9, 1, 2]}}, "row 2, column 'target': the graph 'ring' has no node '9'"),
        ({"edges": {"target": [1, 2, None, 1, 2]}}, "has no node ''"),
        ({"nodes": {"graph": ["ring"] * 3 + ["chian"] * 3 + ["dot"]}}, "no graph 'chian'.*chain"),
        ({"edges": {"graph": ["ring"] * 4 + ["chan"]}}, "there is no graph 'chan'"),
        ({"nodes": {"graph": ["ring"] * 3 + ["chain"] * 4}}, "the graph 'dot' has no node"),
        ({"nodes": {"node": [0, 1, 1, 0, 1, 2, 0]}}, "'ring' has more than one node '1'"),
        ({"nodes": {"node": [0, 1, None, 0, 1, 2, 0]}}, "row 2, column 'node': the cell is empty"),
        ({"graphs": {"graph": ["ring", "chain", "ring"]}}, "row 2, column 'graph': the graph 'ring'"),
        ({"graphs": {"label": [None, None, None]}}, "missing in every row"),
    ],
)
def test_what_does_not_fit_together_is_named(changes, said):
    with pytest.raises(DataError, match=said):
        read(tables(**changes))


def test_loops_and_repeats_are_said_and_left_out():
    edges = {
        "graph": ["ring"] * 5,
        "source": [0, 1, 2, 1, 1],
        "target": [1, 2, 0, 0, 1],
        "bond": ["single"] * 5,
    }
    rows = read({**tables(), "edges": edges})
    said = " ".join(concern.message for concern in rows.concerns())
    assert "1 edges lead from a node to itself" in said
    assert "1 of 5 edges repeat" in said
    assert rows.column("edges").tolist() == [3, 0, 0]


def test_columns_of_graphs_are_no_input_and_that_is_said():
    rows = read(tables())
    assert any("'weight_kg'" in concern.message for concern in rows.concerns())
    assert "weight_kg" not in " ".join(learn_graphs(rows, OPTIONS)["feature_names"])


def test_kinds_of_edges_are_those_of_training_and_others_count_for_nothing():
    rows = read(tables())
    facts = learn_graphs(rows.take(np.array([0, 2])), OPTIONS)  # no triple bond
    assert facts["edge_features"] == ["bond double", "bond single"]
    batch = encode_graphs(rows, facts)
    assert batch[1:2].joined().graph.features.tolist() == [[0, 1], [0, 1], [0, 0], [0, 0]]
    asked = tables(edges={"bond": ["double"] * 5})
    del asked["graphs"]["label"]
    again = encode_graphs(read(asked, learned=facts), facts)
    assert again[:1].joined().graph.features.tolist() == [[1, 0]] * 6


def test_a_missing_cell_of_a_node_is_a_number_of_its_own():
    rows = read(tables(nodes={"charge": [0.0, None, 0.0, 1.0, 1.5, 2.0, 2.5]}))
    facts = learn_graphs(rows, OPTIONS)
    x = encode_graphs(rows, facts).x
    assert x[:, facts["feature_names"].index("charge is missing")].tolist() == [0, 1, 0, 0, 0, 0, 0]


def test_the_numbers_of_nodes_are_fitted_to_training_graphs_alone():
    facts = learn_graphs(read(tables()).take(np.array([0, 1])), OPTIONS)
    wild = read(tables(nodes={"charge": [0.0, 0.5, 0.0, 0.0, 1.5, 0.0, 1e6]})).take(np.array([0, 1]))
    assert learn_graphs(wild, OPTIONS)["columns"] == facts["columns"]


def test_joined_rows_are_the_union_of_their_graphs():
    rng = np.random.default_rng(1)
    sizes = [3, 1, 5, 4]
    single = [
        build(size, *rng.integers(0, size, (2, 2 * size)), weight=rng.random(2 * size)) for size in sizes
    ]
    starts = np.cumsum([0, *sizes])
    x = rng.normal(size=(starts[-1], 2)).astype(np.float32)
    every = Graphs(np.arange(4), x, union(single), starts)
    for order in ([2, 0], [3, 3, 1], [1]):
        got = every[np.array(order)].joined()
        wanted = union([single[place] for place in order])
        np.testing.assert_array_equal(got.graph.starts, wanted.starts)
        np.testing.assert_array_equal(got.graph.sources, wanted.sources)
        np.testing.assert_array_equal(got.graph.weight, wanted.weight)
        np.testing.assert_array_equal(got.x, np.concatenate([x[starts[p] : starts[p + 1]] for p in order]))
        np.testing.assert_array_equal(got.of, np.repeat(np.arange(len(order)), [sizes[p] for p in order]))


def test_walks_are_back_as_often_as_powers_of_the_step_matrix_say():
    rng = np.random.default_rng(2)
    source, target = rng.integers(0, 6, (2, 9))
    graph = union([build(6, source, target), build(1, [], [])])
    found = returns(graph, np.array([0, 6, 7]), 5)
    near = np.zeros((7, 7))
    near[graph.targets, graph.sources] = 1
    step = near / np.maximum(near.sum(1, keepdims=True), 1)
    wanted = [np.diag(np.linalg.matrix_power(step, power)) for power in (2, 3, 4, 5)]
    np.testing.assert_allclose(found, np.stack(wanted, 1), atol=1e-6)
    ring = build(5, np.arange(5), (np.arange(5) + 1) % 5)
    np.testing.assert_allclose(returns(ring, np.array([0, 5]), 5)[:, 3], 2 / 2**5)  # once round, two ways


def test_lists_of_networkx_graphs_and_of_data_read_as_the_files_do():
    networkx = pytest.importorskip("networkx")
    given, held = tables(), []
    for number, name in enumerate(given["graphs"]["graph"]):
        graph = networkx.Graph(label=given["graphs"]["label"][number])
        nodes, edges = given["nodes"], given["edges"]
        for row in np.flatnonzero(np.array(nodes["graph"]) == name):
            graph.add_node(nodes["node"][row], element=nodes["element"][row], charge=nodes["charge"][row])
        for row in np.flatnonzero(np.array(edges["graph"]) == name):
            graph.add_edge(edges["source"][row], edges["target"][row], bond=edges["bond"][row])
        held.append(graph)
    one, other = read(given), read(held)
    assert one.target().tolist() == other.target().tolist()
    facts = learn_graphs(one, OPTIONS)
    ours, theirs = (encode_graphs(rows, facts) for rows in (one, other))
    np.testing.assert_array_equal(ours.x, theirs.x)
    np.testing.assert_array_equal(ours.graph.features, theirs.graph.features)


def test_a_list_of_data_has_its_targets_in_y_and_a_graph_without_nodes_is_named():
    def data(count):
        ends = torch.arange(count - 1) if count > 1 else torch.zeros(0, dtype=torch.long)
        return SimpleNamespace(
            x=torch.arange(count * 2.0).reshape(count, 2),
            y=torch.tensor([count]),
            edge_index=torch.stack([ends, ends + 1]),
            num_nodes=count,
        )

    rows = read_graphs([data(3), data(1), data(2)], target="label", goal="regression")
    assert rows.target().tolist() == [3, 1, 2]
    assert rows.column("nodes").tolist() == [3, 1, 2]
    assert rows.column("edges").tolist() == [2, 0, 1]
    with pytest.raises(DataError, match="graph 1 of the list has no node"):
        read_graphs([data(3), data(0)], target="label", goal="regression")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"heads": 2}, "--heads has no effect"),
        ({"network": "gatv2", "width": 30}, "does not divide"),
        ({"network": "sage", "skip": False}, "--skip has no effect"),
        ({"readout": "mean,median"}, "--readout names some of"),
        ({"readout": "sum,sum"}, "--readout names some of"),
    ],
)
def test_options_without_effect_are_refused(given, said):
    with pytest.raises(OptionError, match=said):
        resolve(GraphSetOptions, given)
