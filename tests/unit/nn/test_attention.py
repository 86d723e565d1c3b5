"""Attention against the formula written out in float64, and against PyTorch's own gradients."""

from __future__ import annotations

import math

import pytest
import torch

from deepfit.errors import DataError
from deepfit.nn import dropped_attention
from deepfit.nn.attention import FeedForward, KeyValueCache, SelfAttention, attend


def by_hand(q, k, v, may_look):
    """Query by query, as the formula says."""
    out = torch.zeros(q.shape, dtype=torch.float64)
    for b in range(q.shape[0]):
        for h in range(q.shape[1]):
            for t in range(q.shape[2]):
                seen = [s for s in range(k.shape[2]) if may_look(b, t, s)]
                if seen:
                    scores = torch.stack([q[b, h, t] @ k[b, h, s] / math.sqrt(q.shape[3]) for s in seen])
                    out[b, h, t] = (scores.softmax(0)[:, None] * v[b, h, seen]).sum(0)
    return out


def random_qkv(steps=5, sources=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shapes = [(2, 3, steps, 4), (2, 3, sources, 4), (2, 3, sources, 4)]
    return [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in shapes]


def test_weights_are_the_softmax_of_scaled_products():
    q, k, v = random_qkv(3, 7)
    torch.testing.assert_close(attend(q, k, v), by_hand(q, k, v, lambda b, t, s: True))


def test_a_causal_query_sees_itself_and_what_came_before():
    q, k, v = random_qkv()
    torch.testing.assert_close(attend(q, k, v, causal=True), by_hand(q, k, v, lambda b, t, s: s <= t))


@pytest.mark.parametrize("steps", [1, 2])
def test_fewer_causal_queries_are_the_last_ones(steps):
    q, k, v = random_qkv(5, 5)
    whole = attend(q, k, v, causal=True)
    torch.testing.assert_close(attend(q[:, :, -steps:], k, v, causal=True), whole[:, :, -steps:])


def test_a_mask_and_causality_hold_together():
    q, k, v = random_qkv()
    keep = torch.tensor([[1, 1, 1, 1, 0], [0, 1, 1, 1, 1]], dtype=torch.bool)
    found = attend(q, k, v, keep[:, None, None], causal=True)
    torch.testing.assert_close(found, by_hand(q, k, v, lambda b, t, s: s <= t and bool(keep[b, s])))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("drop", [0.0, 0.3])
def test_a_query_that_may_look_nowhere_gets_zeros_and_finite_gradients(dtype, drop):
    q, k, v = (x.to(dtype).requires_grad_() for x in random_qkv())
    keep = torch.tensor([[True] * 5, [False] * 5])[:, None, None]
    found = attend(q, k, v, keep, drop=drop)
    assert found.dtype == dtype
    assert torch.equal(found[1], torch.zeros_like(found[1]))
    assert bool(found[0].ne(0).any())
    found.float().square().sum().backward()
    for x in (q, k, v):
        assert bool(x.grad.isfinite().all())
        assert torch.equal(x.grad[1], torch.zeros_like(x.grad[1]))


def test_dropout_of_weights_keeps_the_expectation():
    q, k, v = (x[:1, :1].float().expand(400, 12, -1, -1) for x in random_qkv())
    torch.manual_seed(0)
    dropped = attend(q, k, v, drop=0.4)
    assert bool(dropped[0, 0].ne(dropped[1, 0]).any())
    mean, deviation = dropped.flatten(0, 1).mean(0), dropped.flatten(0, 1).std(0)
    error = (mean - attend(q, k, v)[0, 0]).abs() / (deviation / 4800**0.5)
    assert float(error.max()) < 4.5  # standard errors, largest of 20: missed once in 10,000 seeds


MASKS = {
    "none": None,
    "padding": torch.tensor([[1, 1, 1, 0, 0, 1, 1], [0, 1, 1, 1, 1, 1, 0]], dtype=torch.bool)[:, None, None],
    "nothing to see": torch.tensor([[True] * 7, [False] * 7])[:, None, None],
    "padding before": torch.tensor([[True] * 7, [False] * 4 + [True] * 3])[:, None, None],
    "each query its own": torch.rand(2, 1, 5, 7, generator=torch.Generator().manual_seed(0)) < 0.6,
}


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("block", [2, 3, 64])
def test_attention_with_dropout_is_the_formula_with_the_same_mask(monkeypatch, name, causal, block):
    monkeypatch.setattr(dropped_attention, "CAUSAL_BLOCK", block)
    monkeypatch.setattr(dropped_attention, "BLOCK", block)
    drawn = []
    true = dropped_attention.keep_mask
    monkeypatch.setattr(dropped_attention, "keep_mask", lambda *a: drawn.append(true(*a)) or drawn[-1])
    q, k, v = (x.requires_grad_() for x in random_qkv(5, 7))
    torch.manual_seed(0)
    found = attend(q, k, v, MASKS[name], causal=causal, drop=0.4)

    keep = torch.zeros(2, 3, 5, 7, dtype=torch.bool)
    scale = drawn[0][1]
    for place, (part, _) in enumerate(drawn):
        rows = slice(place * block, place * block + part.shape[1])
        keep[:, :, rows, : part.shape[2]] = part.unflatten(0, (2, 3))
    sees = torch.ones(5, 7, dtype=torch.bool).tril(2) if causal else torch.ones(5, 7, dtype=torch.bool)
    sees = sees if MASKS[name] is None else sees & MASKS[name]
    scores = (q @ k.transpose(2, 3) / 2).masked_fill(~sees, float("-inf"))
    weights = scores.softmax(-1).masked_fill(~sees.any(-1, keepdim=True), 0.0)
    wanted = (weights * keep * scale) @ v

    torch.testing.assert_close(found, wanted)
    direction = torch.randn(wanted.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    if bool(sees.any(-1).all()):  # else the plain formula's own gradient is NaN
        slopes = torch.autograd.grad(wanted, (q, k, v), direction)
        torch.testing.assert_close(torch.autograd.grad(found, (q, k, v), direction), slopes)


@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("causal", [False, True])
def test_the_gradient_of_attention_with_dropout_is_that_of_differences(monkeypatch, name, causal):
    monkeypatch.setattr(dropped_attention, "CAUSAL_BLOCK", 2)

    def fixed(q, k, v):
        torch.manual_seed(0)
        return attend(q, k, v, MASKS[name], causal=causal, drop=0.4)

    inputs = [x.requires_grad_() for x in random_qkv(5, 7)]
    assert torch.autograd.gradcheck(fixed, inputs, fast_mode=True)


def test_heads_are_independent_of_each_other():
    torch.manual_seed(0)
    layer = SelfAttention(8, 2).double()
    x = torch.randn(1, 4, 8, dtype=torch.float64)
    q, k, v = layer.qkv(x).chunk(3, -1)
    heads = [
        by_hand(*(z[..., part][:, None] for z in (q, k, v)), lambda b, t, s: True)[:, 0]
        for part in (slice(0, 4), slice(4, 8))
    ]
    torch.testing.assert_close(layer(x), layer.out(torch.cat(heads, -1)))


def test_a_width_that_heads_do_not_divide_is_refused():
    with pytest.raises(ValueError, match="multiple of the heads; received 10 and 4"):
        SelfAttention(10, 4)


def test_an_unknown_activation_is_refused_with_a_suggestion():
    with pytest.raises(ValueError, match="Did you mean 'gelu'"):
        FeedForward(4, 8, activation="gleu")


def test_a_full_cache_says_how_much_room_it_has():
    cache = KeyValueCache(1, 1, 1, 3, 2, like=torch.zeros(()))
    cache.extend(0, torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))
    cache.advance(2)
    with pytest.raises(DataError, match="room for 3 tokens, received 4"):
        cache.extend(0, torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))


BENDS = {
    "gelu": lambda x: x * (1 + torch.erf(x / 2**0.5)) / 2,
    "gelu_tanh": lambda x: x * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3))) / 2,
    "relu": lambda x: x.clamp(min=0),
    "swish": lambda x: x / (1 + torch.exp(-x)),
}


@pytest.mark.parametrize("name", BENDS)
def test_the_feed_forward_half_is_two_layers_with_a_bend_between(name):
    torch.manual_seed(0)
    layer = FeedForward(3, 5, activation=name)
    x = torch.randn(2, 4, 3)
    bent = BENDS[name](x @ layer.widen.weight.t() + layer.widen.bias)
    torch.testing.assert_close(layer(x), bent @ layer.narrow.weight.t() + layer.narrow.bias)
