from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from deepfit.nn.spectral import Spectral, bounded

LAYERS = {
    "linear": (lambda: nn.Linear(7, 5), (4, 7)),
    "convolution": (lambda: nn.Conv2d(3, 6, 4, stride=2, padding=1), (2, 3, 8, 8)),
    "without bias": (lambda: nn.Linear(6, 3, bias=False), (4, 6)),
}


def twins(name):
    """Our layer and PyTorch's with the same weights and the same vectors, in float64."""
    torch.manual_seed(0)
    make, shape = LAYERS[name]
    layer = make().double()
    theirs = spectral_norm(copy.deepcopy(layer))
    ours = Spectral(layer)
    hidden = theirs.parametrizations.weight[0]
    ours.u_O.copy_(hidden._u)
    ours.v_I.copy_(hidden._v)
    return ours.double(), theirs, torch.randn(shape, dtype=torch.float64)


@pytest.mark.parametrize("name", LAYERS)
def test_it_does_what_pytorch_does_in_training_and_afterwards(name):
    ours, theirs, x = twins(name)
    for _ in range(3):
        torch.testing.assert_close(ours(x), theirs(x))
    ours.eval()
    theirs.eval()
    for _ in range(2):
        torch.testing.assert_close(ours(x), theirs(x))


@pytest.mark.parametrize("name", LAYERS)
def test_its_gradient_is_that_of_pytorch(name):
    ours, theirs, x = twins(name)
    ours(x).square().sum().backward()
    theirs(x).square().sum().backward()
    torch.testing.assert_close(ours.layer.weight.grad, theirs.parametrizations.weight.original.grad)


def test_two_calls_before_one_backward_pass_leave_the_first_gradient_as_it_was():
    ours, _, x = twins("linear")
    alone = torch.autograd.grad(ours(x).square().sum(), ours.layer.weight)[0]
    ours, _, x = twins("linear")
    first = ours(x).square().sum()
    ours(x)
    torch.testing.assert_close(torch.autograd.grad(first, ours.layer.weight)[0], alone)


def test_the_largest_singular_value_becomes_one():
    torch.manual_seed(1)
    layer = Spectral(nn.Linear(20, 30))
    with torch.no_grad():
        layer.layer.weight.mul_(50)
        for _ in range(50):
            layer(torch.zeros(1, 20))
    assert torch.linalg.matrix_norm(layer.weight(), 2).item() == pytest.approx(1, abs=1e-3)


def test_evaluation_leaves_the_vectors_as_they_are():
    ours, _, x = twins("linear")
    before = ours.u_O.clone()
    ours.eval()(x)
    assert torch.equal(ours.u_O, before)
    ours.train()(x)
    assert not torch.equal(ours.u_O, before)


def test_a_layer_may_be_left_as_it_is():
    layer = nn.Linear(2, 2)
    assert bounded(layer, spectral=False) is layer
