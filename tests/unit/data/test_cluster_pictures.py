"""Pictures for clustering: known groups only where they are named, points, sizes, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from deepfit.data.cluster_pictures import (
    FEWEST,
    check_pictures,
    judged_mirror,
    learn_cluster_pictures,
    points,
    read_cluster_pictures,
)
from deepfit.errors import DataError


def pictures(rows=30, height=10, width=12, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (rows, height, width), dtype=np.uint8)


def saved(folder, images, groups=None):
    """A folder of PNGs, each in the folder of its group where there are groups."""
    for row, image in enumerate(images):
        place = folder if groups is None else folder / str(groups[row])
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{row}.png")
    return folder


def read(source, *, target=None, skip_broken=False, facts=None):
    return read_cluster_pictures(source, target=target, skip_broken=skip_broken, facts=facts)


def test_folders_are_known_groups_only_where_a_target_names_them(tmp_path):
    groups = ["cat", "dog"] * 15
    folder = saved(tmp_path / "pets", pictures(), groups)
    named, unnamed = read(folder, target="animal"), read(folder)
    assert sorted(set(named.target())) == ["cat", "dog"]
    assert unnamed.target() is None
    assert len(unnamed) == len(named) == 30
    said = [concern.message for concern in unnamed.concerns() if concern.kind == "groups"]
    assert len(said) == 1
    assert "2 folders or labels (cat, dog)" in said[0]
    assert "--target label" in said[0]
    assert not [concern for concern in named.concerns() if concern.kind == "groups"]


def test_labels_beside_an_array_are_looked_at_only_where_a_target_names_them():
    labels = np.arange(30) % 3
    assert read((pictures(), labels), target="kind").target().tolist() == labels.tolist()
    assert read((pictures(), labels)).target() is None


def test_a_target_that_is_nowhere_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"no known groups for --target kind"):
        read(saved(tmp_path, pictures()), target="kind")


def test_pictures_to_predict_may_be_few_and_without_groups(tmp_path):
    rows = read(saved(tmp_path, pictures(1)), target="kind", facts={"size": [5, 6]})
    assert rows.pixels((5, 6), 1).shape == (1, 5, 6, 1)


def test_three_pictures_are_too_few():
    with pytest.raises(DataError, match=f"3 pictures.*at least {FEWEST}"):
        read(pictures(3))


def test_points_are_means_over_blocks_on_the_scale_of_1():
    images = pictures(2, 32, 48)[..., None]
    wanted = images.reshape(2, 16, 2, 16, 3).mean((2, 4)).reshape(2, -1) / 255
    np.testing.assert_allclose(points(images), wanted, atol=1e-6)
    few = pictures(2, 10, 12)[..., None]
    np.testing.assert_allclose(points(few), few.reshape(2, -1) / 255, atol=1e-6)


def test_pictures_keep_their_size_up_to_64_pixels_and_larger_ones_become_a_square_of_that():
    assert learn_cluster_pictures(read(pictures(20, 40, 64)), 0)["size"] == [40, 64]
    assert learn_cluster_pictures(read(pictures(20, 40, 65)), 0)["size"] == [64, 64]
    assert learn_cluster_pictures(read(pictures(20, 40, 65)), 20)["size"] == [20, 20]


def test_equal_pictures_and_more_clusters_than_pictures_are_refused():
    same = read(np.repeat(pictures(1), 40, axis=0))
    with pytest.raises(DataError, match="all 40 training pictures are equal"):
        check_pictures(same, same.pixels((10, 12), 1), 0)
    rows = read(pictures(30))
    images = rows.pixels((10, 12), 1)
    check_pictures(rows, images, 29)
    with pytest.raises(DataError, match=r"30 clusters were asked for, and there are 30 training rows"):
        check_pictures(rows, images, 30)
    twice = read(np.concatenate([pictures(15)] * 2))
    with pytest.raises(DataError, match=r"20 clusters.*30 training rows, 15 of them different"):
        check_pictures(twice, twice.pixels((10, 12), 1), 20)


def test_mirrored_digits_do_not_stay_among_their_like_and_symmetric_pictures_do():
    digits = (load_digits().images * 15).astype(np.uint8)[..., None]
    mirror = judged_mirror(digits, seed=0)
    assert not mirror.harmless
    assert "group of like pictures" in mirror.why
    symmetric = np.concatenate([digits[:600], digits[:600, :, ::-1]], axis=2)
    assert judged_mirror(symmetric, seed=0).harmless
