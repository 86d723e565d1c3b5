"""Graphs as users have them: files, frames, NetworkX and PyG graphs, and what is wrong with some of them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from deepfit.data.graph_encoding import encode_nodes, learn_nodes, words_of
from deepfit.data.graph_options import GraphOptions
from deepfit.data.graph_source import is_graph
from deepfit.data.node_rows import read_nodes
from deepfit.errors import DataError, OptionError
from deepfit.options import resolve

NODES = "id,age,town,words,label\n1,30,Ulm,red green,x\n2,,Ulm,blue,y\n3,50,Bonn,red blue,x\n4,20,Bonn,,y\n"
EDGES = "source,target,weight\n1,2,1\n2,3,2\n3,1,1\n"


def folder(tmp_path, nodes=NODES, edges=EDGES, prefix=""):
    if nodes is not None:
        (tmp_path / f"{prefix}nodes.csv").write_text(nodes)
    if edges is not None:
        (tmp_path / f"{prefix}edges.csv").write_text(edges)
    return tmp_path


def read(source, **more):
    return read_nodes(source, target="label", goal="classification", **more)


def options(**given):
    return resolve(GraphOptions, given)


def test_files_and_frames_and_networkx_give_the_same_graph(tmp_path):
    import networkx
    import polars as pl

    path = folder(tmp_path)
    frames = {"nodes": pl.read_csv(path / "nodes.csv"), "edges": pl.read_csv(path / "edges.csv")}
    graph = networkx.Graph()
    for row in frames["nodes"].iter_rows(named=True):
        graph.add_node(row.pop("id"), **row)
    graph.add_edges_from((a, b, {"weight": w}) for a, b, w in frames["edges"].iter_rows())
    expected = None
    for source in (path, path / "nodes.csv", frames, graph):
        assert is_graph(source)
        rows = read(source)
        found = encode_nodes(rows, learn_nodes(rows, options()))
        expected = expected or found
        np.testing.assert_array_equal(found.x, expected.x)
        np.testing.assert_array_equal(found.graph.sources, expected.graph.sources)
        np.testing.assert_array_equal(found.graph.weight, expected.graph.weight)
        assert rows.target().tolist() == ["x", "y", "x", "y"]


def test_a_pyg_graph_is_read_with_its_masks():
    data = SimpleNamespace(
        num_nodes=4,
        x=torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0]]),
        y=torch.tensor([0, 1, 0, 1]),
        edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]),
        edge_attr=torch.tensor([[1.0], [1.0], [2.0], [2.0]]),
        train_mask=torch.tensor([True, True, False, False]),
        val_mask=torch.tensor([False, False, True, False]),
        test_mask=torch.tensor([False, False, False, True]),
    )
    rows = read(data)
    assert rows.parts().tolist() == ["train", "train", "valid", "test"]
    assert rows.whole.graph.neighbours(1).tolist() == [0, 2]
    assert rows.whole.graph.features.tolist() == [[1.0], [1.0], [2.0], [2.0]]
    found = encode_nodes(rows, learn_nodes(rows, options()))
    assert found.x.shape == (4, 2)


def test_files_that_begin_with_a_name_are_told_apart(tmp_path):
    folder(tmp_path, prefix="club_")
    folder(tmp_path, nodes="id,label\na,u\nb,v\n", edges="source,target\na,b\n", prefix="town_")
    assert len(read(tmp_path / "club_nodes.csv")) == len(read(tmp_path / "club_edges.csv")) == 4
    assert len(read(tmp_path / "town_nodes.csv")) == 2


def test_without_a_table_of_nodes_they_are_the_ends_of_edges(tmp_path):
    rows = read_nodes(folder(tmp_path, nodes=None), target=None, goal=None)
    assert rows.keys()["id"].tolist() == ["1", "2", "3"]


@pytest.mark.parametrize("written", ["1", "1.0", "n1"])
def test_ids_are_the_same_whether_numbers_or_words(tmp_path, written):
    nodes = f"id,label\n{written},x\n2.0,y\n" if written != "n1" else "id,label\nn1,x\n2,y\n"
    rows = read(folder(tmp_path, nodes=nodes, edges=f"source,target\n{written},2\n"))
    assert rows.whole.graph.num_edges == 2


@pytest.mark.parametrize(
    ("nodes", "edges", "message"),
    [
        (NODES, "source,target\n1,2\n3,7\n", r"edges.csv, row 3, column 'target': there is no node '7'"),
        (NODES, "source,target\n1,\n", r"edges.csv, row 2, column 'target': the cell is empty"),
        (NODES, "a,b\n1,2\n", "expected columns 'source' and 'target'.*received a, b"),
        (NODES, EDGES.replace(",2\n", ",-2\n", 1).replace("2,3,2", "2,3,-2"), "a weight of 0 or more"),
        ("id,label\n1,x\n1,y\n", EDGES, r"row 3, column 'id': the id '1' is that of row 2 too"),
        ("id,label\n1,x\n,y\n", EDGES, "row 3, column 'id': the cell is empty"),
        ("id,label\n1,\n2,\n3,\n", EDGES, "missing in every row"),
        ("id,name\n1,x\n2,x\n3,y\n", EDGES, "no column 'label'"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path, nodes, edges, message):
    with pytest.raises(DataError, match=f"(?s){message}"):
        read(folder(tmp_path, nodes, edges))


def test_a_folder_without_edges_says_what_it_expected(tmp_path):
    with pytest.raises(DataError, match=r"expected edges.csv .* received nodes.csv"):
        read(folder(tmp_path, edges=None))
    with pytest.raises(DataError, match="Did you mean"):
        read(tmp_path.parent / f"{tmp_path.name}x")


def test_a_graph_without_edges_is_a_graph(tmp_path):
    rows = read({"nodes": {"id": [1, 2], "a": [0.5, 1.0], "label": ["x", "y"]}, "edges": []})
    assert rows.whole.graph.num_edges == 0


def test_loops_repeats_and_isolated_nodes_are_said(tmp_path):
    rows = read(folder(tmp_path, edges="source,target\n1,1\n1,2\n2,1\n2,3\n"))
    said = {each.kind: each.message for each in rows.concerns()}
    assert said["loops"].startswith("1 edges lead from a node to itself")
    assert said["repeats"].startswith("1 of 4 edges repeat")
    assert said["isolated"].startswith("1 of 4 nodes have no edge")
    assert read(tmp_path, directed=True).whole.graph.num_edges == 3


def test_nodes_without_a_label_are_heard_but_no_rows(tmp_path):
    rows = read(folder(tmp_path, nodes=NODES.replace("green,x", "green,")))
    assert rows.nodes.tolist() == [1, 2, 3]
    assert rows.whole.graph.num_nodes == 4
    assert rows.where(0) == "row 3"
    assert "1 of 4 nodes have no 'label'" in " ".join(each.message for each in rows.concerns())


def test_the_column_split_names_the_parts_and_is_no_input(tmp_path):
    nodes = "id,label,split\n1,x,train\n2,y,val\n3,x,Test\n"
    rows = read(folder(tmp_path, nodes, "source,target\n1,2\n"))
    assert rows.parts().tolist() == ["train", "valid", "test"]
    assert rows.table.inputs() == []


def test_columns_words_and_missing_cells_become_numbers(tmp_path):
    rows = read(folder(tmp_path))
    facts = learn_nodes(rows, options())
    x = dict(zip(facts["feature_names"], encode_nodes(rows, facts).x.T, strict=True))
    assert facts["words"] == [{"name": "words", "vocabulary": ["blue", "red", "green"]}]
    np.testing.assert_allclose(x["words red"], [2**-0.5, 0, 2**-0.5, 0], rtol=1e-6)
    assert x["age is missing"].tolist() == [0, 1, 0, 0]
    assert x["town Ulm"].tolist() == [1, 1, 0, 0]


def test_words_are_told_apart_in_any_form():
    assert words_of("Red, green;RED 7") == ["red", "green", "7"]
    assert words_of(["a", "b", "a"]) == ["a", "b"]
    assert words_of(7) == ["7"]
    assert words_of(None) == []


def test_features_may_be_degrees_or_learned_vectors(tmp_path):
    rows = read(folder(tmp_path))
    facts = learn_nodes(rows, options(features="structure"))
    x = encode_nodes(rows, facts).x
    assert facts["num_features"] == x.shape[1] == 3
    np.testing.assert_allclose(x.mean(0), 0, atol=1e-6)
    facts = learn_nodes(rows, options(features="learned"))
    assert facts["nodes"] == ["1", "2", "3", "4"]
    assert encode_nodes(rows, facts).known.tolist() == [0, 1, 2, 3]


def test_a_new_node_is_answered_by_columns_and_refused_by_learned_vectors(tmp_path):
    rows = read(folder(tmp_path))
    facts, learned = (learn_nodes(rows, options(features=each)) for each in ("columns", "learned"))
    more = folder(tmp_path, NODES + "5,44,Ulm,red,\n", EDGES + "5,1,1\n")
    assert encode_nodes(read(more, learned=facts), facts).x.shape[0] == 5
    again = read(more, learned=learned)
    with pytest.raises(DataError, match=r"nodes.csv, row 6: the node '5' was not there in training"):
        encode_nodes(again, learned)


def test_a_column_of_training_that_is_gone_is_named(tmp_path):
    rows = read(folder(tmp_path))
    facts = learn_nodes(rows, options())
    with pytest.raises(DataError, match="no column 'words', whose words the model was trained with"):
        read(folder(tmp_path, NODES.replace("words", "terms")), learned=facts)
    again = read(folder(tmp_path, NODES.replace("age", "years")), learned=facts)
    with pytest.raises(DataError, match="no column 'age'"):
        encode_nodes(again, facts)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"neighbours": "5"}, "names 1 hops, and there are 2 layers"),
        ({"neighbours": "5,x"}, "all, or numbers with commas"),
        ({"heads": 2}, "--heads has no effect with --network sage"),
        ({"network": "gatv2", "width": 10, "heads": 4}, "does not divide"),
        ({"batch_size": 5}, "--batch-size has no effect where the whole graph is one step"),
        ({"network": "sage", "skip": False}, "--skip has no effect with --network sage"),
    ],
)
def test_options_without_an_effect_are_refused(given, message):
    with pytest.raises(OptionError, match=message):
        options(**given)


def test_features_of_columns_need_columns(tmp_path):
    rows = read(folder(tmp_path, "id,label\n1,x\n2,y\n3,x\n"))
    with pytest.raises(OptionError, match=r"no column of nodes\.csv is an input"):
        learn_nodes(rows, options(features="columns"))
    assert learn_nodes(rows, options())["features"] == "learned"
