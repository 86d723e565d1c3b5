"""The temporal convolutional network against a loop, against time and against padding."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from deepfit.nn.nets.temporal_cnn import TemporalCNN


def make(**sizes):
    """In float64, with biases off their zero start and gains off theirs."""
    torch.manual_seed(0)
    net = TemporalCNN(**{"num_features": 3, "widths": (4, 4, 6), "dropout": 0.0, **sizes}).double()
    for parameter in net.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return net


def by_loop(net, x_TF, *, kernel, causal):
    """One sequence through the blocks, tap by tap; each weight is gain * direction / |direction|."""
    weights = {name: value.numpy() for name, value in net.state_dict().items()}

    def conv(h_TC, name, dilation):
        gain = weights[f"{name}.parametrizations.weight.original0"]
        direction = weights[f"{name}.parametrizations.weight.original1"]
        weight = gain * direction / np.sqrt((direction**2).sum((1, 2), keepdims=True))
        y_TC = np.tile(weights[f"{name}.bias"], (len(h_TC), 1))
        for step in range(len(h_TC)):
            for tap in range(kernel):
                back = kernel - 1 - tap if causal else (kernel - 1) // 2 - tap
                seen = step - back * dilation
                if 0 <= seen < len(h_TC):
                    y_TC[step] += weight[:, :, tap] @ h_TC[seen]
        return np.maximum(y_TC, 0)

    for number in range(len(net.blocks)):
        name = f"blocks.{number}"
        h_TC = conv(conv(x_TF, f"{name}.conv1", 2**number), f"{name}.conv2", 2**number)
        if f"{name}.shortcut.weight" in weights:
            x_TF = x_TF @ weights[f"{name}.shortcut.weight"][:, :, 0].T + weights[f"{name}.shortcut.bias"]
        x_TF = np.maximum(x_TF + h_TC, 0)
    return x_TF


@pytest.mark.parametrize(("kernel", "causal"), [(2, True), (3, True), (3, False), (5, False)])
def test_the_forward_pass_equals_a_loop_in_numpy(kernel, causal):
    net = make(kernel=kernel, causal=causal)
    x_BTF = torch.randn(2, 17, 3, dtype=torch.float64)
    with torch.inference_mode():
        found = net(x_BTF)
    for row in range(2):
        expected = by_loop(net, x_BTF[row].numpy(), kernel=kernel, causal=causal)
        np.testing.assert_allclose(found[row], expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kernel", [2, 3, 4])
def test_an_output_sees_its_receptive_field_and_never_ahead(kernel):
    net = make(widths=(8, 8), kernel=kernel)
    reach = net.receptive_field
    steps = reach + 6
    x_BTF = torch.randn(64, steps, 3, dtype=torch.float64, requires_grad=True)
    step = steps - 3
    net(x_BTF)[:, step].sum().backward()
    seen = x_BTF.grad.abs().sum((0, 2)) > 0
    first = step - reach + 1
    assert seen[first : step + 1].all()
    assert not seen[:first].any()
    assert not seen[step + 1 :].any()


def test_where_it_need_not_be_causal_a_step_sees_as_far_ahead_as_back():
    net = make(widths=(8, 8), causal=False)
    half = net.receptive_field // 2
    x_BTF = torch.randn(64, 2 * half + 9, 3, dtype=torch.float64, requires_grad=True)
    step = half + 4
    net(x_BTF)[:, step].sum().backward()
    seen = (x_BTF.grad.abs().sum((0, 2)) > 0).nonzero().ravel()
    assert (seen.min(), seen.max(), len(seen)) == (step - half, step + half, 2 * half + 1)


def test_what_happens_later_is_answered_the_same_later():
    net = make()
    x_BTF = torch.randn(2, 40, 3, dtype=torch.float64)
    late = torch.cat([torch.randn(2, 5, 3, dtype=torch.float64), x_BTF], dim=1)
    known = net.receptive_field - 1  # from here on no output sees the beginning
    torch.testing.assert_close(net(late)[:, 5 + known :], net(x_BTF)[:, known:])


@pytest.mark.parametrize("causal", [True, False])
def test_a_padded_batch_equals_its_sequences_one_by_one_whatever_stands_in_the_padding(causal):
    net = make(causal=causal)
    lengths = [9, 4, 1, 0]
    for filling in (0.0, 1e6, torch.nan):
        torch.manual_seed(1)
        x_BTF = torch.randn(4, 9, 3, dtype=torch.float64)
        for row, length in enumerate(lengths):
            x_BTF[row, length:] = filling
        outputs = net(x_BTF, torch.tensor(lengths))
        for row, length in enumerate(lengths):
            assert not outputs[row, length:].any()
            if length:
                torch.testing.assert_close(outputs[row, :length], net(x_BTF[row : row + 1, :length])[0])
        outputs.square().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in net.parameters())


def test_dropout_zeroes_whole_channels_in_training_only():
    torch.manual_seed(0)
    net = TemporalCNN(3, (8,), dropout=0.5)
    torch.nn.init.zeros_(net.blocks[0].shortcut.weight)
    x_BTF = torch.randn(2, 50, 3) + 5
    silent = (net(x_BTF) == 0).all(1).float().mean()
    never = (net.eval()(x_BTF) == 0).all(1).float().mean()
    assert silent > never + 0.2
    torch.testing.assert_close(net(x_BTF), net(x_BTF))


def test_an_even_kernel_that_is_not_causal_is_refused():
    with pytest.raises(ValueError, match="must be odd; received kernel=4"):
        TemporalCNN(3, (4,), kernel=4, causal=False)
