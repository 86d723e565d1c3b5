"""Options say what is wrong with a name or a value, and refuse a setting that would have no effect."""

from __future__ import annotations

import pytest

from deepfit.errors import OptionError
from deepfit.options import Options, resolve


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
