"""Cross-entropy in pieces equals PyTorch's on whole logits, in value and gradient."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from deepfit.nn import linear_crossentropy as module
from deepfit.nn.linear_crossentropy import linear_crossentropy


def example(tokens=13, width=5, vocabulary=7, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(tokens, width, generator=generator, dtype=dtype)
    weight = torch.randn(vocabulary, width, generator=generator, dtype=dtype)
    target = torch.randint(vocabulary, (tokens,), generator=generator)
    return x.requires_grad_(), weight.requires_grad_(), target


@pytest.mark.parametrize("at_once", [1, 20, 1 << 20])
@pytest.mark.parametrize("ignored", [[], [0, 3, 12], list(range(13))])
def test_value_and_gradients_equal_those_on_whole_logits(monkeypatch, at_once, ignored):
    monkeypatch.setattr(module, "LOGITS_AT_ONCE", at_once)
    x, weight, target = example()
    target[ignored] = -100
    found = linear_crossentropy(x, weight, target)
    wanted = functional.cross_entropy(x @ weight.t(), target, reduction="sum")
    torch.testing.assert_close(found, wanted)
    torch.testing.assert_close(
        torch.autograd.grad(3 * found, (x, weight)), torch.autograd.grad(3 * wanted, (x, weight))
    )


def test_the_gradient_is_that_of_differences(monkeypatch):
    monkeypatch.setattr(module, "LOGITS_AT_ONCE", 20)
    x, weight, target = example()
    target[2] = -100
    assert torch.autograd.gradcheck(lambda x, weight: linear_crossentropy(x, weight, target), (x, weight))


def test_a_frozen_table_or_frozen_features_get_no_gradient():
    x, weight, target = example()
    assert torch.autograd.grad(linear_crossentropy(x, weight.detach(), target), x)[0].shape == x.shape
    assert (
        torch.autograd.grad(linear_crossentropy(x.detach(), weight, target), weight)[0].shape == weight.shape
    )
    with torch.no_grad():
        value = linear_crossentropy(x, weight, target)
    torch.testing.assert_close(value, functional.cross_entropy(x @ weight.t(), target, reduction="sum"))


def test_large_logits_stay_finite():
    x, weight, target = example(dtype=torch.float32)
    found = linear_crossentropy(1e4 * x, weight, target)
    torch.testing.assert_close(found, functional.cross_entropy(1e4 * x @ weight.t(), target, reduction="sum"))
    assert all(bool(each.isfinite().all()) for each in torch.autograd.grad(found, (x, weight)))


def test_no_token_at_all_costs_nothing():
    x, weight, target = example(tokens=0)
    found = linear_crossentropy(x, weight, target)
    assert found.item() == 0.0
    assert not bool(torch.autograd.grad(found, weight)[0].any())


def test_under_autocast_the_loss_is_summed_in_float32():
    x, weight, target = example(tokens=64, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        found = linear_crossentropy(x, weight, target)
    assert found.dtype == torch.float32
    wanted = functional.cross_entropy(x @ weight.t(), target, reduction="sum")
    torch.testing.assert_close(found, wanted, rtol=2e-2, atol=0)  # bfloat16 keeps 8 bits
    assert [each.dtype for each in torch.autograd.grad(found, (x, weight))] == [torch.float32] * 2


def test_the_logits_of_all_tokens_are_never_held(monkeypatch):
    monkeypatch.setattr(module, "LOGITS_AT_ONCE", 1000)
    held = []
    true = module.linear
    monkeypatch.setattr(module, "linear", lambda x, w: held.append(len(x) * len(w)) or true(x, w))
    x, weight, target = example(tokens=500, vocabulary=100)
    with torch.no_grad():
        linear_crossentropy(x, weight, target)
    assert max(held) <= 1000
    assert sum(held) == 500 * 100
