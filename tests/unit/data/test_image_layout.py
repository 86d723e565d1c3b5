"""Which label and part each picture gets, and what contradicts itself; files here are names only."""

import os

import polars
import pytest

from deepfit.data.image_layout import lay_out
from deepfit.data.image_sources import FolderTree
from deepfit.errors import DataError


def tree(folder, *names, **tables):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x")
    return FolderTree(folder)


def read(opened, target="label", *, require_labels=True, skip_missing=False):
    return lay_out(opened, target, require_labels=require_labels, skip_missing=skip_missing)


def table(folder, rows, name="metadata.csv"):
    folder.mkdir(parents=True, exist_ok=True)
    frame = polars.DataFrame(rows)
    write = {"csv": frame.write_csv, "jsonl": frame.write_ndjson, "parquet": frame.write_parquet}
    write[name.split(".")[1]](folder / name)


def kinds(layout):
    return [concern.kind for concern in layout.concerns]


def test_the_first_folder_is_the_class(tmp_path):
    layout = read(tree(tmp_path, "cat/1.png", "cat/deep/2.jpg", "dog/1.png"))
    assert list(zip(layout.files, layout.labels, strict=True)) == [
        ("cat/1.png", "cat"),
        ("cat/deep/2.jpg", "cat"),
        ("dog/1.png", "dog"),
    ]
    assert layout.parts is None


@pytest.mark.parametrize("valid", ["valid", "val", "validation", "Valid"])
def test_folders_of_parts_give_the_parts_in_order(tmp_path, valid):
    layout = read(
        tree(tmp_path, "test/cat/1.png", f"{valid}/cat/2.png", "train/cat/3.png", "train/dog/4.png")
    )
    assert layout.parts.tolist() == ["train", "train", "valid", "test"]
    assert layout.labels.tolist() == ["cat", "dog", "cat", "cat"]
    assert layout.files[0] == "train/cat/3.png"


def test_one_further_top_folder_makes_no_difference(tmp_path):
    layout = read(
        tree(
            tmp_path, "photos/train/cat/1.png", "photos/train/dog/1.png", "photos/test/cat/2.png", "readme.md"
        )
    )
    assert layout.labels.tolist() == ["cat", "dog", "cat"]
    assert layout.parts.tolist() == ["train", "train", "test"]


def test_classes_may_be_called_like_parts(tmp_path):
    layout = read(tree(tmp_path, "train/1.png", "tram/1.png"))
    assert layout.labels.tolist() == ["train", "tram"]
    assert layout.parts is None


def test_files_that_are_no_pictures_are_counted(tmp_path):
    layout = read(tree(tmp_path, "cat/1.png", "cat/notes.txt", "dog/1.png", "dog/Thumbs.db"))
    assert len(layout.files) == 2
    assert layout.concerns[0].message.startswith("2 files are no pictures")


def test_pictures_beside_the_class_folders_are_counted(tmp_path):
    layout = read(tree(tmp_path, "cat/1.png", "dog/1.png", "stray.png"))
    assert layout.files == ["cat/1.png", "dog/1.png"]
    assert kinds(layout) == ["ignored"]


def test_without_labels_every_picture_counts(tmp_path):
    layout = read(tree(tmp_path, "1.png", "2.png", "more/3.png"), require_labels=False)
    assert len(layout.files) == 3
    assert layout.labels is None


@pytest.mark.parametrize("name", ["metadata.csv", "metadata.jsonl", "metadata.parquet"])
def test_metadata_gives_labels_and_further_columns(tmp_path, name):
    table(tmp_path, {"file_name": ["b.png", "sub/a.png"], "label": ["x", "y"], "age": [3, 4]}, name)
    layout = read(tree(tmp_path, "b.png", "sub/a.png"))
    assert layout.files == ["b.png", "sub/a.png"]
    assert layout.labels.tolist() == ["x", "y"]
    assert layout.columns["age"].tolist() == [3, 4]


def test_metadata_inside_parts_is_relative_to_the_part(tmp_path):
    table(tmp_path / "train", {"file_name": ["1.png", "2.png"], "label": [0, 1], "extra": [1, 2]})
    table(tmp_path / "test", {"file_name": ["1.png"], "label": [1]})
    layout = read(tree(tmp_path, "train/1.png", "train/2.png", "test/1.png"))
    assert layout.files == ["train/1.png", "train/2.png", "test/1.png"]
    assert layout.parts.tolist() == ["train", "train", "test"]
    assert layout.labels.tolist() == [0, 1, 1]
    assert layout.columns == {}


def test_metadata_above_the_parts_takes_them_from_the_names(tmp_path):
    table(tmp_path, {"file_name": ["train/1.png", "test/1.png"], "label": ["a", "b"]})
    assert read(tree(tmp_path, "train/1.png", "test/1.png")).parts.tolist() == ["train", "test"]


def test_pictures_that_metadata_does_not_name_are_counted(tmp_path):
    table(tmp_path, {"file_name": ["1.png"], "label": ["a"]})
    layout = read(tree(tmp_path, "1.png", "2.png"))
    assert layout.files == ["1.png"]
    assert "1 pictures are not named there" in layout.concerns[0].message
    assert "2.png" in layout.concerns[0].message


@pytest.mark.parametrize("name", ["../1.png", "a/../../1.png", "/etc/1.png", "..\\1.png", "C:\\1.png"])
def test_metadata_that_leaves_the_folder_is_refused_with_its_row(tmp_path, name):
    table(tmp_path, {"file_name": ["1.png", name], "label": ["a", "b"]})
    with pytest.raises(DataError, match=r"metadata\.csv, row 2: .* leaves the folder"):
        read(tree(tmp_path, "1.png"), skip_missing=True)


def test_metadata_that_leaves_the_folder_by_a_link_is_refused(tmp_path):
    tree(tmp_path, "secret.png", "photos/2.png")
    os.symlink(tmp_path / "secret.png", tmp_path / "photos" / "1.png")
    table(tmp_path / "photos", {"file_name": ["2.png", "1.png"], "label": ["a", "b"]})
    with pytest.raises(DataError, match=r"row 2: '1\.png' is a link that leaves the folder"):
        read(FolderTree(tmp_path / "photos"))


def test_missing_pictures_stop_or_are_skipped_with_their_names(tmp_path):
    table(tmp_path, {"file_name": ["1.png", "gone.png"], "label": ["a", "b"]})
    opened = tree(tmp_path, "1.png")
    with pytest.raises(DataError, match=r"names 1 pictures that are not there: row 2: 'gone\.png'"):
        read(opened)
    layout = read(opened, skip_missing=True)
    assert layout.labels.tolist() == ["a"]
    assert "gone.png" in layout.concerns[0].message


def test_labels_of_text_that_looks_like_numbers_in_one_part_become_text_in_all(tmp_path):
    table(tmp_path / "train", {"file_name": ["1.png"], "label": [7]})
    table(tmp_path / "test", {"file_name": ["1.png"], "label": ["x"]})
    assert read(tree(tmp_path, "train/1.png", "test/1.png")).labels.tolist() == ["7", "x"]


ROWS = {"file_name": ["1.png"], "label": ["a"]}


@pytest.mark.parametrize(
    ("rows", "target", "words"),
    [
        (ROWS, "lable", "no column 'lable'.*Did you mean 'label'"),
        ({"filename": ["1.png"], "label": ["a"]}, "label", "no column 'file_name'.*Did you mean 'filename'"),
        ({"file_name": ["1.png"], "label": [None]}, "label", "no label in 1 rows: 1"),
        (
            {"file_name": [None], "label": ["a"]},
            "label",
            "row 1: expected the name of a picture, received None",
        ),
        ({"file_name": [3], "label": ["a"]}, "label", "row 1: expected the name of a picture, received 3"),
        (ROWS, "file_name", "no column 'file_name' with the labels|cannot be the target"),
    ],
)
def test_what_is_wrong_with_metadata_is_named(tmp_path, rows, target, words):
    table(tmp_path, rows, "metadata.parquet")
    with pytest.raises(DataError, match=words):
        read(tree(tmp_path, "1.png"), target)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"file_name,label\n", "has no rows"),
        (b"file_name,label\n1.png,a,b,c\n", "cannot be read"),
        (b"file_name,label\n1.png,\xff\xfe\n", "cannot be read"),
    ],
)
def test_metadata_that_cannot_be_read_is_named(tmp_path, content, words):
    opened = tree(tmp_path, "1.png", "metadata.csv")
    (tmp_path / "metadata.csv").write_bytes(content)
    with pytest.raises(DataError, match=rf"metadata\.csv {words}"):
        read(opened)


def test_two_metadata_tables_are_one_too_many(tmp_path):
    table(tmp_path, ROWS)
    table(tmp_path, ROWS, "metadata.jsonl")
    with pytest.raises(DataError, match="Keep one"):
        read(tree(tmp_path, "1.png"))


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "holds no picture"),
        (["readme.txt", "cat/notes.txt"], "holds no picture"),
        (["1.png", "2.png"], "have no labels. Put each class into a folder"),
        (["train/cat/1.png", "test/1.png"], "test/: its 1 pictures have no labels"),
        (["train/cat/1.png", "dog/1.png"], "beside them folders with pictures: dog"),
        (["train/cat/1.png", "test/notes.txt", "test/cat/a.txt"], None),
    ],
)
def test_folders_without_a_meaning_are_explained(tmp_path, names, words):
    opened = tree(tmp_path, *names)
    if words is None:
        assert read(opened).parts.tolist() == ["train"]
        return
    with pytest.raises(DataError, match=words):
        read(opened)
