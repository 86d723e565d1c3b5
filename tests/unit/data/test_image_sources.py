import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepfit.data.image_decode import decode
from deepfit.data.image_sources import FilePictures, FolderTree, natural, pictures_from_memory
from deepfit.errors import DataError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


def test_files_come_in_natural_order_whatever_the_file_system_says(tmp_path):
    touch(tmp_path, "b/10.png", "b/9.png", "B/1.png", "a/x.png", "b2/1.png", "b10/1.png")
    assert FolderTree(tmp_path).files == [
        "a/x.png",
        "B/1.png",
        "b/9.png",
        "b/10.png",
        "b2/1.png",
        "b10/1.png",
    ]


def test_hidden_files_and_the_folders_of_macos_are_passed_over(tmp_path):
    touch(tmp_path, "a/1.png", "a/._1.png", ".cache/2.png", "__MACOSX/a/1.png", "a/.DS_Store")
    assert FolderTree(tmp_path).files == ["a/1.png"]


def test_links_are_followed_but_not_in_circles(tmp_path):
    touch(tmp_path, "real/1.png", "photos/cat/2.png")
    os.symlink(tmp_path / "real", tmp_path / "photos" / "dog")
    os.symlink(tmp_path / "photos", tmp_path / "photos" / "cat" / "again")
    tree = FolderTree(tmp_path / "photos")
    assert tree.files == ["cat/2.png", "dog/1.png"]
    assert tree.links == {"dog/1.png"}
    assert tree.leaves("dog/1.png")
    assert not tree.leaves("cat/2.png")


def test_the_identity_of_files_changes_with_their_content(tmp_path):
    touch(tmp_path, "1.png")
    pictures = FilePictures("x", ["1.png"], [str(tmp_path / "1.png")])
    before = pictures.identity()
    assert pictures.identity() == before
    (tmp_path / "1.png").write_bytes(b"longer")
    assert pictures.identity() != before


def test_natural_order_is_total():
    names = ["a1", "A1", "a01", "a", "1", "01", "", "a1b2", "a1b10"]
    assert sorted(names, key=natural) == sorted(reversed(names), key=natural)


@pytest.mark.parametrize("shape", [(2, 4, 5), (2, 4, 5, 1), (2, 4, 5, 3)])
def test_rows_of_an_array_decode_to_themselves(shape):
    array = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    pictures = pictures_from_memory(array)
    for row in range(2):
        expected = array[row, ..., 0] if shape[-1] == 1 else array[row]
        np.testing.assert_array_equal(decode(pictures.open(row)), expected)


def test_four_channels_of_an_array_are_laid_over_white():
    array = np.zeros((1, 2, 2, 4), np.uint8)
    array[0, 0, 0] = [10, 20, 30, 255]
    found = decode(pictures_from_memory(array).open(0))
    np.testing.assert_array_equal(found, [[[10, 20, 30], [255] * 3], [[255] * 3, [255] * 3]])


def test_a_pillow_picture_given_stays_as_it_was():
    picture = Image.new("RGB", (40, 40), (1, 2, 3))
    decode(pictures_from_memory([picture]).open(0), (4, 4))
    assert picture.size == (40, 40)
    assert picture.mode == "RGB"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (np.zeros((2, 4), np.uint8), r"received \[2, 4\]"),
        (np.zeros((2, 4, 4), np.float32), "expected uint8 .* received float32"),
        (np.zeros((2, 4, 4, 7), np.uint8), "1 to 4 channels"),
        (np.zeros((2, 3, 28, 28), np.uint8), "Channels come last"),
        (np.zeros((28, 28, 3), np.uint8), "looks like one picture"),
        (np.zeros((0, 28, 28), np.uint8), "nothing in it"),
        ([], "is empty"),
        (["no/such.png"], r"no file no/such\.png"),
        ([Image.new("L", (2, 2)), 5], "Picture 1 of the list: .* received int"),
        ([np.zeros((2, 2, 2, 2), np.uint8)], "Picture 0 of the list"),
    ],
)
def test_what_is_not_pictures_is_explained(source, words):
    with pytest.raises(DataError, match=words):
        pictures_from_memory(source)


def test_something_else_is_left_to_others():
    assert pictures_from_memory({"a": 1}) is None
