"""`deepfit sample`: every form that made pictures and rows are written in, and what is said of mistakes."""

from __future__ import annotations

import json
import sys
import types

import numpy as np
import polars as pl
import pytest
from PIL import Image

from deepfit import catalog
from deepfit.cli import samples, status
from deepfit.errors import DeepfitError, OptionError
from deepfit.model import Model


def drawn(count, seed, channels=3):
    return np.random.default_rng(seed).integers(0, 256, (count, 6, 5, channels), dtype=np.uint8)


class Painter:
    """A stand-in for a model: pictures by the seed alone, `count` of each prompt."""

    def sample(self, count, *, seed, prompts):
        return {"images": drawn(count * max(1, len(prompts)), seed)}

    def walk(self, steps, *, seed, prompts):
        return {"images": drawn(steps, seed)}


class Clerk:
    def sample(self, count, *, seed, prompts):
        return {
            "age": np.arange(count) + seed,
            "city": np.array(["Rome", "Æbeltoft"] * count, object)[:count],
        }


@pytest.fixture(autouse=True)
def models(monkeypatch, tmp_path):
    known = {"painter": Painter(), "clerk": Clerk()}
    module = types.ModuleType("deepfit.model")
    module.load = known.__getitem__
    monkeypatch.setitem(sys.modules, "deepfit.model", module)
    monkeypatch.chdir(tmp_path)


def run(*words):
    return status([str(word) for word in words], debug=False)


def opened(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


@pytest.mark.parametrize("ending", ["png", "webp"])
def test_a_grid_holds_every_picture_in_reading_order(ending):
    assert run("sample", "painter", "--count", 6, "--seed", 3, "--out", f"grid.{ending}") == 0
    sheet, images = opened(f"grid.{ending}"), drawn(6, 3)
    assert sheet.shape == (3 * 8 + 2, 2 * 7 + 2, 3)
    for place, image in enumerate(images):
        top, left = place // 2 * 8 + 2, place % 2 * 7 + 2
        np.testing.assert_array_equal(sheet[top : top + 6, left : left + 5], image)
    assert (sheet[:2] == 255).all()


def test_each_prompt_begins_on_a_row_of_its_own():
    images = drawn(6, 0)
    sheet = samples.grid(images, groups=2)
    assert sheet.shape == (2 * 8 + 2, 3 * 7 + 2, 3)
    np.testing.assert_array_equal(sheet[10:16, 2:7], images[3])
    tall = samples.grid(drawn(40, 0), groups=2)  # 20 of each prompt are more than a row
    assert tall.shape == (2 * 4 * 8 + 2, 6 * 7 + 2, 3)
    np.testing.assert_array_equal(tall[4 * 8 + 2 : 4 * 8 + 8, 2:7], drawn(40, 0)[20])


def test_a_folder_holds_a_file_each_and_the_prompts_as_captions():
    assert (
        run("sample", "painter", "--count", 2, "--prompt", "a cat", "--prompt", "a dog", "--out", "made") == 0
    )
    table = pl.read_csv("made/metadata.csv")
    assert table["text"].to_list() == ["a cat", "a cat", "a dog", "a dog"]
    for name, image in zip(table["file_name"], drawn(4, 0), strict=True):
        np.testing.assert_array_equal(opened(f"made/{name}"), image)
    assert run("sample", "painter", "--count", 2, "--out", "plain/") == 0
    assert sorted(path.name for path in samples_in("plain")) == ["001.png", "002.png"]


def samples_in(folder):
    from pathlib import Path

    return list(Path(folder).iterdir())


def test_arrays_open_without_a_pickle():
    assert run("sample", "painter", "--count", 3, "--prompt", "a cat", "--seed", 9, "--out", "made.npz") == 0
    with np.load("made.npz", allow_pickle=False) as found:
        np.testing.assert_array_equal(found["images"], drawn(3, 9))
        assert found["prompts"].tolist() == ["a cat"] * 3


@pytest.mark.parametrize(
    "words", [("--count", 7, "--out", "made.gif"), ("--walk", "made.gif", "--frames", 7)]
)
def test_an_animation_shows_the_pictures_in_turn_and_goes_on(words):
    assert run("sample", "painter", *words) == 0
    with Image.open("made.gif") as picture:
        assert picture.n_frames == 7
        assert picture.info["loop"] == 0
        picture.seek(4)
        shown = np.asarray(picture.convert("RGB")).astype(int)
    assert np.abs(shown - drawn(7, 0)[4]).mean() < 2  # a GIF's palette has 256 colours


@pytest.mark.parametrize(
    ("ending", "reads"), [("csv", pl.read_csv), ("parquet", pl.read_parquet), ("jsonl", pl.read_ndjson)]
)
def test_rows_are_a_table(ending, reads):
    assert run("sample", "clerk", "--count", 3, "--seed", 40, "--out", f"made.{ending}") == 0
    found = reads(f"made.{ending}")
    assert found.to_dicts() == [
        {"age": 40, "city": "Rome"},
        {"age": 41, "city": "Æbeltoft"},
        {"age": 42, "city": "Rome"},
    ]


def test_one_line_of_json_says_what_was_written(capsys):
    assert run("sample", "painter", "--out", "a.png", "--walk", "w.webp", "--seed", 2, "--json") == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == {
        "out": "a.png",
        "walk": "w.webp",
        "seed": 2,
        "prompts": [],
        "rows": 64,
        "frames": 60,
    }
    assert err.splitlines() == ["64 pictures in a.png", "60 frames in w.webp"]


MISTAKES = [
    (("painter",), "--out PATH, --walk FILE, or both"),
    (("painter", "--out", "a.jpg"), "one of .png, .webp, .gif, .npz, .csv"),
    (("painter", "--out", "a.csv"), "makes pictures, which are no table"),
    (("clerk", "--out", "a.png"), "makes rows of a table. Write .csv"),
    (("painter", "--out", "there.png"), "--out there.png: the file exists already"),
    (("painter", "--out", "full"), "the folder is there and not empty. Name another"),
    (("painter", "--out", "full", "--overwrite"), "--overwrite replaces files, not folders"),
    (("painter", "--out", "nowhere/a.png"), "there is no folder 'nowhere'"),
    (("painter", "--out", "nowhere/made"), "nowhere'. Create it first"),
    (("painter", "--walk", "a.mp4"), "--walk a.mp4: a walk is an animation: .gif or .webp"),
    (("painter", "--walk", "there.png"), "an animation"),
    (("painter", "--walk", "there.gif"), "--walk there.gif: the file exists already"),
    (("painter", "--walk", "a.gif", "--out", "./a.gif"), "Name two files"),
    (("painter", "--out", "a.png", "--frames", "3"), "--frames has no effect without --walk"),
    (("painter", "--walk", "a.gif", "--count", "3"), "--count has no effect without --out"),
    (("painter", "--out", "a.png", "--count", "0"), "--count"),
]


@pytest.mark.parametrize(("words", "said"), MISTAKES)
def test_mistakes_end_with_status_two_and_what_to_do(words, said, capsys, tmp_path):
    (tmp_path / "there.png").touch()
    (tmp_path / "there.gif").touch()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    assert run("sample", *words) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "there.gif", "there.png"]


def test_an_existing_file_is_replaced_where_that_is_asked_for(tmp_path):
    (tmp_path / "there.png").touch()
    (tmp_path / "empty").mkdir()
    assert run("sample", "painter", "--count", 1, "--out", "there.png", "--overwrite") == 0
    assert opened("there.png").shape == (10, 9, 3)
    assert run("sample", "painter", "--count", 1, "--out", "empty") == 0


def test_rows_are_no_picture_also_for_whoever_calls_the_writer():
    with pytest.raises(OptionError, match="rows of a table"):
        samples.write_samples({"age": np.arange(2)}, "a.gif")


@pytest.mark.parametrize("method", ["sample", "walk"])
def test_a_task_that_makes_nothing_says_which_tasks_do(method):
    task, rows, _ = catalog.find("tabular-regression").tiny(seed=0)
    facts = task.learn(rows.train)
    model = Model("tabular-regression", task, task.build(facts), facts)
    with pytest.raises(
        DeepfitError, match=f"{method}: tabular-regression makes no .*Tasks that .*do: .*image"
    ):
        getattr(model, method)()
