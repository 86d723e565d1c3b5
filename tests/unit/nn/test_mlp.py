import pytest
import torch
from torch import nn
from torch.testing import assert_close

from deepfit.nn.nets.mlp import MLP, UNSCALED

MODULES = {
    "relu": nn.ReLU(),
    "gelu": nn.GELU(),
    "swish": nn.SiLU(),
    "mish": nn.Mish(),
    "selu": nn.SELU(),
    "tanh": nn.Tanh(),
}


def small(**options):
    torch.manual_seed(0)
    return MLP(3, [4, 30], 2, **{"widths": (16, 8), **options})


def rows(count=9):
    generator = torch.Generator().manual_seed(1)
    numbers = torch.randn(count, 3, generator=generator)
    return numbers, torch.randint(0, 4, (count, 2), generator=generator, dtype=torch.int32)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_it_equals_the_sequence_of_modules_that_the_activation_names(name):
    net = small(activation=name).eval()
    numbers, categories = rows()
    bend, (first, second) = MODULES[name], net.layers
    plain = nn.Sequential(first, bend, second, bend, net.last)
    inputs = torch.cat([numbers, net.categories(categories)[0]], dim=1)
    assert_close(net(numbers, categories)[:, 0], plain(inputs))


def test_hidden_weights_start_with_variance_two_over_inputs_and_biases_at_zero():
    net = MLP(400, [], 1, widths=(500,))
    assert net.layers[0].weight.var().item() == pytest.approx(2 / 400, rel=0.02)
    assert not net.layers[0].bias.any()
    assert not net.last.bias.any()


@pytest.mark.parametrize("name", UNSCALED)
def test_before_a_bend_that_lets_everything_through_the_variance_is_one_over_inputs(name):
    net = MLP(400, [], 1, widths=(500,), activation=name)
    assert net.layers[0].weight.var().item() == pytest.approx(1 / 400, rel=0.02)


def test_an_old_name_is_refused_with_the_new_one():
    with pytest.raises(ValueError, match="called 'swish' here"):
        small(activation="silu")


def test_every_parameter_gets_a_gradient():
    net = small()
    net(*rows(64)).square().sum().backward()
    assert all(parameter.grad.any() for parameter in net.parameters())


def test_the_answer_for_a_row_does_not_depend_on_the_other_rows_or_their_order():
    net = small().eval()
    numbers, categories = rows()
    order = torch.tensor([4, 2, 7])
    some = net(numbers[order], categories[order])
    assert_close(some, net(numbers, categories)[order], rtol=1e-5, atol=1e-6)  # sums in another order


def test_dropout_acts_in_training_only():
    net = small(dropout=0.5)
    inputs = rows()
    assert not torch.equal(net(*inputs), net(*inputs))
    net.eval()
    assert torch.equal(net(*inputs), net(*inputs))
