import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepfit.data import image_store
from deepfit.data.image_decode import decode
from deepfit.data.image_sources import FolderTree, MemoryPictures
from deepfit.data.image_store import choose_size, decode_all, gather
from deepfit.errors import TrainingError


def finished(steps):
    """What a generator returns, and what it yielded."""
    yielded = []
    while True:
        try:
            yielded.append(next(steps))
        except StopIteration as end:
            return end.value, yielded


def random_pictures(count, shape=(12, 10), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)


def folder_of(path: Path, arrays, kind="png"):
    path.mkdir(parents=True, exist_ok=True)
    for number, array in enumerate(arrays):
        Image.fromarray(array).save(path / f"{number}.{kind}")
    tree = FolderTree(path)
    return tree.pictures(tree.files)


def test_pictures_of_one_size_are_kept_bit_for_bit(tmp_path):
    arrays = random_pictures(700)
    decoded, yielded = finished(decode_all(folder_of(tmp_path, arrays), threads=2))
    np.testing.assert_array_equal(decoded.images[..., 0], arrays)
    assert yielded[-1] == 700
    assert yielded == sorted(yielded)


def test_the_number_of_threads_changes_nothing(tmp_path):
    rgb = random_pictures(40, (30, 50, 3))
    mixed = [each if number % 3 else each[:20, :, 0] for number, each in enumerate(rgb)]
    pictures = folder_of(tmp_path, mixed)
    one, two = (finished(decode_all(pictures, threads=threads))[0] for threads in (1, 2))
    for name in ("images", "coloured", "shapes", "prints", "signature"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))


def test_one_colour_among_grey_makes_room_for_colour():
    grey = random_pictures(3)
    colour = random_pictures(1, (12, 10, 3))[0]
    decoded, _ = finished(decode_all(MemoryPictures([*grey, colour])))
    np.testing.assert_array_equal(decoded.images[3], colour)
    np.testing.assert_array_equal(decoded.images[1], np.repeat(grey[1][..., None], 3, axis=2))
    assert decoded.coloured.tolist() == [False, False, False, True]


def test_grey_saved_as_rgb_is_not_coloured_and_has_the_print_of_grey():
    grey = random_pictures(1)[0]
    decoded, _ = finished(decode_all(MemoryPictures([np.repeat(grey[..., None], 3, axis=2), grey])))
    assert not decoded.coloured.any()
    assert decoded.prints[0] == decoded.prints[1]


def test_different_pixels_have_different_prints():
    arrays = random_pictures(500)
    arrays[1] = arrays[0]
    arrays[1, 0, 0] ^= 1
    decoded, _ = finished(decode_all(MemoryPictures(arrays)))
    assert len(np.unique(decoded.prints)) == 500


@pytest.mark.parametrize(
    ("shapes", "size"),
    [
        ([[28, 28]] * 3, (28, 28)),
        ([[224, 100]] * 2, (224, 100)),
        ([[480, 640]] * 2, (194, 259)),  # 640/480 kept, 224 * 224 pixels
        ([[28, 28], [30, 28]], (28, 28)),
        ([[100, 300], [150, 120], [130, 500]], (96, 96)),
        ([[1000, 800], [3000, 2000]], (224, 224)),
        ([[5, 9], [9, 6]], (5, 5)),
    ],
)
def test_the_size_is_the_common_one_or_a_standard_square(shapes, size):
    assert choose_size(np.array(shapes)) == size


def test_pictures_of_mixed_sizes_become_what_decoding_each_to_the_size_gives(tmp_path):
    arrays = [random_pictures(1, shape)[0] for shape in ((40, 60), (60, 40), (33, 90))]
    pictures = folder_of(tmp_path, arrays)
    decoded, _ = finished(decode_all(pictures))
    assert decoded.size == (32, 32)
    assert decoded.shapes.tolist() == [[40, 60], [60, 40], [33, 90]]
    for position in range(3):
        np.testing.assert_array_equal(
            decoded.images[position, ..., 0], decode(pictures.open(position), (32, 32))
        )


def test_broken_pictures_are_named_by_position_and_left_black(tmp_path):
    arrays = random_pictures(4)
    pictures = folder_of(tmp_path, arrays)
    (tmp_path / "0.png").write_bytes(b"")
    (tmp_path / "2.png").write_bytes((tmp_path / "2.png").read_bytes()[:60])
    decoded, _ = finished(decode_all(pictures))
    assert set(decoded.broken) == {0, 2}
    assert "zero bytes" in decoded.broken[0]
    assert not decoded.images[[0, 2]].any()
    np.testing.assert_array_equal(decoded.images[[1, 3], ..., 0], arrays[[1, 3]])


def test_the_next_run_finds_what_was_decoded(tmp_path, monkeypatch):
    arrays = random_pictures(5, (12, 10, 3))
    pictures = folder_of(tmp_path / "in", arrays)
    (tmp_path / "in" / "3.png").write_bytes(b"")
    first, _ = finished(decode_all(pictures, folder=tmp_path / "cache"))
    monkeypatch.setattr(image_store, "_fill", None)  # would fail if anything were decoded again
    again, yielded = finished(decode_all(pictures, folder=tmp_path / "cache"))
    assert yielded == [5]
    assert again.broken == first.broken
    for name in ("images", "coloured", "shapes", "prints", "signature"):
        np.testing.assert_array_equal(getattr(again, name), getattr(first, name))


def test_a_changed_picture_or_size_is_decoded_anew(tmp_path):
    pictures = folder_of(tmp_path / "in", random_pictures(3))
    cache = tmp_path / "cache"
    finished(decode_all(pictures, folder=cache))
    changed = random_pictures(3, seed=1)
    os.utime(folder_of(tmp_path / "in", changed)._paths[0], ns=(1, 1))
    decoded, _ = finished(decode_all(pictures, folder=cache))
    np.testing.assert_array_equal(decoded.images[..., 0], changed)
    finished(decode_all(pictures, size=(6, 6), folder=cache))
    assert len(list(cache.iterdir())) == 3


def test_writing_to_the_array_leaves_the_file_alone(tmp_path):
    arrays = random_pictures(3)
    pictures = folder_of(tmp_path / "in", arrays)
    decoded, _ = finished(decode_all(pictures, folder=tmp_path / "cache"))
    decoded.images[:] = 0
    again, _ = finished(decode_all(pictures, folder=tmp_path / "cache"))
    np.testing.assert_array_equal(again.images[..., 0], arrays)


def test_more_than_memory_allows_goes_to_a_temporary_file_that_vanishes(tmp_path, monkeypatch):
    monkeypatch.setattr(image_store, "MEMORY_LIMIT", 100)
    monkeypatch.setattr(image_store.tempfile, "tempdir", str(tmp_path))
    arrays = random_pictures(20)
    decoded, _ = finished(decode_all(MemoryPictures(arrays)))
    assert isinstance(decoded.images, np.memmap)
    np.testing.assert_array_equal(decoded.images[..., 0], arrays)
    assert len(list(tmp_path.iterdir())) == 1
    del decoded
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path, monkeypatch):
    pictures = folder_of(tmp_path / "in", random_pictures(3))

    def full(self, *_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(image_store.os, "fsync", full)
    with pytest.raises(TrainingError, match="need 1 MB there: No space left"):
        finished(decode_all(pictures, folder=tmp_path / "cache"))
    assert list((tmp_path / "cache").iterdir()) == []


def test_stopping_early_leaves_nothing(tmp_path):
    pictures = folder_of(tmp_path / "in", random_pictures(600))
    steps = decode_all(pictures, folder=tmp_path / "cache")
    next(steps)
    steps.close()
    assert list((tmp_path / "cache").iterdir()) == []


KILLED = """
import os, sys
from pathlib import Path
from deepfit.data.image_sources import FolderTree
from deepfit.data.image_store import decode_all
tree = FolderTree(Path(sys.argv[1]))
for _ in decode_all(tree.pictures(tree.files), folder=Path(sys.argv[2])):
    os.kill(os.getpid(), 9)
"""


def test_a_killed_run_leaves_nothing_that_looks_whole(tmp_path):
    arrays = random_pictures(600)
    pictures = folder_of(tmp_path / "in", arrays)
    source = str(Path(image_store.__file__).parents[2])
    command = [sys.executable, "-c", KILLED, str(tmp_path / "in"), str(tmp_path / "cache")]
    result = subprocess.run(command, env={**os.environ, "PYTHONPATH": source}, timeout=60, check=False)
    assert result.returncode == -9
    assert [each.suffix for each in (tmp_path / "cache").iterdir()] == [".part"]
    decoded, _ = finished(decode_all(pictures, folder=tmp_path / "cache"))
    np.testing.assert_array_equal(decoded.images[..., 0], arrays)


def test_two_processes_may_decode_the_same_pictures_at_once(tmp_path):
    arrays = random_pictures(600)
    pictures = folder_of(tmp_path / "in", arrays)
    one, two = (decode_all(pictures, folder=tmp_path / "cache") for _ in range(2))
    next(one)
    next(two)
    for each in (one, two):
        np.testing.assert_array_equal(finished(each)[0].images[..., 0], arrays)
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_what_is_kept_holds_no_pickle(tmp_path):
    pictures = folder_of(tmp_path / "in", random_pictures(3))
    finished(decode_all(pictures, folder=tmp_path / "cache"))
    place = next((tmp_path / "cache").iterdir())
    assert sorted(each.name for each in place.iterdir()) == ["images.npy", "rows.npz"]
    np.load(place / "images.npy", allow_pickle=False)
    with np.load(place / "rows.npz", allow_pickle=False) as rows:
        assert all(rows[name].dtype != object for name in rows.files)
        assert json.loads(rows["broken"].tobytes()) == {}


def test_neighbours_are_gathered_as_a_view_and_others_in_their_order():
    images = random_pictures(6)[..., None]
    assert np.shares_memory(gather(images, np.arange(2, 5), 1), images)
    np.testing.assert_array_equal(gather(images, np.array([5, 0, 0]), 1), images[[5, 0, 0]])
    assert gather(images, np.array([], np.int64), 1).shape == (0, 12, 10, 1)


def test_grey_is_gathered_as_pillow_makes_it():
    images = random_pictures(5, (12, 10, 3))
    expected = [np.asarray(Image.fromarray(each).convert("L")) for each in images[[3, 1]]]
    np.testing.assert_array_equal(gather(images, np.array([3, 1]), 1)[..., 0], expected)


def test_grey_gathered_as_colour_and_back_is_unchanged():
    images = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    coloured = gather(images, np.array([0]), 3)
    np.testing.assert_array_equal(gather(coloured, np.array([0]), 1), images)
