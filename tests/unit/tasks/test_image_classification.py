"""Weights in a file are where training begins; nothing needs the file afterwards."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from deepfit.cli import main
from deepfit.contract import Splits
from deepfit.engine import Run, channels_last, train
from deepfit.errors import ArtifactError
from deepfit.model import Model, load
from deepfit.nn.nets import resnet
from deepfit.tasks.image_classification import ImageClassification


@pytest.fixture
def published(monkeypatch, tmp_path):
    """A file of weights for a ResNet-18 of one block a stage, of 7 classes."""
    monkeypatch.setitem(resnet.DEPTHS, 18, (1, 1, 1, 1))
    torch.manual_seed(7)
    path = tmp_path / "published.safetensors"
    save_file(resnet.resnet(18, num_classes=7).state_dict(), path)
    return path


class Pictures:
    """Some tiny pictures, and a task that begins with the file."""

    def __init__(self, published):
        _, rows, _ = ImageClassification.tiny(seed=0)
        given = {"epochs": 2, "batch_size": 16, "threads": 1, "flip": "off", "pretrained": str(published)}
        self.task = ImageClassification(ImageClassification.Options.model_validate(given))
        self.rows = Splits(rows.train.take(np.arange(32)), rows.valid.take(np.arange(12)))
        self.facts = self.task.learn(self.rows.train)
        self.data = Splits(
            *(self.task.encode(part, self.facts) for part in (self.rows.train, self.rows.valid))
        )

    def fit(self, folder, stop_after=None):
        run = Run(self.task.options, folder)
        run.seed("build")
        net = channels_last(self.task.build(self.facts))
        for each in train(self.task, net, self.data, self.facts, run):
            if each.kind == "epoch" and each.epoch == stop_after:
                break
        return net


def test_training_begins_with_the_weights_in_the_file(published):
    own = Pictures(published)
    run = Run(own.task.options, None)
    net = own.task.build(own.facts)
    torch.manual_seed(7)
    wanted = resnet.resnet(18, num_classes=7).state_dict()
    assert not torch.equal(net.state_dict()["conv1.weight"], wanted["conv1.weight"].mean(1, keepdim=True) * 3)
    next(own.task.plan(net, own.data, own.facts, run))
    found = net.state_dict()
    torch.testing.assert_close(found["conv1.weight"], wanted["conv1.weight"].mean(1, keepdim=True) * 3)
    same = [name for name in wanted if not name.startswith(("fc.", "conv1."))]
    assert all(torch.equal(found[name], wanted[name]) for name in same)


def test_a_saved_model_answers_alike_where_the_file_is_gone(published, tmp_path):
    own = Pictures(published)
    model = Model("image-classification", own.task, own.fit(None).eval(), own.facts)
    folder = model.save(tmp_path / "model")
    published.unlink()
    before, after = model.answer(own.rows.valid), load(folder).answer(own.rows.valid)
    for name, values in before.columns.items():
        np.testing.assert_array_equal(values, after.columns[name])


def test_a_run_that_began_with_the_file_goes_on_from_its_checkpoint_bit_for_bit(published, tmp_path):
    own = Pictures(published)
    whole = own.fit(tmp_path / "whole").state_dict()
    own.fit(tmp_path / "stopped", stop_after=1)
    resumed = own.fit(tmp_path / "stopped").state_dict()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_a_file_that_is_missing_or_of_another_network_is_refused_before_pictures_are_read(
    published, tmp_path, capsys
):
    words = ["train", str(tmp_path / "pictures"), "--task", "image-classification"]
    with pytest.raises(SystemExit, match="2"):
        main([*words, "--pretrained", "gone.pth"])
    assert "gone.pth: there is no such file" in capsys.readouterr().err
    options = ImageClassification.Options.model_validate(
        {"pretrained": str(published), "network": "resnet50"}
    )
    with pytest.raises(ArtifactError, match="not of this network"):
        ImageClassification(options).read(tmp_path / "pictures")


@pytest.mark.slow
def test_pictures_are_learned_at_a_rate_that_a_range_test_finds(tmp_path):
    task, rows, goal = ImageClassification.tiny(seed=0)
    task = ImageClassification(task.options.model_copy(update={"learning_rate": "auto", "epochs": 12}))
    facts = task.learn(rows.train)
    data = Splits(*(task.encode(part, facts) for part in (rows.train, rows.valid, rows.test)))
    run = Run(task.options, tmp_path)
    run.seed("build")
    net = channels_last(task.build(facts))
    phases = {each.phase for each in train(task, net, data, facts, run)}
    assert phases == {"rate-test", "train"}
    assert 1e-5 < json.loads((tmp_path / "rate_test.json").read_text())["learning_rate"] < 0.1
    model = Model("image-classification", task, net.eval(), facts)
    scores = task.metrics(model.answer(rows.test), rows.test)
    assert scores["accuracy"] >= goal["accuracy"]
