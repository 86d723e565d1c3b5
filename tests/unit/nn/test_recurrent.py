"""RNN, GRU and LSTM against their equations, against PyTorch's, and against padding."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from deepfit.nn.nets.gru import GRU
from deepfit.nn.nets.lstm import LSTM
from deepfit.nn.nets.rnn import RNN
from deepfit.nn.recurrent import pooled

NETS = {"rnn": (RNN, nn.RNN), "gru": (GRU, nn.GRU), "lstm": (LSTM, nn.LSTM)}
DEEP = {"layers": 2, "bidirectional": True}


def make(name, *, dtype=torch.float32, **sizes):
    """Our network with weights moved off their start, so that no bias is zero."""
    torch.manual_seed(0)
    net = NETS[name][0](num_features=3, width=5, **sizes)
    for parameter in net.parameters():
        parameter.data += 0.3 * torch.randn_like(parameter)
    return net.to(dtype)


def parts(state):
    return state if isinstance(state, tuple) else (state,)


def by_hand(name, weights, x_TF, h, c):
    """The equations of each file, one sequence, one layer, in NumPy."""

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    w_ih, w_hh, b_ih, b_hh = (weights[f"{n}_l0"] for n in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))
    outputs = []
    for x in x_TF:
        before, past = w_ih @ x + b_ih, w_hh @ h + b_hh
        if name == "rnn":
            h = np.tanh(before + past)
        elif name == "gru":
            (r1, z1, n1), (r2, z2, n2) = np.split(before, 3), np.split(past, 3)
            r, z = sigmoid(r1 + r2), sigmoid(z1 + z2)
            h = (1 - z) * np.tanh(n1 + r * n2) + z * h
        else:
            i, f, g, o = np.split(before + past, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        outputs.append(h)
    return np.array(outputs), h, c


@pytest.mark.parametrize("name", NETS)
def test_one_layer_equals_its_equations_in_numpy(name):
    net = make(name, dtype=torch.float64)
    weights = {key: value.numpy() for key, value in net.state_dict().items()}
    rng = np.random.default_rng(0)
    x_BTF, h_BD, c_BD = rng.normal(size=(2, 7, 3)), rng.normal(size=(2, 5)), rng.normal(size=(2, 5))
    h, c = torch.from_numpy(h_BD)[None], torch.from_numpy(c_BD)[None]
    with torch.inference_mode():
        outputs, state = net(torch.from_numpy(x_BTF), state=(h, c) if name == "lstm" else h)
    for row in range(2):
        expected, h_D, c_D = by_hand(name, weights, x_BTF[row], h_BD[row], c_BD[row])
        np.testing.assert_allclose(outputs[row], expected, rtol=1e-10)
        for found, last in zip(parts(state), (h_D, c_D), strict=False):
            np.testing.assert_allclose(found[0, row], last, rtol=1e-10)


@pytest.mark.parametrize("lengths", [None, [4, 9, 1]])
@pytest.mark.parametrize("sizes", [{}, DEEP])
@pytest.mark.parametrize("name", NETS)
def test_weights_of_torch_load_and_give_torchs_values_and_gradients(name, sizes, lengths):
    ours = make(name, **sizes)
    theirs = NETS[name][1](
        3, 5, sizes.get("layers", 1), batch_first=True, bidirectional=sizes.get("bidirectional", False)
    )
    theirs.load_state_dict(ours.state_dict())
    ours.load_state_dict(theirs.state_dict())
    x_BTF = torch.randn(3, 9, 3)
    found = []
    for net in (ours, theirs):
        x = x_BTF.clone().requires_grad_()
        if net is ours:
            outputs, state = net(x, None if lengths is None else torch.tensor(lengths))
        elif lengths is None:
            outputs, state = net(x)
        else:
            packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            outputs, state = net(packed)
            outputs = nn.utils.rnn.pad_packed_sequence(outputs, batch_first=True)[0]
        (outputs * torch.linspace(-1, 1, outputs.shape[2])).sum().backward()
        found.append([outputs, *parts(state), x.grad, *(parameter.grad for parameter in net.parameters())])
    for mine, yours in zip(*found, strict=True):
        torch.testing.assert_close(mine, yours, rtol=1e-4, atol=1e-5)  # sums in another order


@pytest.mark.parametrize("sizes", [{}, DEEP])
@pytest.mark.parametrize("name", NETS)
def test_a_padded_batch_equals_its_sequences_one_by_one(name, sizes):
    net = make(name, **sizes)
    lengths = [6, 2, 8, 1]
    x_BTF = torch.randn(4, 8, 3)
    outputs, state = net(x_BTF, torch.tensor(lengths))
    for row, length in enumerate(lengths):
        alone, last = net(x_BTF[row : row + 1, :length])
        torch.testing.assert_close(outputs[row, :length], alone[0], rtol=1e-5, atol=1e-6)
        assert not outputs[row, length:].any()
        for ours, theirs in zip(parts(state), parts(last), strict=True):
            torch.testing.assert_close(ours[:, row], theirs[:, 0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("sizes", [{}, DEEP])
@pytest.mark.parametrize("name", NETS)
def test_what_stands_in_the_padding_changes_neither_values_nor_gradients(name, sizes):
    net = make(name, **sizes)
    lengths_B = torch.tensor([5, 2])
    found = []
    for filling in (0.0, 1e6, torch.nan):
        torch.manual_seed(1)
        x_BTF = torch.randn(2, 7, 3)
        x_BTF[0, 5:] = x_BTF[1, 2:] = filling
        x_BTF.requires_grad_()
        net.zero_grad()
        outputs, state = net(x_BTF, lengths_B)
        outputs.square().sum().backward()
        found.append([outputs, *parts(state), x_BTF.grad, *(p.grad.clone() for p in net.parameters())])
    for others in found[1:]:
        for first, other in zip(found[0], others, strict=True):
            torch.testing.assert_close(first, other)


@pytest.mark.parametrize("with_lengths", [False, True])
@pytest.mark.parametrize("name", NETS)
def test_a_state_carried_over_two_windows_equals_one_long_window(name, with_lengths):
    net = make(name, layers=2)
    x_BTF = torch.randn(3, 10, 3)
    lengths = (torch.full((3,), 6), torch.full((3,), 4)) if with_lengths else (None, None)
    whole, last = net(x_BTF)
    first, state = net(x_BTF[:, :6], lengths[0])
    second, end = net(x_BTF[:, 6:], lengths[1], state)
    torch.testing.assert_close(torch.cat([first, second], 1), whole, rtol=1e-5, atol=1e-6)
    for ours, theirs in zip(parts(end), parts(last), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NETS)
def test_the_returned_state_has_no_past(name):
    _, state = make(name)(torch.randn(2, 4, 3, requires_grad=True))
    assert not any(part.requires_grad for part in parts(state))


@pytest.mark.parametrize("name", NETS)
def test_a_sequence_of_no_steps_gets_zeros_and_keeps_its_state(name):
    net = make(name, layers=2)
    _, state = net(torch.randn(2, 4, 3))
    outputs, after = net(torch.randn(2, 3, 3), torch.tensor([0, 3]), state)
    assert not outputs[0].any()
    assert outputs[1].any()
    for ours, before in zip(parts(after), parts(state), strict=True):
        assert torch.equal(ours[:, 0], before[:, 0])
        assert not torch.equal(ours[:, 1], before[:, 1])
    _, fresh = net(torch.randn(2, 3, 3), torch.tensor([0, 3]))
    assert not any(part[:, 0].any() for part in parts(fresh))


@pytest.mark.parametrize(("name", "gates"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
def test_recurrent_weights_start_orthogonal_and_only_the_gates_that_keep_start_open(name, gates):
    net = NETS[name][0](6, 8, layers=2, bidirectional=True)
    for key, value in net.named_parameters():
        if key.startswith("weight_hh"):
            for block in value.chunk(gates):
                torch.testing.assert_close(block @ block.T, torch.eye(8), rtol=0, atol=1e-5)
        elif key.startswith("bias"):
            expected = torch.zeros(gates, 8)
            if key.startswith("bias_ih") and name != "rnn":
                opening = {"lstm": torch.ones(8), "gru": torch.linspace(-1, 3, 8)}[name]
                expected[1] = opening  # the second gate of i, f, g, o and of r, z, n
            assert torch.equal(value.view(gates, 8), expected)


def test_dropout_acts_between_layers_in_training_only():
    net = make("lstm", layers=2, dropout=0.5)
    x_BTF = torch.randn(2, 4, 3)
    assert not torch.equal(net(x_BTF)[0], net(x_BTF)[0])
    net.eval()
    plain = make("lstm", layers=2)
    torch.testing.assert_close(net(x_BTF)[0], plain(x_BTF)[0])


@pytest.mark.parametrize("name", NETS)
def test_dropout_between_the_layers_of_one_layer_is_refused(name):
    with pytest.raises(ValueError, match=r"acts between layers.*dropout=0\.3"):
        NETS[name][0](3, 5, dropout=0.3)


@pytest.mark.parametrize("how", ["last", "mean", "max"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_pooling_looks_at_valid_steps_only(how, bidirectional):
    torch.manual_seed(0)
    outputs_BTD = torch.randn(4, 6, 4)
    lengths = [6, 3, 1, 0]
    found = pooled(outputs_BTD, torch.tensor(lengths), how, bidirectional=bidirectional)
    for row, length in enumerate(lengths[:3]):
        steps = outputs_BTD[row, :length]
        expected = {"mean": steps.mean(0), "max": steps.amax(0), "last": steps[-1].clone()}[how]
        if how == "last" and bidirectional:
            expected[2:] = steps[0, 2:]
        torch.testing.assert_close(found[row], expected)
    assert not found[3].any()
    whole = pooled(outputs_BTD, None, how, bidirectional=bidirectional)
    torch.testing.assert_close(whole[0], found[0])
    assert torch.equal(pooled(outputs_BTD[:, :0], None, how), torch.zeros(4, 4))


def test_pooling_the_last_step_in_both_directions_gives_the_final_states_of_the_top_layer():
    net = make("gru", **DEEP)
    lengths_B = torch.tensor([3, 7])
    outputs, h_LBD = net(torch.randn(2, 7, 3), lengths_B)
    torch.testing.assert_close(
        pooled(outputs, lengths_B, bidirectional=True), torch.cat([h_LBD[-2], h_LBD[-1]], dim=1)
    )
