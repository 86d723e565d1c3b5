"""Clustering of pictures end to end: folders, known groups for scoring alone, a chosen number, errors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from deepfit import catalog, report
from deepfit.api import follow
from deepfit.contract import Splits
from deepfit.engine import Run
from deepfit.errors import DataError, OptionError
from deepfit.job.prepare import prepare
from deepfit.model import load
from deepfit.options import resolve

TASK = "image-clustering"
FAST = {"threads": 1, "seed": 0, "epochs": 6, "batch_size": 40}
KINDS = ("lying", "standing", "ring")


def shapes(count=210, seed=0, side=12):
    """Bars and rings a little off the centre, uint8 [count, side, side], and their kinds."""
    rng = np.random.default_rng(seed)
    kinds = rng.permutation(np.resize(KINDS, count))
    y, x = np.mgrid[:side, :side]
    pictures = rng.integers(0, 60, (count, side, side), dtype=np.uint8)
    for picture, kind in zip(pictures, kinds, strict=True):
        across, down = rng.integers(side // 2 - 2, side // 2 + 2, 2)
        shape = {
            "lying": abs(y - down) < 1.5,
            "standing": abs(x - across) < 1.5,
            "ring": abs(np.hypot(x - across, y - down) - 3) < 0.8,
        }[str(kind)]
        picture[shape] += np.uint8(rng.integers(120, 190))
    return pictures, kinds


def saved(folder, pictures, kinds=None):
    """PNG files, each in the folder of its kind where kinds are given."""
    for row, picture in enumerate(pictures):
        place = folder if kinds is None else folder / str(kinds[row])
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(place / f"{row}.png")
    return folder


def run(source, folder, **options):
    return follow(prepare(source, task=TASK, options={**FAST, **options}, out=folder))


@pytest.fixture(scope="module")
def chosen(tmp_path_factory):
    """Pictures of two sizes in one folder, without groups and without a number."""
    folder = tmp_path_factory.mktemp("pictures")
    small, _ = shapes(180)
    large, _ = shapes(30, seed=1, side=16)
    saved(folder, [*small, *large])
    return run(folder, tmp_path_factory.mktemp("run") / "run")


def test_the_number_of_clusters_is_found_and_the_report_shows_pictures(chosen):
    net = chosen.model.net
    curve = net.clusters.curve_S.numpy()
    count = int(net.clusters.used_S.sum())
    assert curve[count - 1] >= curve.max() - 0.02
    assert set(chosen.answers.columns["prediction"]) <= set(range(count))
    page = report.write(chosen).read_text()
    for title in (
        f"{count} clusters were chosen",
        "Map of the clusters",
        "Map in pictures",
        "What tells the clusters apart",
        "Pictures of each cluster",
    ):
        assert title in page
    assert page.count("data:image/png;base64,") > count
    assert "new_photos" in page


def test_sizes_that_differ_are_brought_to_one_and_named(chosen):
    assert chosen.model.facts["size"] == [12, 12]
    assert "sizes" in {concern.kind for concern in chosen.concerns}


def test_without_groups_the_silhouette_is_scored_beside_every_baseline(chosen):
    card = chosen.scorecard
    assert set(card["metrics"]) == {"silhouette"}
    assert set(card["baselines"]) == {"k_means", "principal_components_k_means", "gaussian_mixture"}
    assert "Silhouette" in card["verdict"]


def test_without_groups_folders_are_not_looked_at_when_a_model_is_evaluated(chosen, tmp_path):
    found = chosen.model.evaluate(saved(tmp_path / "new", *shapes(30, seed=4)))
    assert set(found["metrics"]) == {"silhouette"}
    assert "--target label" in str(found["warnings"])


def test_new_pictures_get_a_cluster_a_confidence_a_file_and_vectors(chosen, tmp_path):
    new = saved(tmp_path / "new", shapes(5, seed=9)[0])
    columns = chosen.model.answers(str(new)).columns
    count = int(chosen.model.net.clusters.used_S.sum())
    shares = np.stack([columns[f"probability_{place}"] for place in range(count)], axis=1)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-6)
    np.testing.assert_array_equal(columns["prediction"], shares.argmax(1))
    np.testing.assert_allclose(columns["confidence"], shares.max(1))
    vectors = chosen.model.embed(str(new))
    codes = chosen.model.net.encoder.fc3(torch.from_numpy(np.asarray(vectors))).detach().numpy()
    task, facts = chosen.model.task, chosen.model.facts
    batch = task.encode(task.read(str(new), facts), facts)
    np.testing.assert_allclose(codes, task.codes(chosen.model.net, batch, facts), atol=1e-4)


def test_folders_of_groups_are_agreed_with_better_than_k_means_does(tmp_path):
    result = run(saved(tmp_path / "shapes", *shapes()), tmp_path / "run", target="kind", clusters=3)
    card = result.scorecard
    assert set(card["metrics"]) == {"nmi", "ari", "accuracy", "silhouette"}
    assert card["metrics"]["nmi"]["value"] > max(0.8, card["baselines"]["k_means"]["nmi"]["value"])
    again = load(result.run / "model")
    found = again.evaluate(saved(tmp_path / "more", *shapes(60, seed=3)))
    assert found["metrics"]["accuracy"]["value"] > 0.9


@pytest.fixture
def weights(trained):
    """The encoded splits and the weights of a short training with these options."""
    return lambda source, **options: trained(TASK, source, [100, 120], **{**FAST, "epochs": 1, **options})


def test_training_never_sees_the_groups(weights):
    pictures, kinds = shapes(140)
    shuffled = np.random.default_rng(1).permutation(kinds)
    found = [
        weights((pictures, kinds), target="kind", clusters=3),
        weights((pictures, shuffled), target="kind", clusters=3),
        weights(pictures, clusters=3),
    ]
    assert all(set(data.train) == {"images"} for data, _ in found)
    for _, other in found[1:]:
        assert all(torch.equal(found[0][1][name], other[name]) for name in other)


@pytest.mark.parametrize(
    "options",
    [
        {"neighbours": 0, "method": "dec", "accumulate": 2},
        {"network": "resnet9", "flip": "on", "epochs": 2, "colour": 0.3},
    ],
)
def test_other_ways_give_answers_too(options, weights):
    task = catalog.find(TASK)(resolve(catalog.find(TASK).Options, {**FAST, "epochs": 1, **options}))
    _, state = weights(shapes(140)[0], clusters=3, **options)
    assert all(torch.isfinite(value).all() for value in state.values())
    facts = task.learn(task.read(shapes(140)[0]))
    assert facts["flip"] is (task.options.flip == "on")


def test_one_cluster_and_patience_are_refused_as_options():
    options = catalog.find(TASK).Options
    with pytest.raises(OptionError, match=r"clusters.*one cluster holds every row"):
        resolve(options, {"clusters": 1})
    with pytest.raises(OptionError, match="patience has no effect"):
        resolve(options, {"patience": 3})


def test_views_that_cannot_differ_are_refused_as_partners():
    still = {"shift": 0, "zoom": 0, "turn": 0, "colour": 0}
    options = catalog.find(TASK).Options
    resolve(options, {**still, "views": 0.5, "flip": "on"})
    with pytest.raises(OptionError, match="views has no effect"):
        resolve(options, {**still, "views": 0.5})


def drawn(task, images, facts):
    """The pictures of the first batch of pretraining, and those that they are drawn to."""
    run = Run(task.options, None)
    net = task.build(facts)
    data = Splits({"images": images}, {"images": images[:5]})
    batch = next(iter(next(task.plan(net, data, facts, run)).batches(0)))
    return np.asarray(batch["images"]), np.asarray(batch["near_images"])


def test_with_views_so_many_pictures_are_drawn_to_themselves():
    rows = shapes(120)[0]
    kind = catalog.find(TASK)
    for views, neighbours, low, high in ((0, 5, 0, 0), (0.5, 5, 0.3, 0.7), (1, 5, 1, 1), (0.1, 0, 1, 1)):
        options = {**FAST, "views": views, "neighbours": neighbours, "batch_size": 120}
        task = kind(resolve(kind.Options, options))
        read = task.read(rows)
        facts = task.learn(read)
        own, near = drawn(task, task.encode(read, facts)["images"], facts)
        assert low <= (own == near).all((1, 2, 3)).mean() <= high


@pytest.mark.parametrize(
    ("count", "options", "said"),
    [
        (3, {}, "3 pictures, among which no groups can be found"),
        (40, {"clusters": 60}, r"60 clusters were asked for.*--clusters"),
        (-40, {}, "all 29 training pictures are equal"),
    ],
)
def test_data_without_groups_to_find_are_refused_before_training(count, options, said, tmp_path):
    pictures = shapes(abs(count))[0]
    if count < 0:
        pictures = np.repeat(pictures[:1], -count, axis=0)
    with pytest.raises(DataError, match=said):
        run(saved(tmp_path / "pictures", pictures), tmp_path / "run", **options)


def test_a_file_that_cannot_be_read_is_named_and_can_be_skipped(tmp_path):
    folder = saved(tmp_path / "pictures", shapes(30)[0])
    (folder / "7.png").write_bytes(b"no picture")
    task = catalog.find(TASK)(resolve(catalog.find(TASK).Options, {}))
    with pytest.raises(DataError, match=r"7\.png.*\n.*--skip-broken"):
        task.read(str(folder))
    task = catalog.find(TASK)(resolve(catalog.find(TASK).Options, {"skip_broken": True}))
    rows = task.read(str(folder))
    assert len(rows) == 29
    assert "skipped" in {concern.kind for concern in rows.concerns()}
