"""`deepfit embed` and `deepfit search` on models of texts and of pictures."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from PIL import Image

from deepfit import catalog
from deepfit.cli import status
from deepfit.model import Model

TEXTS = ["the sea was calm", "bread and wine", "a storm at sea 🌊", "bread 🍞 and <b>butter</b>", "שלום"]


def run(*words):
    return status([str(word) for word in words], debug=False)


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """A model whose vectors are those of words at random, so texts are as near as they share words."""
    from deepfit.options import resolve

    kind = catalog.find("sentence-similarity")
    task = kind(resolve(kind.Options, {"vocabulary_size": 400}))
    facts = task.learn(task.read({"anchor": TEXTS, "positive": TEXTS}))
    model = Model("sentence-similarity", task, task.build(facts).eval(), facts)
    return model.save(tmp_path_factory.mktemp("texts") / "model")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    task, rows, _ = catalog.find("image-classification").tiny(seed=0)
    facts = task.learn(rows.train)
    model = Model("image-classification", task, task.build(facts).eval(), facts)
    return model.save(tmp_path_factory.mktemp("pictures") / "model")


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "texts.csv"
    pl.DataFrame({"place": range(5), "text": TEXTS}).write_csv(path)
    return path


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in "abcd":
        Image.fromarray(rng.integers(0, 255, (12, 12), dtype=np.uint8)).save(folder / f"{name}.png")
    return folder


def test_every_format_holds_the_same_vectors_and_opens_without_a_pickle(texts, table, tmp_path):
    found = {}
    for ending in ("npz", "npy", "parquet", "jsonl"):
        assert run("embed", texts, table, "--out", tmp_path / f"v.{ending}") == 0
        path = tmp_path / f"v.{ending}"
        if ending in ("npz", "npy"):
            loaded = np.load(path, allow_pickle=False)
            found[ending] = loaded["vectors"] if ending == "npz" else loaded
        else:
            frame = pl.read_parquet(path) if ending == "parquet" else pl.read_ndjson(path)
            assert frame["text"].to_list() == TEXTS
            found[ending] = np.array(frame["embedding"].to_list(), np.float32)
    assert found["npy"].dtype == np.float32
    assert found["npy"].shape == (5, 512)
    for vectors in found.values():
        np.testing.assert_allclose(vectors, found["npy"], rtol=0, atol=1e-7)


def test_pictures_come_with_the_names_of_their_files(pictures, photos, tmp_path):
    assert run("embed", pictures, photos, "--out", tmp_path / "v.npz") == 0
    found = np.load(tmp_path / "v.npz", allow_pickle=False)
    assert found["files"].tolist() == ["a.png", "b.png", "c.png", "d.png"]
    assert len(found["vectors"]) == 4


def test_the_nearest_texts_come_first(texts, table, capsys):
    assert run("search", texts, table, "sea storm", "--top", 2, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert [each["text"] for each in said["found"]] == [TEXTS[2], TEXTS[0]]
    assert [each["item"] for each in said["found"]] == ["row 4", "row 2"]
    assert said["rows"] == 5
    assert run("search", texts, table, "sea storm") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["similarity", "item", "text"]
    assert len(lines) == 6


def test_a_folder_of_texts_and_a_text_in_a_file_are_searched_too(texts, tmp_path, capsys):
    folder = tmp_path / "letters"
    folder.mkdir()
    for place, text in enumerate(TEXTS):
        (folder / f"{place}.txt").write_text(text)
    (tmp_path / "asked.txt").write_text("bread and wine")
    assert run("search", texts, folder, tmp_path / "asked.txt", "--json") == 0
    first = json.loads(capsys.readouterr().out)["found"][0]
    assert (first["item"], first["similarity"]) == ("1.txt", pytest.approx(1.0, abs=1e-5))


def test_a_picture_is_nearest_to_itself_and_the_page_shows_it(pictures, photos, tmp_path, capsys):
    page = tmp_path / "alike.html"
    assert run("search", pictures, photos, photos / "c.png", "--top", 3, "--out", page, "--json") == 0
    first = json.loads(capsys.readouterr().out)["found"][0]
    assert (first["item"], first["similarity"]) == ("c.png", pytest.approx(1.0, abs=1e-5))
    assert page.read_text("utf-8").count("data:image/png;base64,") == 4
    assert run("search", pictures, photos, photos / "c.png", "--out", page) == 2
    assert run("search", pictures, photos, photos / "c.png", "--out", page, "--overwrite") == 0


def test_a_page_of_texts_escapes_them(texts, table, tmp_path):
    assert run("search", texts, table, "bread <script>", "--out", tmp_path / "found.html") == 0
    page = (tmp_path / "found.html").read_text("utf-8")
    assert "bread &lt;script&gt;" in page
    assert "&lt;b&gt;butter" in page
    assert "<script" not in page


def test_an_index_is_used_as_long_as_it_fits(texts, table, tmp_path, capsys):
    index = tmp_path / "kept.npz"
    asked = ("search", texts, table, "bread", "--index", index, "--json")
    assert run(*asked) == 0
    before = capsys.readouterr()
    assert "are kept in" in before.err
    assert run(*asked) == 0
    again = capsys.readouterr()
    assert "are those of" in again.err
    assert again.out == before.out
    pl.DataFrame({"text": [*TEXTS[1:], "bread"]}).write_csv(table)
    assert run(*asked) == 0
    changed = capsys.readouterr()
    assert "are kept in" in changed.err
    assert json.loads(changed.out)["found"][0]["text"] == "bread"
    index.write_bytes(b"no index")
    assert run(*asked) == 2
    assert "no index of deepfit" in capsys.readouterr().err


MISTAKES = [
    (("embed", "MODEL", "TABLE", "--out", "v.csv"), "one of .npz, .npy, .parquet, .jsonl"),
    (("embed", "MODEL", "TABLE"), "Missing option '--out'"),
    (("embed", "MODEL", "TABLE", "--text", "txet", "--out", "v.npy"), "Did you mean 'text'"),
    (("embed", "nowhere", "TABLE", "--out", "v.npy"), "there is no such folder"),
    (("search", "MODEL", "TABLE", " "), "the query is empty"),
    (("search", "MODEL", "TABLE", "x", "--top", "0"), "--top"),
    (("search", "MODEL", "TABLE", "x", "--overwrite"), "--overwrite has no effect"),
    (("search", "MODEL", "TABLE", "x", "--index", "a.csv"), "an index is an .npz"),
    (("search", "MODEL", "missing.csv", "x"), "There is no file"),
    (("train", "TABLE", "--task", "feature-extraction"), "nothing to train"),
]


@pytest.mark.parametrize(("words", "said"), MISTAKES)
def test_mistakes_end_with_status_two_and_what_to_do(
    texts, table, words, said, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    places = {"MODEL": texts, "TABLE": table}
    assert run(*(places.get(word, word) for word in words)) == 2
    assert said in capsys.readouterr().err


def test_feature_extraction_is_listed_as_what_it_is(capsys):
    assert run("tasks") == 0
    assert "feature-extraction" in capsys.readouterr().out.partition("Without training")[2]
    assert run("tasks", "feature_extraction") == 0
    assert "deepfit embed" in capsys.readouterr().out
