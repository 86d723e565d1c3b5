"""From any source to rows and arrays."""

import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepfit.data.images import encode_images, learn_images, read_images, recognise, shared
from deepfit.errors import DataError


def pixels(seed, shape=(16, 16)):
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def photos(root: Path, parts=("",), classes=("cat", "dog"), each=3, shape=(16, 16)) -> Path:
    number = 0
    for part in parts:
        for label in classes:
            for name in range(each):
                path = root / part / label / f"{name}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels(number, shape)).save(path)
                number += 1
    return root


def packed(folder: Path, top="") -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, top + str(file.relative_to(folder)))
    return path


def test_a_folder_gives_files_labels_parts_and_pixels(tmp_path):
    rows = read_images(photos(tmp_path / "photos", ("train", "test")))
    assert len(rows) == 12
    assert rows.column("file")[0] == "train/cat/0.png"
    assert rows.target()[[0, 3, 6]].tolist() == ["cat", "dog", "cat"]
    assert rows.column("label").tolist() == rows.target().tolist()
    assert rows.parts()[[0, 11]].tolist() == ["train", "test"]
    np.testing.assert_array_equal(rows.picture(4)[..., 0], pixels(4))


@pytest.mark.parametrize("top", ["", "photos/"])
def test_a_zip_gives_the_same_as_its_folder(tmp_path, top):
    folder = photos(tmp_path / "photos", ("train", "test"))
    one, other = read_images(folder), read_images(packed(folder, top))
    assert one.target().tolist() == other.target().tolist()
    assert one.parts().tolist() == other.parts().tolist()
    facts = learn_images(one)
    assert facts == learn_images(other)
    np.testing.assert_array_equal(encode_images(one, facts)["images"], encode_images(other, facts)["images"])
    np.testing.assert_array_equal(one.fingerprints(), other.fingerprints())


def test_metadata_in_a_zip_gives_the_labels(tmp_path):
    folder = photos(tmp_path / "photos", classes=("all",), each=4)
    (folder / "metadata.csv").write_text(
        "file_name,label,camera\n" + "".join(f"all/{n}.png,{n % 2},x{n}\n" for n in range(4))
    )
    rows = read_images(packed(folder))
    assert rows.target().tolist() == [0, 1, 0, 1]
    assert rows.column("camera").tolist() == ["x0", "x1", "x2", "x3"]


def test_a_misspelt_column_gets_a_suggestion(tmp_path):
    rows = read_images(photos(tmp_path / "photos"))
    with pytest.raises(DataError, match=r"no column 'lable'.*Did you mean 'label'"):
        rows.column("lable")


def test_taking_rows_shares_the_pixels(tmp_path):
    rows = read_images(photos(tmp_path / "photos"))
    taken = rows.take(np.array([5, 0])).take(np.array([1]))
    assert taken.column("file").tolist() == ["cat/0.png"]
    assert np.shares_memory(taken.picture(0), rows.picture(0))
    np.testing.assert_array_equal(taken.fingerprints(), rows.fingerprints()[:1])


def test_progress_ends_at_all_pictures(tmp_path):
    seen = []
    read_images(photos(tmp_path / "photos"), progress=lambda done, count: seen.append((done, count)))
    assert seen[-1] == (6, 6)


def test_facts_are_those_of_the_training_rows_alone():
    train = pixels(0, (10, 8, 8, 3))
    rows = read_images((np.concatenate([train, np.full((10, 8, 8, 3), 255, np.uint8)]), np.tile([10, 2], 10)))
    facts = learn_images(rows.take(np.arange(10)))
    np.testing.assert_allclose(facts["mean"], (train / 255).mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(facts["std"], (train / 255).std(axis=(0, 1, 2)), rtol=1e-12)
    assert facts["classes"] == [2, 10]
    assert facts["size"] == [8, 8]
    assert facts["channels"] == 3


def test_classes_are_in_natural_order():
    rows = read_images((pixels(0, (6, 8, 8)), ["c10", "c9", "c1"] * 2))
    assert learn_images(rows)["classes"] == ["c1", "c9", "c10"]
    assert encode_images(rows, learn_images(rows))["target"].tolist() == [2, 1, 0] * 2


def test_colour_files_without_colour_make_one_channel():
    grey = np.repeat(pixels(0, (4, 8, 8, 1)), 3, axis=3)
    facts = learn_images(read_images((grey, ["a", "b"] * 2)))
    assert facts["channels"] == 1
    assert len(facts["mean"]) == 1


def test_a_flat_channel_keeps_a_finite_scale():
    flat = np.full((4, 8, 8), 7, np.uint8)
    assert learn_images(read_images((flat, ["a", "b"] * 2)))["std"] == [1 / 255]


def test_image_size_makes_squares(tmp_path):
    rows = read_images(photos(tmp_path / "photos", shape=(40, 60)))
    facts = learn_images(rows, image_size=20)
    assert facts["size"] == [20, 20]
    assert encode_images(rows, facts)["images"].shape == (6, 20, 20, 1)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "LA", "CMYK", "I;16"])
@pytest.mark.parametrize("channels", [1, 3])
def test_prediction_brings_any_mode_and_size_to_those_of_training(tmp_path, mode, channels):
    facts = {"classes": ["a", "b"], "size": [16, 20], "channels": channels}
    path = tmp_path / "new.tiff"
    picture = (
        Image.new(mode, (50, 70)) if mode == "I;16" else Image.fromarray(pixels(1, (70, 50, 3))).convert(mode)
    )
    picture.save(path)
    batch = encode_images(read_images(path, require_labels=False, size=(16, 20)), facts)
    assert set(batch) == {"images"}
    assert batch["images"].shape == (1, 16, 20, channels)


def test_prediction_gives_the_same_pixels_whatever_they_came_with_and_from(tmp_path):
    folder = photos(tmp_path / "photos", shape=(40, 60))
    Image.fromarray(pixels(50, (90, 70, 3))).save(folder / "dog" / "9.png")
    rows = read_images(folder)
    facts = learn_images(rows.take(np.arange(6)), image_size=24)
    together = encode_images(rows, facts)["images"]
    paths = [folder / name for name in rows.column("file")]
    for row, path in enumerate(paths):
        sources = [path, str(path), [path], Image.open(path), [np.asarray(Image.open(path))]]
        for source in sources:
            alone = encode_images(read_images(source, require_labels=False, size=(24, 24)), facts)["images"]
            np.testing.assert_array_equal(alone[0], together[row])
    unsized = encode_images(read_images(paths, require_labels=False), facts)["images"]
    np.testing.assert_array_equal(unsized, together)


def test_predicting_one_picture_touches_no_disk(tmp_path, monkeypatch):
    path = photos(tmp_path / "photos") / "cat" / "0.png"
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    read_images(path, require_labels=False, size=(16, 16)).pixels((16, 16), 1)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_without_labels_can_be_predicted(tmp_path):
    folder = photos(tmp_path / "photos") / "cat"
    rows = read_images(folder, require_labels=False)
    assert len(rows) == 3
    assert rows.target() is None
    assert "target" not in encode_images(rows, {"classes": ["a"], "size": [16, 16], "channels": 1})


def test_an_unknown_label_is_named_when_encoding(tmp_path):
    rows = read_images(photos(tmp_path / "photos"), require_labels=False)
    with pytest.raises(DataError, match=r"class 'cat' was not there in training.*Did you mean 'cats'"):
        encode_images(rows, {"classes": ["cats", "dog"], "size": [16, 16], "channels": 1})


def damaged(folder: Path) -> None:
    whole = (folder / "cat" / "0.png").read_bytes()
    (folder / "cat" / "7.png").write_bytes(b"")
    (folder / "cat" / "8.png").write_bytes(whole[: len(whole) // 2])
    (folder / "dog" / "9.png").write_bytes(b"no picture at all")


def test_damaged_pictures_stop_with_all_their_names(tmp_path):
    damaged(photos(tmp_path / "photos"))
    with pytest.raises(DataError) as caught:
        read_images(tmp_path / "photos")
    message = str(caught.value)
    assert "3 of 9 pictures" in message
    assert "cat/7.png is empty" in message
    assert "cat/8.png is damaged" in message
    assert "dog/9.png is no picture" in message


def test_damaged_pictures_are_skipped_on_request_and_counted(tmp_path):
    damaged(photos(tmp_path / "photos"))
    rows = read_images(tmp_path / "photos", skip_broken=True)
    assert len(rows) == 6
    skipped = [concern for concern in rows.concerns() if concern.kind == "skipped"]
    assert "3 of 9 pictures" in skipped[0].message
    assert "cat/7.png" in skipped[0].message
    np.testing.assert_array_equal(rows.picture(5)[..., 0], pixels(5))


def test_nothing_but_damaged_pictures_stops_even_when_skipping(tmp_path):
    for label in ("a", "b"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        (tmp_path / "photos" / label / "1.png").write_bytes(b"")
    with pytest.raises(DataError, match="2 of 2 pictures"):
        read_images(tmp_path / "photos", skip_broken=True)


def test_a_damaged_picture_inside_a_zip_is_named(tmp_path):
    damaged(photos(tmp_path / "photos"))
    with pytest.raises(DataError, match=r"cat/7\.png is empty"):
        read_images(packed(tmp_path / "photos"))


def test_a_class_left_with_one_picture_by_skipping_is_named(tmp_path):
    folder = photos(tmp_path / "photos", each=2)
    (folder / "dog" / "1.png").write_bytes(b"")
    with pytest.raises(DataError, match="single picture: dog"):
        read_images(folder, skip_broken=True)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda root: root / "none", "There is no file or folder"),
        (lambda root: photos(root / "one", classes=("cat",)), "all 3 pictures are of the class 'cat'"),
        (lambda root: photos(root / "single", each=1), "single picture: cat, dog"),
        (lambda root: photos(root / "x") / "cat", "have no labels"),
        (lambda root: photos(root / "x") / "cat" / "0.png", "is one file"),
        (lambda root: pixels(0, (4, 8, 8)), r"Pass \(pictures, labels\)"),
        (lambda root: (pixels(0, (4, 8, 8)), [1, 2]), "4 pictures, but labels of the shape"),
        (lambda root: {"a": 1}, "received dict"),
    ],
)
def test_sources_that_cannot_be_learned_from_are_explained(tmp_path, make, words):
    with pytest.raises(DataError, match=words):
        read_images(make(tmp_path))


def test_near_duplicates_share_a_fingerprint_and_others_do_not(tmp_path):
    folder = photos(tmp_path / "photos", each=20)
    smooth = np.asarray(Image.fromarray(pixels(99, (4, 4))).resize((16, 16), Image.Resampling.BICUBIC))
    Image.fromarray(smooth).save(folder / "cat" / "x.png")
    Image.fromarray(smooth).save(folder / "dog" / "x.jpg", quality=92)
    rows = read_images(folder)
    prints = rows.fingerprints()
    files = rows.column("file").tolist()
    assert prints[files.index("cat/x.png")] == prints[files.index("dog/x.jpg")]
    assert len(np.unique(prints)) == 41
    torn = [concern.message for concern in rows.concerns() if "different labels" in concern.message]
    assert "cat/x.png ('cat') and dog/x.jpg ('dog')" in torn[0]


def test_shared_pictures_are_found_across_sources(tmp_path):
    one = read_images(photos(tmp_path / "one"))
    smooth = np.asarray(Image.fromarray(pixels(99, (4, 4))).resize((16, 16), Image.Resampling.BICUBIC))
    pair = np.stack([pixels(1000), pixels(4)])
    two = read_images((np.concatenate([pair, smooth[None]]), ["a", "b", "a"]), require_labels=False)
    assert shared(one, two) == [(4, 1)]
    assert one.fingerprints()[4] == two.fingerprints()[1]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda root: photos(root / "x"), "it holds 6 pictures"),
        (lambda root: packed(photos(root / "x")), "it holds 6 pictures"),
        (lambda root: photos(root / "x") / "cat" / "0.png", "it is a picture"),
        (lambda root: (pixels(0, (4, 8, 8)), [1, 2, 1, 2]), "it is a list of 4 pictures"),
        (lambda root: root / "prices.csv", None),
        (lambda root: root, None),
        (lambda root: [1, 2, 3], None),
        (lambda root: np.zeros((5, 3)), None),
    ],
)
def test_pictures_are_recognised_without_decoding(tmp_path, make, expected):
    assert recognise(make(tmp_path)) == expected
