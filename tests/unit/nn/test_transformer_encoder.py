"""The encoder: published sizes, and padding that changes nothing."""

from __future__ import annotations

import pytest
import torch

from deepfit.errors import DataError
from deepfit.nn.nets.transformer_encoder import PRESETS, TransformerEncoder


def small(**changes):
    torch.manual_seed(0)
    arguments = {"width": 16, "layers": 2, "heads": 4, "hidden": 24, "positions": 20, **changes}
    net = TransformerEncoder(30, **arguments)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return net.eval()


def random_tokens(rows=3, steps=7):
    return torch.randint(30, (rows, steps), generator=torch.Generator().manual_seed(1))


PARAMETERS = {
    "bert-base": 109_482_240,
    "roberta-base": 124_645_632,
    "distilbert-base": 66_362_880,
    "minilm-l6": 22_713_216,
}


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS.items())
def test_presets_have_the_published_number_of_parameters(name, parameters):
    with torch.device("meta"):
        net = TransformerEncoder(**PRESETS[name])
    assert sum(parameter.numel() for parameter in net.parameters()) == parameters


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("first", [0, 2])
def test_padding_on_either_side_changes_no_token_that_is_kept(side, first):
    net, tokens = small(first_position=first), random_tokens()
    alone = [net(tokens[row : row + 1, : 7 - 2 * row]) for row in range(3)]
    padded, keep = torch.full((3, 9), 29), torch.zeros(3, 9, dtype=torch.bool)
    for row in range(3):
        length = 7 - 2 * row
        place = slice(0, length) if side == "right" else slice(9 - length, 9)
        padded[row, place], keep[row, place] = tokens[row, :length], True
    found = net(padded, keep)
    for row in range(3):
        torch.testing.assert_close(found[row][keep[row]], alone[row][0], rtol=1e-5, atol=1e-5)


def test_a_row_of_padding_alone_gives_finite_outputs_and_no_gradient_trouble():
    net, tokens = small(), random_tokens(2)
    found = net(tokens, torch.tensor([[True] * 7, [False] * 7]))
    assert bool(found.isfinite().all())
    found.sum().backward()
    assert all(bool(p.grad.isfinite().all()) for p in net.parameters() if p.grad is not None)


def test_every_token_sees_every_other_one():
    net = small().double()
    embedded = []
    net.tokens.weight.requires_grad_(False)
    net.tokens.register_forward_hook(lambda _, __, out: embedded.append(out.requires_grad_()) or out)
    x = net(random_tokens(1))
    for step in (0, 6):
        (slope,) = torch.autograd.grad(x[0, step].square().sum(), embedded[0], retain_graph=True)
        assert bool((slope[0].abs().sum(1) > 0).all())


def test_types_tell_segments_apart_and_missing_ones_are_the_first():
    net, tokens = small(), random_tokens()
    types = torch.zeros_like(tokens)
    assert torch.equal(net(tokens), net(tokens, types_BT=types))
    types[:, 3:] = 1
    assert not torch.allclose(net(tokens), net(tokens, types_BT=types))


def test_the_pooler_looks_at_the_first_token_and_may_be_left_out():
    net, tokens = small(), random_tokens()
    x = net(tokens)
    torch.testing.assert_close(net.pool(x), torch.tanh(x[:, 0] @ net.pooler.weight.t() + net.pooler.bias))
    with pytest.raises(ValueError, match="without its pooler"):
        small(pooled=False).pool(x)


def test_a_text_beyond_the_positions_is_refused_with_both_lengths():
    net = small(first_position=2)
    net(random_tokens(steps=18))
    with pytest.raises(DataError, match="19 tokens, and this network knows 18 positions"):
        net(random_tokens(steps=19))


def test_dropout_acts_in_training_alone_and_repeats_with_the_seed():
    net, tokens = small(dropout=0.3).train(), random_tokens(16, 20)
    found = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        found.append(net(tokens, torch.ones_like(tokens, dtype=torch.bool)))
    assert torch.equal(found[0], found[1])
    assert not torch.allclose(found[0], found[2])
    net.eval()
    assert torch.equal(net(tokens), net(tokens))


def test_every_parameter_learns():
    net, tokens = small(positions=7), random_tokens()
    types = torch.arange(7).remainder(2).expand(3, -1)
    x = net(tokens, types_BT=types)
    (x.square().sum() + net.pool(x).sum()).backward()
    assert [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []
