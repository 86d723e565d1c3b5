"""The decoder looks back only, and writes with its cache what it writes without."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from deepfit.errors import DataError
from deepfit.nn.generate import choose, generate, stream
from deepfit.nn.linear_crossentropy import linear_crossentropy
from deepfit.nn.nets.transformer_decoder import PRESETS, TransformerDecoder


def small(*, dropout=0.0, positions=32, seed=0):
    torch.manual_seed(seed)
    net = TransformerDecoder(50, width=16, layers=3, heads=4, positions=positions, dropout=dropout)
    for parameter in net.parameters():  # far from the start, where all tokens are equally likely
        torch.nn.init.normal_(parameter, std=0.3)
    return net.eval()


def random_tokens(rows=3, steps=12, seed=1):
    return torch.randint(50, (rows, steps), generator=torch.Generator().manual_seed(seed))


PARAMETERS = {
    "gpt2": 124_439_808,
    "gpt2-medium": 354_823_168,
    "gpt2-large": 774_030_080,
    "gpt2-xl": 1_557_611_200,
    "distilgpt2": 81_912_576,
}


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS.items())
def test_presets_have_the_published_number_of_parameters(name, parameters):
    with torch.device("meta"):
        net = TransformerDecoder(**PRESETS[name])
    assert sum(parameter.numel() for parameter in net.parameters()) == parameters


def test_no_logit_depends_on_a_later_token():
    net = small().double()
    embedded = []
    net.tokens.register_forward_hook(lambda _, __, out: embedded.append(out.requires_grad_()) or out)
    net.tokens.weight.requires_grad_(False)
    logits = net(random_tokens(rows=1))
    for step in range(logits.shape[1]):
        (slope,) = torch.autograd.grad(logits[0, step].square().sum(), embedded[0], retain_graph=True)
        felt = slope[0].abs().sum(1) > 0
        assert felt.tolist() == [place <= step for place in range(logits.shape[1])]


def test_padding_after_a_text_changes_nothing_before_it():
    net, tokens = small(), random_tokens()
    padded = torch.cat([tokens, torch.zeros(3, 5, dtype=torch.long)], dim=1)
    torch.testing.assert_close(
        net(padded)[:, :12], net(tokens), rtol=1e-5, atol=1e-5
    )  # sums in another order


@pytest.mark.parametrize("pieces", [[12], [1] * 12, [5, 7], [11, 1], [4, 1, 3, 4]])
def test_reading_in_pieces_with_a_cache_gives_the_same_logits(pieces):
    net, tokens = small(), random_tokens()
    cache = net.empty_cache(3, 12)
    with torch.no_grad():
        found = torch.cat([net(piece, cache) for piece in tokens.split(pieces, dim=1)], dim=1)
    assert cache.length == 12
    torch.testing.assert_close(found, net(tokens), rtol=1e-5, atol=1e-5)


def without_cache(net, tokens, new, **how):
    for _ in range(new):
        chosen = choose(net(tokens)[:, -1], **how)
        tokens = torch.cat([tokens, chosen[:, None]], dim=1)
    return tokens[:, -new:]


@pytest.mark.parametrize("how", [{"temperature": 0}, {"temperature": 0.7}, {"top_k": 5}, {"top_p": 0.8}])
def test_generation_with_the_cache_equals_generation_without(how):
    net, tokens = small(), random_tokens(steps=4)
    drawn = [torch.Generator().manual_seed(3) for _ in range(2)]
    with torch.no_grad():
        wanted = without_cache(net, tokens, 20, generator=drawn[0], **how)
    found = generate(net, tokens, new=20, generator=drawn[1], **how)
    assert torch.equal(found, wanted)
    assert how == {"temperature": 0} or len(set(found.flatten().tolist())) > 5


def test_equal_generators_write_the_same_and_others_do_not():
    net, tokens = small(), random_tokens(steps=4)
    texts = [
        generate(net, tokens, new=16, generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    ]
    assert torch.equal(texts[0], texts[1])
    assert not torch.equal(texts[0], texts[2])


def test_a_row_that_stops_is_filled_up_and_all_stopped_end_the_drawing():
    net, tokens = small(), random_tokens(steps=4)
    free = generate(net, tokens, new=20, temperature=0)
    stop = int(free[0, 3])
    found = generate(net, tokens, new=20, temperature=0, stop=stop)
    for row, unstopped in zip(found.tolist(), free.tolist(), strict=True):
        end = unstopped.index(stop) + 1 if stop in unstopped else len(row)
        assert row[:end] == unstopped[:end]
        assert set(row[end:]) <= {stop}
    one = generate(net, tokens[:1], new=20, temperature=0, stop=stop)
    assert one[0].tolist() == free[0, : free[0].tolist().index(stop) + 1].tolist()


def test_streaming_draws_what_generating_does_and_leaves_the_mode_as_it_was():
    net, tokens = small(dropout=0.5).train(), random_tokens(steps=4)
    drawn = [token.tolist() for token in stream(net, tokens, new=5, temperature=0)]
    assert torch.tensor(drawn).t().tolist() == generate(net, tokens, new=5, temperature=0).tolist()
    assert net.training


def test_it_can_write_up_to_its_last_position_and_no_further():
    net, tokens = small(positions=8), random_tokens(steps=4)
    assert generate(net, tokens, new=5).shape == (3, 5)
    assert generate(net, tokens, new=0).shape == (3, 0)
    with pytest.raises(DataError, match="4 tokens to begin with and 6 new ones"):
        generate(net, tokens, new=6)
    with pytest.raises(DataError, match="0 tokens"):
        generate(net, tokens[:, :0], new=1)
    with pytest.raises(DataError, match="9 tokens, and this network knows 8 positions"):
        net(random_tokens(steps=9))


LOGITS = torch.log(torch.tensor([0.05, 0.5, 0.15, 0.3]))


@pytest.mark.parametrize(
    ("how", "shares"),
    [
        ({}, [0.05, 0.5, 0.15, 0.3]),
        ({"top_k": 2}, [0, 0.625, 0, 0.375]),
        ({"top_k": 99}, [0.05, 0.5, 0.15, 0.3]),
        ({"top_p": 0.49}, [0, 1, 0, 0]),
        ({"top_p": 0.51}, [0, 0.625, 0, 0.375]),
        ({"top_p": 1e-6}, [0, 1, 0, 0]),
        ({"top_p": 1.0}, [0.05, 0.5, 0.15, 0.3]),
        ({"top_k": 3, "top_p": 0.9}, [0, 0.5 / 0.95, 0.15 / 0.95, 0.3 / 0.95]),
        ({"temperature": 0.5}, [0.0025 / 0.365, 0.25 / 0.365, 0.0225 / 0.365, 0.09 / 0.365]),
        ({"temperature": 0}, [0, 1, 0, 0]),
    ],
)
def test_draws_follow_the_probabilities_that_temperature_and_cuts_leave(how, shares):
    drawn = choose(LOGITS.expand(20_000, 4), generator=torch.Generator().manual_seed(0), **how)
    found = torch.bincount(drawn, minlength=4) / 20_000
    torch.testing.assert_close(
        found, torch.tensor(shares, dtype=torch.float32), rtol=0, atol=0.016
    )  # 4.5 standard errors
    assert [bool(x) for x in found] == [bool(x) for x in shares]


@pytest.mark.parametrize("how", [{"temperature": -1}, {"top_k": 0}, {"top_p": 0}, {"top_p": 1.5}])
def test_settings_without_a_meaning_are_refused(how):
    with pytest.raises(ValueError, match="temperature has to be at least 0"):
        choose(LOGITS[None], **how)


def test_every_parameter_learns_and_one_batch_is_learnt_by_heart():
    torch.manual_seed(0)
    net = TransformerDecoder(50, width=32, layers=2, heads=4, positions=32, dropout=0.1)
    tokens = random_tokens(rows=4, steps=17)
    optimizer = torch.optim.Adam(net.parameters(), 1e-2)
    for step in range(150):
        optimizer.zero_grad()
        features = net.features(tokens[:, :-1])
        loss = linear_crossentropy(features.flatten(0, 1), net.tokens.weight, tokens[:, 1:].flatten()) / 64
        loss.backward()
        if step == 0:
            silent = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()]
            assert silent == []
        optimizer.step()
    net.eval()
    logits = net(tokens[:, :-1])
    assert functional.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten()).item() < 0.05


def test_the_start_is_about_as_uncertain_as_the_vocabulary_allows():
    torch.manual_seed(0)
    net = TransformerDecoder(50, width=64, layers=4, heads=4, positions=32)
    deviation = net.blocks[0].attention.out.weight.std().item()
    assert abs(deviation - 0.02 / 8**0.5) < 0.0005
    logits = net.eval()(random_tokens())
    loss = functional.cross_entropy(logits.flatten(0, 1), random_tokens(seed=2).flatten())
    assert abs(loss.item() - math.log(50)) < 0.1
