"""Reading links, drawing pairs that are none, and counting what two nodes have in common."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from deepfit.data.graph import build
from deepfit.data.link_draws import FINE, in_common, no_links
from deepfit.data.link_rows import read_links
from deepfit.errors import DataError

READING = {"id": "auto", "directed": False, "missing": "", "kinds": "", "split": "auto"}
RING = {"source": [f"n{a}" for a in range(12)], "target": [f"n{(a + 1) % 12}" for a in range(12)]}
FACTS = {"columns": [], "words": []}


def read(source, learned=None, **changes):
    return read_links(source, reading={**READING, **changes}, words="auto", learned=learned)


def random_graph(seed, directed=False, size=30, edges=120):
    ends = np.random.default_rng(seed).integers(0, size, (2, edges))
    return build(size, *ends, directed=directed)


def test_each_edge_is_one_row_and_loops_and_repeats_are_none():
    edges = {"source": [*RING["source"], "n1", "n5"], "target": [*RING["target"], "n0", "n5"]}
    rows = read({"edges": edges})
    assert len(rows) == 12
    assert rows.where(3) == "row 3"
    assert {each.kind for each in rows.concerns()} >= {"loops", "repeats"}


def test_directed_edges_both_ways_are_two_rows():
    edges = {"source": [*RING["source"], "n1"], "target": [*RING["target"], "n0"]}
    assert len(read({"edges": edges}, directed=True)) == 13
    prints = read({"edges": edges}, directed=True).fingerprints()
    assert len(set(prints.tolist())) == 13


def test_an_undirected_link_has_the_same_fingerprint_in_either_order():
    turned = {"source": RING["target"], "target": RING["source"]}
    one, other = read({"edges": RING}), read({"edges": turned})
    assert sorted(one.fingerprints().tolist()) == sorted(other.fingerprints().tolist())


def test_a_column_split_of_edges_names_the_parts_and_is_no_input():
    parts = ["train"] * 8 + ["valid"] * 2 + ["test"] * 2
    rows = read({"edges": {**RING, "split": parts}})
    assert rows.parts().tolist() == parts
    assert rows.whole.nodes.whole.graph.features is None


def test_the_column_that_links_are_split_by_is_no_input():
    rows = read({"edges": {**RING, "year": list(range(12))}}, split="time:year")
    assert rows.whole.nodes.whole.graph.features is None
    assert rows.column("year").tolist() == list(range(12))


def test_ids_that_are_numbers_in_one_file_and_words_in_the_other_are_the_same():
    edges = {"source": list(range(12)), "target": [(a + 1) % 12 for a in range(12)]}
    rows = read({"nodes": {"id": [str(a) for a in range(12)]}, "edges": edges})
    assert rows.ids[0].tolist() == [str(a) for a in range(12)]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"edges": {"source": ["a", "b"], "target": ["b", "a"]}}, "received 1 edges between two nodes"),
        ({"nodes": {"id": ["a"]}, "edges": pl.DataFrame()}, "received 0 edges"),
        ({"nodes": {"id": ["n0", "n1"]}, "edges": RING}, "there is no node 'n2'"),
        (
            {"edges": dict(zip(("source", "target"), np.triu_indices(6, 1), strict=True))},
            "every node is linked to every other",
        ),
    ],
)
def test_graphs_that_nothing_can_be_learned_from_are_refused(source, message):
    with pytest.raises(DataError, match=message):
        read(source)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ({"source": ["n1"], "target": ["n99"]}, "the pairs, row 0, column 'target': there is no node 'n99'"),
        ({"source": ["n1"], "target": ["n1"]}, "the node 'n1' is asked about with itself"),
        ({"one": ["n1"], "two": ["n2"]}, "expected columns 'source' and 'target'"),
    ],
)
def test_pairs_that_cannot_be_judged_are_named(pairs, message):
    with pytest.raises(DataError, match=message):
        read({"edges": RING, "pairs": pairs}, learned=FACTS)


def test_a_graph_without_pairs_says_how_to_ask(tmp_path):
    with pytest.raises(DataError, match="no key 'pairs'"):
        read({"edges": RING}, learned=FACTS)
    (tmp_path / "edges.csv").write_text("source,target\na,b\n")
    with pytest.raises(DataError, match=r"there is no pairs.csv beside edges.csv"):
        read(tmp_path, learned=FACTS)


def test_pairs_are_found_beside_edges_in_a_folder(tmp_path):
    lines = [f"{a},{b}" for a, b in zip(RING["source"], RING["target"], strict=True)]
    (tmp_path / "my_edges.csv").write_text("\n".join(["source,target", *lines]))
    (tmp_path / "my_pairs.csv").write_text("source,target\nn0,n6\nn1,n2\n")
    for place in (tmp_path, tmp_path / "my_edges.csv"):
        rows = read(place, learned=FACTS)
        assert rows.keys()["target"].tolist() == ["n6", "n2"]
        assert rows.where(1) == "row 3"


def test_links_to_judge_are_never_heard():
    rows = read({"edges": RING})
    seen = np.arange(12) < 7
    heard = rows.whole.heard(seen).whole.graph
    assert heard.has(*rows.whole.pairs[seen].T).all()
    assert not heard.has(*rows.whole.pairs[~seen].T).any()
    assert not heard.has(*rows.whole.pairs[~seen].T[::-1]).any()
    asked = read({"edges": RING, "pairs": {"source": ["n1"], "target": ["n0"]}}, learned=FACTS)
    assert not asked.whole.heard(None).whole.graph.has(np.array([0, 1]), np.array([1, 0])).any()
    assert asked.whole.heard(None).whole.graph.num_edges == 22


@pytest.mark.parametrize("directed", [False, True])
def test_pairs_that_are_drawn_are_no_edges_and_keep_an_end(directed):
    graph = random_graph(1, directed)
    links = np.stack([graph.sources, graph.targets], 1)[:40]
    drawn = no_links(links, avoid=graph, heard=graph, easy=15, hard=15, seed=3)
    flat = drawn.reshape(-1, 2)
    assert not graph.has(flat[:, 0], flat[:, 1]).any()
    assert (flat[:, 0] != flat[:, 1]).all()
    kept = (drawn == links[:, None]).any(2)
    assert kept.all()


def test_pairs_depend_on_the_seed_and_the_link_alone():
    graph = random_graph(2)
    links = np.stack([graph.sources, graph.targets], 1)
    whole = no_links(links, avoid=graph, heard=graph, easy=5, hard=5, seed=3)
    order = np.random.default_rng(0).permutation(len(links))[:17]
    part = no_links(links[order], avoid=graph, heard=graph, easy=5, hard=5, seed=3)
    np.testing.assert_array_equal(part, whole[order])
    assert (no_links(links, avoid=graph, heard=graph, easy=5, hard=5, seed=4) != whole).any()


def test_every_second_hard_pair_has_a_neighbour_in_common():
    graph = random_graph(3, size=200, edges=600)
    links = np.stack([graph.sources, graph.targets], 1)[:200]
    hard = no_links(links, avoid=graph, heard=graph, easy=0, hard=10, seed=0)
    common = in_common(graph, hard.reshape(-1, 2))[:, 0].reshape(len(links), 10) > 0
    assert common[:, ::2].mean() > 0.9
    assert common[:, 1::2].mean() < 0.4


def test_pairs_are_drawn_where_nearly_every_node_is_linked_to_every_other():
    one, other = np.triu_indices(12, 1)
    graph = build(12, one[1:], other[1:])
    links = np.stack([one[1:], other[1:]], 1)
    drawn = no_links(links, avoid=graph, heard=graph, easy=3, hard=3, seed=0)
    assert (np.sort(drawn.reshape(-1, 2), 1) == [0, 1]).all()


@pytest.mark.parametrize("directed", [False, True])
def test_what_two_nodes_have_in_common_is_as_counted_by_hand_without_their_own_edge(directed):
    graph = random_graph(4, directed)
    rng = np.random.default_rng(5)
    edges = np.stack([graph.sources, graph.targets], 1)
    pairs = np.concatenate([edges[:30], rng.integers(0, 30, (30, 2))])
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    found = in_common(graph, pairs)
    arcs = set(map(tuple, edges.tolist()))
    for (u, v), said in zip(pairs.tolist(), found, strict=True):
        near = {a: set() for a in range(30)}
        for a, b in arcs | {(b, a) for a, b in arcs}:
            near[a].add(b)
        degree = {a: len(near[a]) for a in near}
        near[u] -= {v}
        near[v] -= {u}
        both = near[u] & near[v]
        paths = sum(
            1 / np.sqrt(degree[a] * degree[b]) for a in near[u] for b in near[v] if b in near[a] and b != u
        )
        ends = sorted((len(near[u]), len(near[v])))
        back = []
        if directed:
            rest = arcs - {(u, v)}
            ends = [sum(a == u for a, _ in rest), sum(b == v for _, b in rest)]
            back = [np.e - 1 if (v, u) in arcs else 0]
        adamic, allocated = sum(1 / np.log(degree[a]) for a in both), sum(1 / degree[a] for a in both)
        by_hand = [len(both), FINE * adamic, FINE * allocated, FINE * paths, *ends, *back]
        np.testing.assert_allclose(said, np.log1p(by_hand), rtol=1e-4, atol=1e-4)
