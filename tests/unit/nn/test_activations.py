"""Activations equal formulas in NumPy and SciPy, with gradients that agree with finite differences."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from scipy.special import erf, expit
from scipy.special import softmax as scipy_softmax

from deepfit import vocabulary
from deepfit.nn.activations import ACTIVATIONS, activation

FORMULAS = {
    "linear": lambda x: x,
    "tanh": lambda x: (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x)),
    "sigmoid": expit,
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.01 * x),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
    "gelu": lambda x: x * (1 + erf(x / np.sqrt(2))) / 2,
    "swish": lambda x: x * expit(x),
    "mish": lambda x: x * np.tanh(np.log1p(np.exp(x))),
    "softplus": lambda x: np.logaddexp(0, x),
    "softmax": lambda x: scipy_softmax(x, axis=-1),
}


def test_the_table_holds_the_names_of_the_vocabulary_in_its_order():
    assert list(ACTIVATIONS) == list(vocabulary.ACTIVATIONS) == list(FORMULAS)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_it_equals_its_formula(name):
    x = torch.linspace(-12, 12, 240, dtype=torch.float64).reshape(6, 40)
    np.testing.assert_allclose(activation(name)(x).numpy(), FORMULAS[name](x.numpy()), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_its_gradient_agrees_with_finite_differences(name):
    x = torch.randn(3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3
    assert torch.autograd.gradcheck(activation(name), (x.requires_grad_(),))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_huge_inputs_give_numbers_and_finite_gradients(name):
    x = torch.tensor([[-1e4, -90.0, 0.0, 90.0, 1e4]], requires_grad=True)
    activation(name)(x).sum().backward()
    assert activation(name)(x).isfinite().all()
    assert x.grad.isfinite().all()


def test_softmax_adds_up_to_one_over_the_axis_that_it_was_given():
    x_BCHW = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    shares = activation("softmax", axis=1)(x_BCHW)
    np.testing.assert_allclose(shares.numpy(), scipy_softmax(x_BCHW.numpy(), axis=1), rtol=1e-5)
    np.testing.assert_allclose(activation("softmax")(x_BCHW).sum(-1).numpy(), 1, rtol=1e-5)


def test_relu_overwrites_only_what_it_was_promised_to_be_fresh():
    x = torch.tensor([-1.0, 2.0])
    activation("relu")(x)
    assert x.tolist() == [-1.0, 2.0]
    activation("relu", fresh=True)(x)
    assert x.tolist() == [0.0, 2.0]


@pytest.mark.parametrize(
    ("name", "hint"), [("silu", "called 'swish' here"), ("rleu", "Did you mean 'relu'"), ("mse", "Known:")]
)
def test_another_name_is_refused_with_a_hint(name, hint):
    with pytest.raises(ValueError, match=hint):
        activation(name)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_it_survives_pickling_as_estimators_that_hold_networks_must(name):
    again = pickle.loads(pickle.dumps(activation(name, axis=1, fresh=True)))
    x = torch.randn(2, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(again(x.clone()), activation(name, axis=1)(x))
