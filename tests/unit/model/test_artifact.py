"""A model is a folder of data: it is read whole or refused with a reason, and nothing in it is ever run."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import torch

from deepfit.errors import ArtifactError
from deepfit.model import Model, load
from deepfit.tasks.tabular_classification import TabularClassification


@pytest.fixture(scope="module")
def model():
    task, rows, _ = TabularClassification.tiny(seed=0)
    facts = dict(task.learn(rows.train))
    torch.manual_seed(0)
    return Model("tabular-classification", task, task.build(facts).eval(), facts)


@pytest.fixture
def folder(model, tmp_path):
    return model.save(tmp_path / "model")


class Bomb:
    """Unpickling this would create a file."""

    def __init__(self, path) -> None:
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_it_holds_weights_json_and_a_card_and_nothing_else(folder):
    assert {path.name for path in folder.iterdir()} == {
        "model.safetensors",
        "config.json",
        "facts.json",
        "README.md",
    }
    assert json.loads((folder / "config.json").read_text())["task"] == "tabular-classification"


def test_the_run_folder_that_holds_it_loads_too(folder, model):
    assert load(folder.parent).task_name == model.task_name


def test_loading_leaves_the_callers_random_numbers_alone(folder):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load(folder)
    assert torch.equal(torch.rand(3), expected)


def test_saving_replaces_a_model_and_nothing_else(model, tmp_path):
    model.save(tmp_path / "model")
    model.save(tmp_path / "model")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    with pytest.raises(ArtifactError, match="something else"):
        model.save(tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years of work"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "thesis"]


@pytest.mark.parametrize("name", ["model.safetensors", "facts.json", "config.json"])
def test_a_truncated_file_is_named(folder, name):
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ArtifactError, match=name):
        load(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "facts.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match=name):
        load(folder)


def test_a_changed_weight_is_noticed(folder):
    content = bytearray((folder / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "model.safetensors").write_bytes(bytes(content))
    with pytest.raises(ArtifactError, match="SHA-256"):
        load(folder)


def test_a_newer_format_says_which_version_wrote_it_and_what_to_do(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "format": 99, "deepfit": "7.0"}))
    with pytest.raises(ArtifactError, match=r"99.*7\.0.*pip install --upgrade"):
        load(folder)


def test_a_pickle_beside_the_weights_is_refused_and_never_opened(folder, tmp_path):
    trap = tmp_path / "opened"
    (folder / "extra.pkl").write_bytes(pickle.dumps(Bomb(trap)))
    with pytest.raises(ArtifactError, match=r"extra\.pkl.*not opened"):
        load(folder)
    assert not trap.exists()


def test_a_pickle_in_place_of_the_weights_is_refused_even_with_a_matching_checksum(folder, tmp_path):
    import hashlib

    trap = tmp_path / "opened"
    content = pickle.dumps(Bomb(trap))
    (folder / "model.safetensors").write_bytes(content)
    config = json.loads((folder / "config.json").read_text())
    config["files"]["model.safetensors"] = hashlib.sha256(content).hexdigest()
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ArtifactError, match="safetensors"):
        load(folder)
    assert not trap.exists()


def test_weights_of_another_shape_name_the_version_that_reads_them(folder):
    config = json.loads((folder / "config.json").read_text())
    options = {**config["options"], "network": "mlp"}
    (folder / "config.json").write_text(json.dumps({**config, "options": options, "deepfit": "0.0.7"}))
    with pytest.raises(ArtifactError, match=r"do not fit together(.|\n)*wrote them, 0\.0\.7"):
        load(folder)


@pytest.mark.parametrize("task", ["os.system", "../../evil", "no-such-task", 7])
def test_a_task_that_is_not_in_the_catalog_is_refused(folder, task):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "task": task}))
    with pytest.raises(ArtifactError):
        load(folder)


def test_a_file_name_that_leaves_the_folder_is_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    config["files"]["../secret.json"] = "0" * 64
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ArtifactError, match="outside"):
        load(folder)


def test_a_folder_without_a_model_says_what_is_missing(tmp_path):
    with pytest.raises(ArtifactError, match="no model"):
        load(tmp_path)
    with pytest.raises(ArtifactError, match="no such folder"):
        load(tmp_path / "nowhere")


def test_an_unfinished_run_says_how_to_go_on(tmp_path):
    (tmp_path / "checkpoint").mkdir()
    with pytest.raises(ArtifactError, match="deepfit resume"):
        load(tmp_path)


def test_probabilities_follow_the_order_of_classes(model):
    rows = {
        "income": [1.0, 5.0],
        "debt": [2.0, 0.1],
        "home": ["rent", "own"],
        "asked": ["2020-03-01", "2020-04-01"],
    }
    rows["asked"] = np.array(rows["asked"], "datetime64[D]")
    probabilities = model.predict_proba(rows)
    assert probabilities.shape == (2, len(model.classes))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    np.testing.assert_array_equal(np.array(model.classes)[probabilities.argmax(axis=1)], model.predict(rows))
