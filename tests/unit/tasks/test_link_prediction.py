"""Links: nothing of what is judged is heard, directions count, new nodes, what is asked at predict."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import deepfit
from deepfit import catalog
from deepfit.contract import Splits
from deepfit.data.graph import build
from deepfit.data.graph_nodes import Nodes
from deepfit.engine import Run
from deepfit.errors import DataError, OptionError
from deepfit.nn.nets.graph_network import GraphNetwork
from deepfit.nn.nets.link_network import LinkNetwork
from deepfit.options import resolve
from deepfit.plans import links

KIND = catalog.find("link-prediction")
FEW = {"epochs": 2, "width": 8, "threads": 1, "negatives": 5, "batch_size": 16}


def club(seed=0, size=40, edges=160):
    rng = np.random.default_rng(seed)
    pairs = np.unique(np.sort(rng.integers(0, size, (edges, 2)), 1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    nodes = {"id": [f"p{a}" for a in range(size)], "age": rng.normal(40, 10, size)}
    edges = {"source": [f"p{a}" for a in pairs[:, 0]], "target": [f"p{a}" for a in pairs[:, 1]]}
    return {"nodes": nodes, "edges": edges}


def encoded(source, **options):
    task = KIND(resolve(KIND.Options, {**FEW, **options}))
    rows = task.read(source)
    parts = [rows.take(part) for part in np.split(np.arange(len(rows)), [len(rows) - 20, len(rows) - 10])]
    facts = task.learn(parts[0])
    return task, parts, facts, Splits(*(task.encode(part, facts) for part in parts))


def test_messages_go_along_training_links_alone_whatever_is_judged():
    _, parts, _, data = encoded(club())
    for batch in (data.train, data.valid, data.test):
        graph = batch["nodes"].graph
        assert graph.has(*parts[0].pairs.T).all()
        assert not graph.has(*parts[1].pairs.T).any()
        assert not graph.has(*parts[2].pairs.T).any()


def test_degrees_as_features_are_those_of_the_training_links():
    _, parts, facts, data = encoded(club(), features="structure")
    x, nodes = data.test["nodes"].x, data.test["nodes"]
    mean, deviation = facts["structure"]
    degrees = np.bincount(parts[0].pairs.ravel(), minlength=nodes.graph.num_nodes)
    np.testing.assert_allclose(x[:, 0] * deviation[0] + mean[0], np.log1p(degrees), rtol=1e-5, atol=1e-5)


def test_pairs_that_links_are_ranked_among_are_links_of_no_part():
    _, parts, _, data = encoded(club())
    for batch in (data.valid, data.test):
        others = np.sort(batch["pairs"][:, 1:].reshape(-1, 2), 1)
        known = {tuple(pair) for part in parts for pair in np.sort(part.pairs, 1).tolist()}
        assert not known & set(map(tuple, others.tolist()))
    assert data.train["pairs"].shape[1] == 1


@pytest.mark.parametrize("neighbours", ["all", "3,3"])
def test_links_are_judged_in_a_graph_without_them_and_others_are_no_training_links(neighbours):
    task, parts, facts, data = encoded(club(), neighbours=neighbours)
    net = task.build(facts)
    batches = links.Masked(data.train, net, task.options, Run(task.options, None), 0)
    heard = data.train["nodes"].graph
    supervised = []
    for batch in batches:
        pairs, target = batch["pairs"].numpy(), batch["target"].numpy() > 0
        piece = batch["graph"].links
        ends = torch.stack([piece.sources, piece.targets], 1).numpy()
        edges = set(map(tuple, ends.tolist()))
        assert not edges & {tuple(pair) for pair in pairs[target].tolist()}
        assert not edges & {tuple(pair[::-1]) for pair in pairs[target].tolist()}
        if neighbours == "all":
            assert not heard.has(*pairs[~target].T).any()
            supervised += pairs[target].tolist()
    if neighbours == "all":
        assert sorted(supervised) == sorted(parts[0].pairs.tolist())


def test_no_step_takes_more_than_a_quarter_of_the_links_out_of_the_graph():
    task, parts, facts, data = encoded(club(), batch_size=10_000)
    batches = links.Masked(data.train, task.build(facts), task.options, Run(task.options, None), 0)
    left = [batch["graph"].links.starts[-1] / 2 for batch in batches]
    assert len(left) == 4
    assert min(left) >= len(parts[0]) * 3 // 4 - 1


def test_both_orders_of_an_undirected_pair_get_the_same_and_of_a_directed_one_not():
    torch.manual_seed(0)
    codes, pairs, shared = torch.randn(9, 6), torch.tensor([[0, 1], [2, 7]]), torch.randn(2, 6)
    for directed in (False, True):
        net = LinkNetwork(GraphNetwork(3, 6), 6, 6, directed=directed).eval()
        same = torch.allclose(net(codes, pairs, shared), net(codes, pairs.flip(1), shared))
        assert same is not directed


def test_the_network_does_not_depend_on_how_nodes_are_numbered():
    rng = np.random.default_rng(0)
    ends, order = rng.integers(0, 20, (2, 60)), rng.permutation(20)
    x, pairs = rng.normal(size=(20, 4)).astype(np.float32), rng.integers(0, 20, (7, 1, 2))
    shared = rng.normal(size=(7, 1, 6)).astype(np.float32)
    torch.manual_seed(0)
    net = LinkNetwork(GraphNetwork(4, 8, kind="gcn", width=8), 8, 6)
    one = {"nodes": Nodes(pairs[:, 0, 0], x, build(20, *ends)), "pairs": pairs, "shared": shared}
    turned = np.empty_like(x)
    turned[order] = x
    nodes = Nodes(order[pairs[:, 0, 0]], turned, build(20, *order[ends]))
    other = {"nodes": nodes, "pairs": order[pairs], "shared": shared}
    np.testing.assert_allclose(links.outputs(net, one), links.outputs(net, other), rtol=1e-4, atol=1e-5)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    out = tmp_path_factory.mktemp("links") / "run"
    return deepfit.fit(club(), task="link-prediction", out=out, **FEW)


def test_a_pair_that_is_an_edge_already_is_judged_as_if_it_were_none(model):
    source = club()
    first = {name: values[:1] for name, values in source["edges"].items()}
    rest = {name: values[1:] for name, values in source["edges"].items()}
    known = model.answers({**source, "pairs": first})
    unknown = model.answers({"nodes": source["nodes"], "edges": rest, "pairs": first})
    np.testing.assert_array_equal(known.columns["probability"], unknown.columns["probability"])
    assert list(known.columns) == ["source", "target", "prediction", "probability"]


def test_nodes_that_training_never_saw_are_answered_where_columns_speak_for_them(model):
    source = club(seed=1)
    source["nodes"]["id"] = [f"new{name}" for name in source["nodes"]["id"]]
    edges = {name: [f"new{each}" for each in ends] for name, ends in source["edges"].items()}
    pairs = {"source": ["newp1"], "target": ["newp2"]}
    answers = model.answers({"nodes": source["nodes"], "edges": edges, "pairs": pairs})
    assert 0 < answers.columns["probability"][0] < 1


def test_a_model_of_learned_vectors_says_why_it_cannot_answer_a_new_node(tmp_path):
    source = {"edges": club()["edges"]}
    model = deepfit.fit(source, task="link-prediction", out=tmp_path / "run", **FEW)
    edges = {name: [*ends, "stranger"] for name, ends in source["edges"].items()}
    edges["target"][-1] = "p1"
    with pytest.raises(DataError, match="'stranger' was not there in training"):
        model.answers({"edges": edges, "pairs": {"source": ["p1"], "target": ["stranger"]}})


def test_held_out_pairs_of_another_file_are_scored_as_links(model):
    source = club(seed=2)
    pairs = {name: values[:12] for name, values in source["edges"].items()}
    card = model.evaluate({**source, "pairs": pairs})
    assert card["rows"]["test"] == 12
    assert {"mrr", "hard_mrr", "roc_auc", "hits_at_10", "hard_average_precision"} <= set(card["metrics"])


def test_baselines_rank_the_same_pairs_and_the_report_shows_ranks_and_links(model, tmp_path):
    from deepfit.job.prepare import prepare
    from deepfit.report.sections import make
    from deepfit.report.view import View

    job = prepare(club(), task="link-prediction", out=tmp_path / "run", options=FEW)
    for _ in job.events():
        pass
    assert list(job.result.baseline_answers)[1:3] == ["common_neighbours", "adamic_adar"]
    ranks, found = (make(name, View(job.result)) for name in ("link_ranks", "found_links"))
    assert "of the held-out links come first" in ranks.sentences[0]
    assert "<svg" in str(ranks.figures[0].chart)
    shown = [float(row[2]) for row in found.tables[0].rows]
    assert shown == sorted(shown, reverse=True)


def test_the_column_of_a_target_is_refused():
    with pytest.raises(OptionError, match="target"):
        resolve(KIND.Options, {"target": "label"})
