"""What is said of a text does not depend on its padding; layers learn at the rates that they are given."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from deepfit.nn.nets.transformer_encoder import TransformerEncoder
from deepfit.nn.optimizers import build, layer_factor, paced
from deepfit.nn.text_classifier import EncoderClassifier, TextClassifier

BODIES = ("lstm", "gru", "temporal_cnn", "transformer_encoder")


def network(name):
    torch.manual_seed(0)
    if name == "encoder":
        encoder = TransformerEncoder(50, width=16, layers=2, heads=2, hidden=32, positions=20)
        return EncoderClassifier(encoder, 3)
    return TextClassifier(name, 50, 3, width=16, longest=20)


@pytest.mark.parametrize("name", [*BODIES, "encoder"])
def test_padding_changes_nothing(name):
    net = network(name).eval()
    tokens = torch.randint(50, (2, 7))
    padded = torch.cat([tokens, torch.randint(50, (2, 5))], 1)
    keep = torch.arange(12) < 7
    with torch.no_grad():
        torch.testing.assert_close(
            net(padded, keep.expand(2, -1)),
            net(tokens, torch.ones(2, 7, dtype=torch.bool)),
            rtol=1e-5,
            atol=1e-5,
        )


@pytest.mark.parametrize("name", BODIES)
def test_hidden_tokens_hide_only_while_training(name):
    net = network(name)
    net.dropout = 0.0
    tokens, keep = torch.randint(50, (4, 9)), torch.ones(4, 9, dtype=torch.bool)
    net.eval()
    torch.testing.assert_close(net(tokens, keep), net(tokens, keep))
    net.train()
    assert not torch.equal(net(tokens, keep), net(tokens, keep))


def test_a_tuned_encoder_answers_from_the_mean_of_its_tokens():
    net = network("encoder").eval()
    tokens, keep = torch.randint(50, (2, 6)), torch.ones(2, 6, dtype=torch.bool)
    expected = net.answer(net.encoder(tokens, keep).mean(1))
    torch.testing.assert_close(net(tokens, keep), expected)
    assert not [name for name, _ in net.named_parameters() if "pooler" in name]


def test_lower_layers_learn_slower_and_the_new_one_faster():
    factors = {
        name: layer_factor(name, 3, 0.5, answer=5.0)
        for name in (
            "answer.weight",
            "encoder.blocks.2.norm1.bias",
            "encoder.blocks.0.norm1.bias",
            "encoder.norm.bias",
        )
    }
    assert list(factors.values()) == [5.0, 1.0, 0.25, 0.125]


@pytest.mark.parametrize("name", ["adamw", "sgd", "muon", "schedule_free"])
def test_a_paced_optimizer_moves_each_parameter_by_its_own_rate(name):
    slow, even = (nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)) for _ in range(2))
    even.load_state_dict(slow.state_dict())
    moved = []
    for net, factor in (
        (slow, lambda each: 0.25 if each.startswith("0.") else 1.0),
        (even, lambda each: 1.0),
    ):
        optimizer = paced(build(name, net, learning_rate=1e-3), net, factor)
        before = [parameter.detach().clone() for parameter in net.parameters()]
        net(torch.ones(2, 4)).square().sum().backward()
        optimizer.step()
        moved.append([(a - b.detach()).norm().item() for a, b in zip(before, net.parameters(), strict=True)])
    ratios = [a / b for a, b in zip(*moved, strict=True)]
    assert ratios == pytest.approx([0.25, 0.25, 1.0, 1.0], rel=1e-3)
