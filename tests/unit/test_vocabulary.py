"""A name of the vocabulary that a task does not offer is refused with the reason, before anything is read."""

from __future__ import annotations

from typing import get_args

import pytest

from deepfit import catalog, vocabulary
from deepfit.errors import OptionError
from deepfit.options import Activation, Options, resolve

TASKS = {
    "tabular-regression": ("predicts numbers", "reads the columns of a table"),
    "tabular-classification": ("tells classes apart", "reads the columns of a table"),
    "image-classification": ("tells classes apart", "reads pictures"),
}


def offered(task, option):
    return get_args(catalog.find(task).Options.model_fields[option].annotation)


FOREIGN = [
    (task, option, name)
    for task in TASKS
    for option in ("loss", "network")
    for name, term in vocabulary.NAMES[option].items()
    if name not in offered(task, option)
]


@pytest.mark.parametrize(("task", "option", "name"), FOREIGN)
def test_a_name_for_something_else_is_refused_with_what_it_is_for_and_what_the_task_does(task, option, name):
    with pytest.raises(OptionError) as raised:
        resolve(catalog.find(task).Options, {option: name})
    said, use = str(raised.value), vocabulary.USES[vocabulary.NAMES[option][name].use]
    aim = TASKS[task][option == "network"]
    if f"{use};" in said:
        assert f"--{option}: received '{name}', which {use}; {task} {aim}. It offers " in said
    else:  # another of the same kind, which this task has not got
        assert f"which {task} does not offer" in said
        assert vocabulary.NAMES[option][name].use in {
            vocabulary.NAMES[option][each].use for each in offered(task, option) if each != "auto"
        }


def test_the_activations_are_those_of_the_vocabulary_besides_auto():
    assert set(get_args(Activation)) == {"auto", *vocabulary.ACTIVATIONS}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("option", vocabulary.NAMES)
def test_whatever_a_task_offers_is_in_the_vocabulary(task, option):
    assert set(offered(task, option)) <= {"auto", *vocabulary.NAMES[option]}


@pytest.mark.parametrize(
    ("option", "name", "hint"),
    [
        ("activation", "silu", "called 'swish' here"),
        ("activation", "rleu", "Did you mean 'relu'"),
        ("loss", "mse", "called 'mean_squared_error' here"),
        ("loss", "hubber", "Did you mean 'huber'"),
        ("network", "tabn", "Did you mean 'tabm'"),
        ("optimizer", "adamm", "Did you mean 'adam'"),
    ],
)
def test_an_unknown_name_gets_a_suggestion(option, name, hint):
    with pytest.raises(OptionError, match=hint):
        resolve(catalog.find("tabular-regression").Options, {option: name})


def test_every_other_name_leads_to_one_of_the_vocabulary():
    every = {name for names in vocabulary.NAMES.values() for name in names}
    assert set(vocabulary.OTHER_NAMES.values()) <= every
    assert not set(vocabulary.OTHER_NAMES) & every


def test_other_choices_get_a_suggestion_too():
    with pytest.raises(OptionError, match=r"--schedule: received 'cosin'. Did you mean 'cosine'"):
        resolve(Options, {"schedule": "cosin"})


@pytest.mark.parametrize(
    ("task", "given", "reason"),
    [
        ("tabular-regression", {"huber_delta": 2}, "--huber-delta has no effect with --loss mean_squared_e"),
        ("tabular-regression", {"quantile": 0.9, "loss": "huber"}, "no effect with --loss huber; it is of q"),
        ("tabular-regression", {"loss": "poisson", "target_transform": "log"}, "learns the logarithm"),
        ("tabular-classification", {"focal_gamma": 1}, "--focal-gamma has no effect with --loss sparse_cat"),
        ("tabular-classification", {"label_smoothing": 0.1, "loss": "focal"}, "no effect with --loss focal"),
        ("image-classification", {"label_smoothing": 0.2, "loss": "hinge"}, "no effect with --loss hinge"),
        ("image-classification", {"activation": "gelu", "pretrained": "r.pth"}, "were learned with relu"),
    ],
)
def test_a_setting_without_an_effect_is_refused(task, given, reason):
    with pytest.raises(OptionError, match=reason):
        resolve(catalog.find(task).Options, given)


@pytest.mark.parametrize(
    ("task", "given"),
    [
        ("tabular-regression", {"quantile": 0.9, "loss": "quantile"}),
        ("tabular-regression", {"huber_delta": 2, "loss": "huber"}),
        ("tabular-classification", {"focal_gamma": 1, "loss": "focal", "class_weight": "balanced"}),
        ("image-classification", {"label_smoothing": 0.2, "loss": "binary_crossentropy"}),
        ("image-classification", {"activation": "relu", "pretrained": "r.pth"}),
    ],
)
def test_a_setting_with_an_effect_is_taken_and_resolves_to_itself(task, given):
    options = resolve(catalog.find(task).Options, given)
    assert resolve(catalog.find(task).Options, options.model_dump(mode="json")) == options
