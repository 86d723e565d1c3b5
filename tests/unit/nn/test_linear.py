"""The fast linear layer is `torch.nn.Linear` in value and gradient, whichever way it takes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from deepfit.nn import linear


def pair(inputs, outputs, *, bias=True):
    torch.manual_seed(0)
    ours, theirs = linear.Linear(inputs, outputs, bias=bias), nn.Linear(inputs, outputs, bias=bias)
    theirs.load_state_dict(ours.state_dict())
    return ours, theirs


@pytest.mark.parametrize("onednn", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", [(1, 5, 3), (7, 50, 64), (256, 33, 1)])
def test_values_and_gradients_equal_pytorchs(monkeypatch, onednn, bias, shape):
    if onednn and not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        pytest.skip("this PyTorch was built without oneDNN")
    monkeypatch.setattr(linear, "onednn_is_faster", lambda: onednn)
    rows, inputs, outputs = shape
    ours, theirs = pair(inputs, outputs, bias=bias)
    x = torch.randn(rows, inputs)
    found = []
    for layer in (ours, theirs):
        own = x.clone().requires_grad_()
        y = layer(own)
        y.square().sum().backward()
        found.append([y, own.grad, *(parameter.grad for parameter in layer.parameters())])
    for mine, yours in zip(*found, strict=True):
        torch.testing.assert_close(mine, yours, rtol=1e-4, atol=1e-4)  # sums in another order


def test_other_shapes_and_types_go_the_plain_way(monkeypatch):
    monkeypatch.setattr(linear, "onednn_is_faster", lambda: True)
    ours, theirs = pair(4, 3)
    for x in (torch.randn(2, 5, 4), torch.randn(0, 4)):
        torch.testing.assert_close(ours(x), theirs(x))
    torch.testing.assert_close(
        ours.double()(torch.ones(2, 4).double()), theirs.double()(torch.ones(2, 4).double())
    )


def test_the_choice_is_the_same_at_every_call():
    assert linear.onednn_is_faster() is linear.onednn_is_faster()


def test_a_slice_is_kept_whole_for_backward(monkeypatch):
    """OneDNN multiplies the transpose of a slice hundreds of times more slowly."""
    if not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        pytest.skip("this PyTorch was built without oneDNN")
    monkeypatch.setattr(linear, "onednn_is_faster", lambda: True)
    ours, theirs = pair(6, 3)
    x = torch.randn(5, 4, 8)[..., 2:]
    for given in (x, x[:, -1]):
        rows = linear.linear(given, ours.weight, ours.bias)
        node = rows.grad_fn if given.ndim == 2 else rows.grad_fn.next_functions[0][0]
        assert all(saved.is_contiguous() for saved in node.saved_tensors)
        torch.testing.assert_close(rows, theirs(given), rtol=1e-5, atol=1e-5)


def test_it_compiles_in_one_piece(monkeypatch):
    monkeypatch.setattr(linear, "onednn_is_faster", lambda: True)
    ours, theirs = pair(6, 3)
    x = torch.randn(5, 4, 8)[..., 2:]
    compiled = torch.compile(ours, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), theirs(x), rtol=1e-5, atol=1e-5)
