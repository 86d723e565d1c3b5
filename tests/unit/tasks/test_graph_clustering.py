"""Communities end to end: labels for scoring alone, a chosen number, other graphs, errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from deepfit import catalog, report
from deepfit.api import follow
from deepfit.errors import DataError, OptionError
from deepfit.job.prepare import prepare
from deepfit.metrics.communities import codelength
from deepfit.model import load
from deepfit.options import resolve

TASK = "graph-clustering"
FAST = {"threads": 1, "seed": 0, "epochs": 60, "starts": 2, "width": 16}


def club(count=60, groups=3, seed=0, columns=False):
    """People in circles who mostly know people of their own circle."""
    rng = np.random.default_rng(seed)
    circle = np.arange(count) % groups
    pairs = rng.integers(0, count, (20 * count, 2))
    pairs = pairs[(circle[pairs[:, 0]] == circle[pairs[:, 1]]) | (rng.random(len(pairs)) < 0.05)]
    names = np.array([f"p{number}" for number in range(count)])
    nodes = {"id": names, "circle": np.array(["chess", "choir", "garden", "tennis"])[circle]}
    if columns:
        nodes["age"] = rng.normal(40, 5, count) + 20 * circle
    return {"nodes": nodes, "edges": {"source": names[pairs[:, 0]], "target": names[pairs[:, 1]]}}


def run(source, folder, **options):
    return follow(prepare(source, task=TASK, options={**FAST, **options}, out=folder))


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """With known groups and a number that is chosen."""
    return run(club(), tmp_path_factory.mktemp("run") / "run", target="circle")


def test_the_number_is_chosen_by_the_fewest_bits_and_the_report_shows_the_curve(known):
    net, graph = known.model.net, known.test.whole.graph
    found = known.answers.columns["prediction"]
    assert known.scorecard["metrics"]["nmi"]["value"] == 1
    assert len(net.chosen) == 3
    curve = net.curve_S.numpy()
    assert curve[2] == curve[curve != net.NONE].min()
    assert codelength(graph, found) == pytest.approx(curve[2], rel=1e-6)
    page = Path(report.write(known)).read_text(encoding="utf-8")
    for words in ("3 communities were chosen", "p0: community", "Edges within", "which training saw too"):
        assert words in page


def test_the_largest_community_has_the_number_0(known):
    counts = np.bincount(known.answers.columns["prediction"])
    assert (np.diff(counts) <= 0).all()


def test_all_nodes_are_learned_from_and_scored_and_the_result_says_so(known):
    assert known.scorecard["rows"] == {"train": 60, "valid": 0, "test": 60}
    assert "none held out" in known.scorecard["verdict"]
    assert any("not of new ones" in warning for warning in known.scorecard["warnings"])
    card = (known.run / "model" / "README.md").read_text(encoding="utf-8")
    assert "training saw too" in card
    assert "held-out" not in card


def test_known_groups_change_no_weight(known, tmp_path):
    mixed = club()
    mixed["nodes"]["circle"] = np.random.default_rng(1).permutation(mixed["nodes"]["circle"])
    for name, options in (("mixed", {"target": "circle"}), ("none", {"kinds": "circle=ignore"})):
        other = run(mixed, tmp_path / name, **options)
        ours, theirs = known.model.net.state_dict(), other.model.net.state_dict()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert set(other.scorecard["metrics"]) == {"modularity"}


def test_nodes_without_a_known_group_are_clustered_and_not_scored(known, tmp_path):
    some = club()
    some["nodes"]["circle"] = np.where(np.arange(60) < 30, some["nodes"]["circle"], None)
    found = run(some, tmp_path / "run", target="circle")
    assert found.scorecard["rows"]["test"] == 30
    ours, theirs = known.model.net.state_dict(), found.model.net.state_dict()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_model_with_columns_answers_another_graph_and_one_with_vectors_says_why_not(known, tmp_path):
    result = run(club(columns=True), tmp_path / "run", target="circle", clusters=3)
    model = load(result.run / "model")
    again = model.evaluate(club(90, seed=5, columns=True))
    assert again["metrics"]["nmi"]["value"] > 0.9
    assert "none held out" not in again["verdict"]
    with pytest.raises(DataError, match="'p60' was not there in training"):
        known.model.predict(club(90))


def test_other_rows_may_be_named_to_be_scored(tmp_path):
    options = {**FAST, "target": "circle", "clusters": 3}
    job = prepare(
        club(columns=True),
        task=TASK,
        options=options,
        out=tmp_path / "run",
        test=club(90, seed=5, columns=True),
    )
    card = follow(job).scorecard
    assert card["rows"]["test"] == 90
    assert "90 test rows" in card["verdict"]


@pytest.mark.parametrize("directed", [False, True])
def test_weights_decide_where_edges_alone_say_nothing(directed, tmp_path):
    """Everybody knows everybody, those of one circle ten times as well."""
    names = np.array([f"p{number}" for number in range(24)])
    a, b = np.nonzero(~np.eye(24, dtype=bool))
    weight = np.where(a % 2 == b % 2, 10.0, 1.0)
    source = {
        "nodes": {"id": names, "side": np.array(["even", "odd"])[np.arange(24) % 2]},
        "edges": {"source": names[a], "target": names[b], "weight": weight},
    }
    found = run(source, tmp_path / "run", target="side", clusters=2, directed=directed)
    assert found.scorecard["metrics"]["nmi"]["value"] == 1


def test_more_modularity_or_fewer_bits_as_asked(tmp_path, known):
    other = run(club(), tmp_path / "run", target="circle", choose="modularity")
    net = other.model.net
    curve = net.curve_S.numpy()
    assert curve[len(net.chosen) - 1] == curve.max()
    assert other.scorecard["metrics"]["modularity"]["value"] == pytest.approx(curve.max(), abs=1e-6)


@pytest.mark.parametrize(
    ("option", "value"),
    [("clusters", 1), ("patience", 5), ("test_fraction", 0.3), ("valid_fraction", 0.3), ("split", "random"),
     ("neighbours", "5,5")],
)  # fmt: skip
def test_options_without_effect_are_refused(option, value):
    with pytest.raises(OptionError, match=r"no effect here|one cluster"):
        resolve(catalog.find(TASK).Options, {option: value})


def test_graphs_without_communities_are_refused(tmp_path):
    alone = {"nodes": {"id": ["a", "b", "c"]}, "edges": {"source": ["a"], "target": ["a"]}}
    with pytest.raises(DataError, match="no edge between two nodes"):
        run(alone, tmp_path / "alone")
    with pytest.raises(DataError, match="60 nodes for 70 communities"):
        run(club(), tmp_path / "many", clusters=70)
    with pytest.raises(OptionError, match="--valid has no effect"):
        follow(prepare(club(), task=TASK, options=FAST, out=tmp_path / "valid", valid=club()))


def test_edges_alone_are_enough(tmp_path):
    edges = club()["edges"]
    path = tmp_path / "club_edges.csv"
    lines = ["source,target", *(f"{a},{b}" for a, b in zip(edges["source"], edges["target"], strict=True))]
    path.write_text("\n".join(lines) + "\n")
    found = run(str(path), tmp_path / "run", clusters=3)
    assert found.scorecard["rows"]["train"] == 60
    assert json.loads((found.run / "metrics.json").read_text())["metrics"]["modularity"]["value"] > 0.5
