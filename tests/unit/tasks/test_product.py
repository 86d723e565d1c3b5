"""Activation x loss x optimizer x network on tiny data: each sensible pair of names trains.

The whole product of a task has thousands of settings; what can go wrong lies between two names, so a small
set of settings is walked in which every pair of names meets at least once. What is refused, and why, is in
test_vocabulary.
"""

from __future__ import annotations

from itertools import combinations, product
from typing import get_args

import numpy as np
import pytest
import torch

from deepfit import catalog
from deepfit.contract import Splits
from deepfit.engine import Run, channels_last, train
from deepfit.nn.nets import resnet

FIELDS = ("activation", "loss", "optimizer", "network")
ROWS = 64
TASKS = ("tabular-regression", "tabular-classification", "image-classification")


SAME = {"auto": "resnet9", "resnet34": "resnet18", "resnet101": "resnet50", "resnet152": "resnet50"}
"""The code of one network under two names; the first name is walked once, not with every other name."""


def names(task, field):
    every = get_args(catalog.find(task).Options.model_fields[field].annotation)
    return [each for each in every if field != "network" or each not in SAME]


def covering(task):
    """Settings in which each name of a field meets each name of every other, chosen greedily."""
    values = [names(task, field) for field in FIELDS]
    wanted = {
        ((i, a), (j, b))
        for i, j in combinations(range(len(values)), 2)
        for a, b in product(values[i], values[j])
    }
    settings = []
    while wanted:
        first = min(wanted)
        chosen = dict(first)
        for place in range(len(values)):
            if place not in chosen:
                chosen[place] = max(
                    values[place],
                    key=lambda name: sum(
                        tuple(sorted([(place, name), known])) in wanted for known in chosen.items()
                    ),
                )
        setting = tuple(sorted(chosen.items()))
        wanted -= set(combinations(setting, 2))
        settings.append(tuple(name for _, name in setting))
    networks = get_args(catalog.find(task).Options.model_fields["network"].annotation)
    return [*settings, *((*settings[0][:3], each) for each in networks if each in SAME)]


def test_in_the_settings_that_are_walked_every_pair_of_names_meets():
    for task in TASKS:
        met = {pair for setting in covering(task) for pair in combinations(enumerate(setting), 2)}
        for (i, one), (j, other) in combinations(enumerate(FIELDS), 2):
            for pair in product(names(task, one), names(task, other)):
                assert ((i, pair[0]), (j, pair[1])) in met


@pytest.fixture(scope="module")
def data():
    """Task name -> the task and some of its tiny rows, of two classes, so that every loss fits."""
    found = {}
    for name in TASKS:
        task, rows, _ = catalog.find(name).tiny(seed=0)
        train_rows = rows.train
        if name == "image-classification":
            train_rows = train_rows.take(np.flatnonzero(train_rows.target() != "leaning"))
        count = ROWS // 2 if name == "image-classification" else ROWS  # deep networks take their time
        train_rows = train_rows.take(np.arange(count))
        found[name] = task, Splits(train_rows, train_rows)
    return found


@pytest.fixture
def small(monkeypatch):
    """ResNets of one narrow block a stage: their size is tested elsewhere, and most of the time otherwise."""
    monkeypatch.setattr(resnet, "WIDTHS", (16, 32, 48, 64))
    for layers in resnet.DEPTHS:
        monkeypatch.setitem(resnet.DEPTHS, layers, (1, 1, 1, 1))


RATES = {"sgd": 0.05, "adagrad": 0.01, "rmsprop": 0.001}
"""Optimizer -> step size with which twenty steps show; 0.01 for the others. Gradients are clipped."""


def losses_of(task, rows, setting):
    changes = dict(zip(FIELDS, setting, strict=True))
    changes |= {"epochs": 5, "batch_size": 16, "schedule": "constant", "warmup": 0.0, "ema": 0.0}
    changes |= {
        "learning_rate": RATES.get(changes["optimizer"], 0.01),
        "patience": 0,
        "weight_decay": 0.0,
        "clip_norm": 1.0,
    }
    if "flip" in type(task.options).model_fields:
        changes |= {"flip": "off", "shift": 0.0, "image_size": 8}
    options = type(task.options).model_validate({**task.options.model_dump(), **changes})
    task = type(task)(options)
    facts = task.learn(rows.train)
    encoded = Splits(*(task.encode(part, facts) for part in (rows.train, rows.valid)))
    run = Run(options, None)
    run.seed("build")
    net = channels_last(task.build(facts))
    return [
        progress.losses["loss"]
        for progress in train(task, net, encoded, facts, run)
        if progress.kind == "epoch"
    ]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", TASKS)
def test_every_pair_of_names_trains(name, data):
    torch.set_num_threads(1)
    task, rows = data[name]
    stuck = {}
    for setting in covering(name):
        found = losses_of(task, rows, setting)
        if not (np.isfinite(found).all() and min(found[1:]) < 0.999 * found[0]):
            stuck[setting] = [round(value, 4) for value in found]
    assert not stuck, stuck
