from __future__ import annotations

import pytest
import torch

from deepfit.nn.nets.gru import GRU
from deepfit.nn.nets.lstm import LSTM
from deepfit.nn.recurrent import both_ways


@pytest.mark.parametrize("kind", [LSTM, GRU])
@pytest.mark.parametrize("layers", [1, 2])
def test_both_ways_gives_the_outputs_and_gradients_of_packed_sequences(kind, layers):
    torch.manual_seed(0)
    net = kind(5, 4, layers=layers, bidirectional=True)
    x_BTF, lengths_B = torch.randn(6, 7, 5), torch.tensor([7, 1, 3, 7, 5, 2])
    weights_BTD = torch.randn(6, 7, 8)
    found = []
    for read in (lambda x: net(x, lengths_B)[0], lambda x: both_ways(net, x, lengths_B)):
        inputs = x_BTF.clone().requires_grad_()
        said = read(inputs)
        gradients = torch.autograd.grad((said * weights_BTD).sum(), [inputs, *net.parameters()])
        found.append([said, *gradients])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)  # float32 sums in another order


def test_in_mixed_precision_it_computes_in_float32_on_a_processor():
    torch.manual_seed(0)
    net = LSTM(3, 4, bidirectional=True)
    x_BTF, lengths_B = torch.randn(2, 5, 3), torch.tensor([2, 5])
    with torch.autocast("cpu", torch.bfloat16):
        mixed = both_ways(net, x_BTF, lengths_B)
    torch.testing.assert_close(mixed, both_ways(net, x_BTF, lengths_B))


def test_what_stands_in_the_padding_changes_nothing():
    torch.manual_seed(0)
    net = LSTM(3, 4, bidirectional=True)
    x_BTF, lengths_B = torch.randn(2, 5, 3), torch.tensor([2, 5])
    other_BTF = x_BTF.clone()
    other_BTF[0, 2:] = 9.0
    torch.testing.assert_close(both_ways(net, x_BTF, lengths_B), both_ways(net, other_BTF, lengths_B))
