"""Clustering of tables end to end: without labels, with them for scoring alone, a chosen number, errors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepfit import catalog, report
from deepfit.api import follow
from deepfit.data.batches import num_rows
from deepfit.data.cluster_options import NEARLY
from deepfit.engine import Run
from deepfit.errors import DataError, OptionError
from deepfit.job.prepare import prepare
from deepfit.model import load
from deepfit.nn.clusters import UNTRIED
from deepfit.options import resolve
from deepfit.plans.clusters import Elsewhere, neighbours, smoothed

TASK = "tabular-clustering"
FAST = {"threads": 1, "seed": 0, "epochs": 15, "batch_size": 64, "width": 32, "code": 4}


def customers(count=360, seed=0):
    """Three segments."""
    rng = np.random.default_rng(seed)
    segment = rng.integers(0, 3, count)
    spending = np.array([200.0, 900.0, 400.0])[segment] * rng.lognormal(0, 0.15, count)
    visits = np.array([2.0, 4.0, 20.0])[segment] + rng.normal(0, 1, count)
    channel = np.where(rng.random(count) < 0.9, np.array(["shop", "web", "app"])[segment], "shop")
    names = np.array(["occasional", "big", "frequent"])[segment]
    return {"spending": spending, "visits": visits, "channel": channel, "segment": names}


def run(source, folder, **options):
    return follow(prepare(source, task=TASK, options={**FAST, **options}, out=folder))


@pytest.fixture(scope="module")
def chosen(tmp_path_factory):
    """Without a target and without a number."""
    frame = {name: column for name, column in customers().items() if name != "segment"}
    return run(frame, tmp_path_factory.mktemp("run") / "run")


def test_the_number_of_clusters_is_found_and_the_report_shows_the_curve(chosen):
    assert set(chosen.answers.columns["prediction"]) == {0, 1, 2}
    net = chosen.model.net
    curve = net.clusters.curve_S.numpy()
    assert curve[0] == UNTRIED
    assert np.flatnonzero(curve >= curve.max() - NEARLY)[0] == 2  # three, the least of about as good
    assert (np.abs(curve[1:]) <= 1).all()
    assert int(net.clusters.used_S.sum()) == 3
    page = report.write(chosen).read_text()
    assert "3 clusters were chosen" in page
    assert "Map of the clusters" in page
    assert "What tells the clusters apart" in page
    assert "Examples of each cluster" in page


def test_the_report_says_in_words_what_a_cluster_is(chosen):
    page = report.write(chosen).read_text()
    assert "high visits (mean" in page
    assert "channel = app in" in page


def test_without_a_target_the_silhouette_is_scored_and_comparison_with_labels_is_refused(chosen):
    card = chosen.scorecard
    assert set(card["metrics"]) == {"silhouette"}
    assert set(card["baselines"]) == {"k_means", "principal_components_k_means", "gaussian_mixture"}
    assert "Silhouette" in card["verdict"]
    with pytest.raises(DataError, match="trained without --target"):
        chosen.model.evaluate(customers())


def test_with_a_target_agreement_is_scored_and_high(tmp_path):
    result = run(customers(), tmp_path / "run", target="segment", clusters=3)
    card = result.scorecard
    assert set(card["metrics"]) == {"nmi", "ari", "accuracy", "silhouette"}
    assert card["metrics"]["nmi"]["value"] > 0.8
    assert card["verdict"].lower().count("nmi") == 1
    assert all(set(scores) == set(card["metrics"]) for scores in card["baselines"].values())
    again = load(result.run / "model")
    assert again.evaluate(customers(seed=1))["metrics"]["accuracy"]["value"] > 0.9


def test_new_rows_get_a_cluster_a_confidence_and_shares_that_sum_to_1(chosen):
    new = customers(7, seed=5)
    del new["segment"]
    new["spending"] = new["spending"].astype(object)
    new["spending"][0] = None
    columns = chosen.model.answers(new).columns
    shares = np.stack([columns[f"probability_{place}"] for place in range(3)], axis=1)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-6)
    np.testing.assert_array_equal(columns["prediction"], shares.argmax(1))
    np.testing.assert_allclose(columns["confidence"], shares.max(1))


@pytest.fixture
def weights(trained):
    """The encoded splits and the weights of a short training with these options."""
    return lambda source, **options: trained(TASK, source, [240, 300], **{**FAST, "epochs": 2, **options})


def test_training_never_sees_the_target(weights):
    frame = customers()
    shuffled = {**frame, "segment": np.random.default_rng(1).permutation(frame["segment"])}
    found = [
        weights(frame, target="segment", clusters=3),
        weights(shuffled, target="segment", clusters=3),
        weights({name: column for name, column in frame.items() if name != "segment"}, clusters=3),
    ]
    assert all(set(data.train) == {"numbers", "categories"} for data, _ in found)
    for _, other in found[1:]:
        assert all(torch.equal(found[0][1][name], other[name]) for name in other)


def test_the_split_does_not_look_at_the_target_either(tmp_path):
    frame = customers()
    other = {**frame, "segment": np.random.default_rng(1).permutation(frame["segment"])}
    first, second = (run(each, tmp_path / str(place), target="segment", clusters=3, epochs=1)
                     for place, each in enumerate((frame, other)))  # fmt: skip
    np.testing.assert_array_equal(first.test.column("spending"), second.test.column("spending"))


@pytest.mark.parametrize(
    "options",
    [
        {"method": "dec"},
        {"neighbours": 0},
        {"neighbours": 0, "accumulate": 2},
        {"method": "dec", "neighbours": 0},
    ],
)
def test_the_plain_methods_find_plain_clusters(options, tmp_path):
    result = run(customers(), tmp_path / "run", target="segment", clusters=3, **options)
    assert result.scorecard["metrics"]["nmi"]["value"] > 0.7


def test_one_cluster_and_patience_are_refused_as_options():
    options = catalog.find(TASK).Options
    with pytest.raises(OptionError, match=r"clusters.*one cluster holds every row"):
        resolve(options, {"clusters": 1})
    with pytest.raises(OptionError, match="patience has no effect"):
        resolve(options, {"patience": 3})


@pytest.mark.parametrize(
    ("frame", "options", "said"),
    [
        ({"a": [1.0] * 40, "b": ["x"] * 40}, {}, "no column is left to learn from"),
        ({"a": np.arange(40.0)}, {"clusters": 60}, r"60 clusters were asked for.*--clusters"),
        ({"id": [f"x{place}" for place in range(40)]}, {}, "no column is left to learn from"),
    ],
)
def test_data_without_groups_to_find_are_refused_before_training(frame, options, said, tmp_path):
    with pytest.raises(DataError, match=said):
        run(frame, tmp_path / "run", **options)


def test_an_easy_column_is_no_leak_of_the_labels_and_rare_labels_are_no_concern(tmp_path):
    frame = customers()
    frame["copy"] = np.array(
        [{"occasional": 1.0, "big": 50.0, "frequent": 99.0}[each] for each in frame["segment"]]
    )
    task = catalog.find(TASK)(resolve(catalog.find(TASK).Options, {"target": "segment"}))
    rows = task.read(frame)
    assert not {concern.kind for concern in rows.concerns()} & {"leak", "imbalance"}
    assert ("segment", "target") in [each[:2] for each in rows.describe()]


def test_neighbours_are_the_nearest_other_rows():
    points = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    task = catalog.find(TASK)(resolve(catalog.find(TASK).Options, {}))
    found = neighbours(points, 5, Run(task.options, None))
    gaps = np.linalg.norm(points[:, None] - points, axis=2) + 1e9 * np.eye(60)
    assert [set(row) for row in found.tolist()] == [set(row[:5]) for row in gaps.argsort(1).tolist()]
    few = neighbours(points[:7], 5, Run(task.options, None))
    assert few.shape == (7, 2)


def test_nearer_neighbours_count_more_in_the_smoothing():
    values, nearest = torch.tensor([[0.0], [3.0], [9.0]]), torch.tensor([[1, 2], [0, 2], [1, 0]])
    # half of the row itself, and of the rest 2 / 3 the first neighbour
    torch.testing.assert_close(smoothed(values, nearest), torch.tensor([[2.5], [3.0], [5.5]]))


def test_smoothing_is_the_mean_of_a_row_and_its_only_neighbour():
    values, nearest = torch.tensor([[0.0], [3.0], [9.0]]), torch.tensor([[1], [2], [1]])
    torch.testing.assert_close(smoothed(values, nearest), torch.tensor([[1.5], [6.0], [6.0]]))
    assert smoothed(values, None) is values


def test_rows_taken_elsewhere_are_those_of_the_places():
    array, places = torch.arange(10.0), torch.tensor([7, 3, 9])
    there = Elsewhere(array, places)
    assert there.index_select(0, torch.tensor([2, 0])).tolist() == [9.0, 7.0]
    assert num_rows(there) == 3
