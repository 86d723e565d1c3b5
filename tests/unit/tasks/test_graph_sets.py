"""Whole graphs end to end: classes and numbers, baselines, report, files, errors."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from deepfit import catalog, report
from deepfit.api import follow
from deepfit.baselines.graph_sets import bags
from deepfit.data.graph import build
from deepfit.data.graph_sets import Graphs
from deepfit.data.made_graphs import beads
from deepfit.errors import DataError
from deepfit.job.prepare import prepare
from deepfit.model import load

FAST = {
    "threads": 1,
    "seed": 0,
    "epochs": 40,
    "learning_rate": 0.01,
    "width": 16,
    "layers": 2,
    "members": 1,
    "batch_size": 16,
}


def run(source, folder, task, **options):
    return follow(prepare(source, task=task, options={**FAST, **options}, out=folder))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Beads as files, with parts named."""
    tables, touching = beads(160, 0)
    tables["graphs"] |= {
        "label": np.where(touching, "touching", "apart"),
        "length": 10 + 3 * touching + np.random.default_rng(0).normal(0, 0.2, 160),
        "split": np.repeat(["train", "valid", "test"], [100, 20, 40]),
    }
    where = tmp_path_factory.mktemp("beads")
    for name, columns in tables.items():
        pl.DataFrame(columns).write_csv(where / f"{name}.csv")
    return where


@pytest.fixture(scope="module")
def classes(folder, tmp_path_factory):
    return run(folder, tmp_path_factory.mktemp("run") / "run", "graph-classification")


def test_named_parts_are_kept_and_the_bag_is_beaten_where_it_knows_nothing(classes):
    assert len(classes.test) == 40
    card = classes.scorecard
    assert set(card["baselines"]) == {"majority", "bag_of_nodes", "boosted_bag_of_nodes"}
    bag = card["baselines"]["bag_of_nodes"]["accuracy"]["value"]
    assert card["metrics"]["accuracy"]["value"] > bag + 0.1


def test_the_report_draws_graphs_and_says_what_colours_mean(classes):
    page = report.write(classes).read_text()
    assert "Graphs, and the nodes that told" in page
    assert "speaks for the class that was said" in page
    assert "colour red" in page


def test_a_loaded_model_answers_files_without_labels(classes, folder, tmp_path):
    again = load(classes.model.save(tmp_path / "model"))
    for name in ("nodes", "edges"):
        (tmp_path / f"{name}.csv").write_text((folder / f"{name}.csv").read_text())
    pl.read_csv(folder / "graphs.csv").select("graph").write_csv(tmp_path / "graphs.csv")
    said, known = again.answers(tmp_path), classes.answers.columns
    np.testing.assert_allclose(said.columns["probability_apart"][-40:], known["probability_apart"], rtol=1e-4)


def test_numbers_are_learned_and_the_report_draws_them(folder, tmp_path):
    result = run(folder, tmp_path / "run", "graph-regression", target="length")
    card = result.scorecard
    assert card["metrics"]["rmse"]["value"] < card["baselines"]["bag_of_nodes"]["rmse"]["value"]
    assert "raises the answer" in report.write(result).read_text()


def test_the_target_decides_the_task(folder):
    from deepfit.tasks.graph_classification import GraphClassification
    from deepfit.tasks.graph_regression import GraphRegression

    assert "words, 2 different" in GraphClassification.suits(folder, "label")
    assert GraphRegression.suits(folder, "label") is None
    assert "a number with" in GraphRegression.suits(folder, "length")


@pytest.mark.parametrize("loss", ["quantile", "poisson"])
def test_other_losses_choose_their_epoch_and_answer_in_units(folder, tmp_path, loss):
    result = run(folder, tmp_path / "run", "graph-regression", target="length", loss=loss, epochs=2)
    assert np.abs(result.answers.columns["prediction"] - 11.5).max() < 6


def test_one_class_only_is_refused_before_training(tmp_path):
    tables, _ = beads(40, 0)
    tables["graphs"]["label"] = ["touching"] * 40
    with pytest.raises(DataError, match="touching"):
        run(tables, tmp_path / "run", "graph-classification")


def test_a_bag_counts_nodes_edges_and_what_is_known_of_them():
    graph = build(3, [0, 1], [1, 2], features=np.array([[1.0], [3.0]]))
    x = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 6.0]], np.float32)
    some = Graphs(np.arange(2), np.concatenate([x, x[:1]]), _beside(graph), np.array([0, 3, 4]))
    assert bags(some).tolist() == [[2, 2, 6, 6, 3, 4, 8], [1, 0, 1, 0, 1, 0, 0]]


def test_every_graph_has_a_vector(classes, folder):
    vectors = classes.model.embed(folder)
    assert np.isfinite(vectors).all()
    assert len(np.unique(vectors.round(4), axis=0)) > 20


def test_both_tasks_are_found():
    assert {"graph-classification", "graph-regression"} <= set(catalog.names())


def _beside(graph):
    from deepfit.data.graph import union

    return union([graph, build(1, [], [], features=np.zeros((0, 1)))])
