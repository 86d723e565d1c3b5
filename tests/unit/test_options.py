"""Options say what is wrong with a name or a value, and refuse a setting that would have no effect."""

from __future__ import annotations

import pytest

from deepfit.errors import OptionError
from deepfit.options import USUAL, Options, resolve
from deepfit.vocabulary import OPTIMIZERS


def test_text_becomes_the_type_of_the_option():
    options = resolve(Options, {"epochs": "40", "learning_rate": "1e-2"})
    assert (options.epochs, options.learning_rate) == (40, 0.01)


def test_a_misspelt_name_gets_a_suggestion():
    with pytest.raises(OptionError, match="Did you mean 'batch_size'"):
        resolve(Options, {"batchsize": 3})


@pytest.mark.parametrize(
    ("name", "value"),
    [("epochs", 0), ("learning_rate", float("nan")), ("ema", 1.0), ("optimizer", "adamm"), ("seed", "x")],
)
def test_a_value_out_of_range_is_named_with_what_was_received(name, value):
    with pytest.raises(OptionError, match=f"--{name.replace('_', '-')}: .*received"):
        resolve(Options, {name: value})


def test_momentum_without_sgd_would_have_no_effect():
    with pytest.raises(OptionError, match="no effect with --optimizer adamw"):
        resolve(Options, {"momentum": 0.5})
    assert resolve(Options, {"momentum": 0.5, "optimizer": "sgd"}).momentum == 0.5


def test_resolved_options_resolve_to_themselves():
    options = resolve(Options, {"optimizer": "sgd", "momentum": 0.5})
    assert resolve(Options, options.model_dump(mode="json")) == options


def test_momentum_is_of_sgd_and_muon():
    assert resolve(Options, {"momentum": 0.5, "optimizer": "muon"}).momentum == 0.5
    with pytest.raises(OptionError, match="it is of sgd and muon"):
        resolve(Options, {"momentum": 0.5, "optimizer": "rmsprop"})


def test_every_optimizer_of_the_vocabulary_can_be_chosen_and_has_its_usual_factors():
    assert set(USUAL) == set(OPTIMIZERS)
    for name in OPTIMIZERS:
        options = resolve(Options, {"optimizer": name})
        assert options.learning_rate == pytest.approx(1e-3 * USUAL[name].rate)
        assert options.weight_decay == pytest.approx(0.01 * USUAL[name].decay)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_options_resolve_to_themselves_with_every_optimizer(name):
    options = resolve(Options, {"optimizer": name})
    assert resolve(Options, options.model_dump(mode="json")) == options


def test_a_rate_that_is_given_is_taken_as_it_is_also_where_it_is_the_default_of_adamw():
    assert resolve(Options, {"optimizer": "sgd", "learning_rate": "0.001"}).learning_rate == 0.001


def test_schedule_free_turns_schedule_and_averaging_off_and_refuses_others():
    options = resolve(Options, {"optimizer": "schedule_free"})
    assert (options.schedule, options.ema) == ("constant", 0.0)
    assert resolve(Options, {"optimizer": "schedule_free", "schedule": "cosine"}).schedule == "constant"
    assert resolve(Options, {"optimizer": "schedule_free", "warmup": 0.3}).warmup == 0.3
    with pytest.raises(OptionError, match=r"--ema 0\.9 has no effect with --optimizer schedule_free"):
        resolve(Options, {"optimizer": "schedule_free", "ema": "0.9"})
    with pytest.raises(OptionError, match="--schedule one_cycle has no effect"):
        resolve(Options, {"optimizer": "schedule_free", "schedule": "one_cycle"})


def test_a_learning_rate_is_a_number_or_auto_and_the_error_says_both():
    assert resolve(Options, {"learning_rate": "auto"}).learning_rate == "auto"
    with pytest.raises(OptionError) as error:
        resolve(Options, {"learning_rate": "fast", "epochs": "0"})
    lines = str(error.value).splitlines()
    assert len(lines) == 2
    assert "number" in lines[1]
    assert "'auto', received 'fast'" in lines[1]
