"""Pictures with captions in every layout, captions alone, and what is said where a caption is missing."""

from __future__ import annotations

import zipfile

import numpy as np
import polars as pl
import pytest
from PIL import Image

from deepfit.data.captions import read_captions, recognise
from deepfit.errors import DataError

SHADES = {"a.png": 10, "b.png": 120, "c.png": 240}
CAPTIONS = ["a dark wall", "a grey wall", "a bright wall"]


def draw(folder, names=tuple(SHADES)):
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        pixels = np.full((8, 8), SHADES.get(name.split("/")[-1], number * 40 % 256), np.uint8)
        pixels[number % 8] = 255 - pixels[number % 8]
        (folder / name).parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(folder / name)
    return folder


def with_metadata(folder, captions=CAPTIONS, ending="csv", column="text", **further):
    table = pl.DataFrame({"file_name": list(SHADES), column: captions, **further})
    path = folder / f"metadata.{ending}"
    {"csv": table.write_csv, "jsonl": table.write_ndjson, "parquet": table.write_parquet}[ending](path)
    return folder


def with_files(folder, captions=CAPTIONS):
    for name, caption in zip(SHADES, captions, strict=True):
        (folder / name).with_suffix(".txt").write_text(caption, encoding="utf-8")
    return folder


def shade(rows, row):
    return int(rows.picture(row)[7, 7, 0])


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_metadata_gives_each_picture_its_caption_and_further_columns(tmp_path, ending):
    rows = read_captions(with_metadata(draw(tmp_path / "p"), ending=ending, place=["x", "y", "z"]))
    assert rows.captions.tolist() == CAPTIONS
    assert rows.column("file").tolist() == list(SHADES)
    assert rows.column("place").tolist() == ["x", "y", "z"]
    assert [shade(rows, row) for row in range(3)] == list(SHADES.values())
    assert rows.target() is None  # three captions of one picture each are texts of their own


def test_another_column_can_hold_the_captions_and_numbers_are_captions_too(tmp_path):
    folder = with_metadata(draw(tmp_path / "p"), [3, 5, 8], column="digit")
    assert read_captions(folder, text="digit").captions.tolist() == ["3", "5", "8"]


def test_a_text_file_beside_each_picture_is_its_caption(tmp_path):
    folder = with_files(draw(tmp_path / "p"), ["a dark wall\n", "élan", "  bright "])
    (folder / "notes.md").write_text("nothing")
    rows = read_captions(folder)
    assert rows.captions.tolist() == ["a dark wall", "élan", "bright"]
    assert [each.message for each in rows.concerns() if each.kind == "ignored"] == [
        "1 files are neither pictures nor captions and were passed over."
    ]


def test_names_of_folders_are_captions_with_spaces(tmp_path):
    names = [f"{folder}/{number}.png" for folder in ("red_t-shirt", "ankle-boot") for number in range(2)]
    rows = read_captions(draw(tmp_path / "p", names))
    assert sorted(set(rows.captions)) == ["ankle boot", "red t shirt"]
    assert rows.captions[rows.column("file") == "ankle-boot/0.png"].tolist() == ["ankle boot"]


def test_a_zip_is_read_like_a_folder(tmp_path):
    folder = with_metadata(draw(tmp_path / "p"))
    with zipfile.ZipFile(tmp_path / "p.zip", "w") as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    assert read_captions(tmp_path / "p.zip").captions.tolist() == CAPTIONS


@pytest.mark.parametrize("add", [with_metadata, with_files])
def test_parts_are_those_of_the_folders(tmp_path, add):
    for part in ("train", "val", "test"):
        add(draw(tmp_path / "p" / part))
    rows = read_captions(tmp_path / "p")
    assert sorted(rows.parts().tolist()) == ["test"] * 3 + ["train"] * 3 + ["valid"] * 3
    assert rows.take(np.flatnonzero(rows.parts() == "test")).captions.tolist() == CAPTIONS


def test_pictures_and_captions_in_memory():
    images = np.random.default_rng(0).integers(0, 256, (4, 6, 6, 3), dtype=np.uint8)
    rows = read_captions((images, ["red", "green", "blue", "red"]))
    assert rows.take(np.array([2, 0])).captions.tolist() == ["blue", "red"]
    np.testing.assert_array_equal(rows.take(np.array([2])).picture(0), images[2])


@pytest.mark.parametrize(
    "captions", [["red"], ["red", "green", "blue", ""], ["red", None, "a", "b"], [1, 2, 3, 4]]
)
def test_captions_in_memory_that_do_not_fit_are_refused(captions):
    images = np.zeros((4, 6, 6, 3), np.uint8)
    with pytest.raises(DataError, match="caption"):
        read_captions((images, captions))


def test_few_captions_with_many_pictures_each_are_kinds_that_a_split_keeps():
    images = np.random.default_rng(0).integers(0, 256, (30, 6, 6), dtype=np.uint8)
    kinds = read_captions((images, ["a cat", "a dog", "a cow"] * 10))
    assert kinds.target().tolist() == ["a cat", "a dog", "a cow"] * 10
    assert kinds.take(np.arange(2)).target().tolist() == ["a cat", "a dog"]
    assert read_captions((images, ["a cat"] * 29 + ["a dog"])).target() is None
    assert read_captions((images, ["a cat"] * 30)).target() is None


def test_captions_of_which_the_training_part_lacks_one_are_no_kinds(tmp_path):
    for part, colours in (("train", ("red", "blue")), ("test", ("red", "green"))):
        draw(tmp_path / part, [f"{colour}/{number}.png" for colour in colours for number in range(12)])
    assert read_captions(tmp_path).target() is None


def test_captions_alone_are_read_for_prediction(tmp_path):
    pl.DataFrame({"id": [7, 8, 9], "text": ["a cat", "a dog", "a cat"]}).write_csv(tmp_path / "asked.csv")
    rows = read_captions(tmp_path / "asked.csv", training=False)
    assert rows.pictured is None
    assert rows.keys()["text"].tolist() == ["a cat", "a dog", "a cat"]
    assert len(set(rows.fingerprints().tolist())) == 3  # asked for twice: two pictures
    again = read_captions(["a dog", "a cat"], training=False)
    assert again.fingerprints()[0] == rows.fingerprints()[1]
    assert again.fingerprints()[1] == rows.fingerprints()[0]
    with pytest.raises(DataError, match="captions alone"):
        rows.labelled()
    with pytest.raises(DataError, match="captions alone"):
        rows.picture(0)


def test_pictures_with_captions_are_read_for_evaluation_too(tmp_path):
    rows = read_captions(with_metadata(draw(tmp_path / "p")), training=False, size=(4, 4))
    assert rows.labelled() is rows
    assert rows.picture(0).shape == (4, 4, 1)


def missing_caption(folder):
    return with_metadata(draw(folder), ["a", None, "c"])


def blank_caption(folder):
    return with_metadata(draw(folder), ["a", "b", "  "], "jsonl")


def no_word(folder):
    return with_metadata(draw(folder), ["a", "?!", "c"])


def empty_in_part(folder):
    with_metadata(draw(folder / "train"))
    with_metadata(draw(folder / "test"), ["a", "", "c"], "jsonl")
    return folder


def empty_file(folder):
    return with_files(draw(folder), ["a", "", "c"])


def one_file_lacks(folder):
    with_files(draw(folder))
    (folder / "b.txt").unlink()
    return folder


def not_utf8(folder):
    with_files(draw(folder))
    (folder / "b.txt").write_bytes(b"caf\xe9")
    return folder


def other_column(folder):
    return with_metadata(draw(folder), column="texts")


def nothing(folder):
    return draw(folder)


def parts_without_captions(folder):
    draw(folder / "train")
    draw(folder / "test")
    return folder


FAULTS = [
    (missing_caption, r"metadata, row 2, 'b.png': the caption is empty"),
    (blank_caption, r"metadata, row 3, 'c.png': the caption is empty"),
    (no_word, r"b.png: the caption '\?!' has no word"),
    (empty_in_part, r"metadata, row 2, 'test/b.png': the caption is empty"),
    (empty_file, r"b.txt, row 1: the caption is empty"),
    (one_file_lacks, r"1 of 3 pictures have no .txt file beside them: b.png"),
    (not_utf8, r"b.txt, byte 4: received"),
    (other_column, r"no column 'text' with the captions. Did you mean 'texts'\?"),
    (nothing, r"its 3 pictures have no captions.*metadata.csv"),
    (parts_without_captions, r"its 6 pictures have no captions"),
]


@pytest.mark.parametrize(("make", "said"), FAULTS, ids=lambda each: getattr(each, "__name__", ""))
def test_a_caption_that_is_not_there_is_named_by_file_and_row(tmp_path, make, said):
    with pytest.raises(DataError, match=said):
        read_captions(make(tmp_path / "p"))


def test_a_table_alone_cannot_be_trained_on_and_an_empty_row_of_it_is_named(tmp_path):
    path = tmp_path / "asked.csv"
    path.write_text("text,n\na cat,1\n,2\n")
    with pytest.raises(DataError, match=r"metadata\.csv"):
        read_captions(path)
    with pytest.raises(DataError, match=r"asked.csv: row 3: the caption is empty"):
        read_captions(path, training=False)
    with pytest.raises(DataError, match=r"no .* 'caption'"):
        read_captions(path, text="caption", training=False)
    with pytest.raises(DataError, match="pair"):
        read_captions(["a cat"])


def test_missing_pictures_are_skipped_where_that_is_asked_for(tmp_path):
    folder = with_metadata(draw(tmp_path / "p"), ["a", "b", "c"])
    (folder / "a.png").unlink()
    (folder / "b.png").write_bytes(b"no picture")
    rows = read_captions(folder, skip_broken=True)
    assert rows.captions.tolist() == ["c"]
    with_metadata(folder, ["a", "b", None])
    with pytest.raises(DataError, match=r"metadata, 'c.png': the caption is empty"):
        read_captions(folder, skip_broken=True)


def test_captions_are_recognised_before_anything_is_decoded(tmp_path):
    assert "metadata.csv" in recognise(with_metadata(draw(tmp_path / "a")))
    assert ".txt" in recognise(with_files(draw(tmp_path / "b" / "train")).parent)
    assert recognise(draw(tmp_path / "c", ["red/1.png", "blue/1.png"])) is None
    assert recognise(with_metadata(draw(tmp_path / "d"), column="label")) is None
    assert recognise(tmp_path / "nowhere") is None
