"""DanQ, the classifier around it, windows, strands and saliency."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from deepfit.nn.letters import crop, other_strand, saliency
from deepfit.nn.nets.danq import DanQ
from deepfit.nn.symbol_classifier import SymbolClassifier

ONE_HOT = torch.eye(5)[:, 1:].tolist()
NETWORKS = ("danq", "lstm", "gru", "temporal_cnn", "transformer_encoder")


def classifier(**given):
    torch.manual_seed(0)
    return SymbolClassifier(ONE_HOT, 3, **{"longest": 30, "dropout": 0.0, "hidden": 0.0, **given}).eval()


def test_danq_is_a_convolution_a_pool_and_an_lstm():
    torch.manual_seed(0)
    net = DanQ(4, filters=6, kernel=5, pool=3, width=7).eval()
    x = torch.randn(2, 11, 4)
    found = torch.nn.functional.conv1d(x.transpose(1, 2), net.conv.weight, net.conv.bias, padding=2).relu()
    pooled = torch.stack([part.amax(2) for part in found.split(3, dim=2)], 1)
    layers = torch.nn.LSTM(6, 7, bidirectional=True, batch_first=True)
    layers.load_state_dict(net.lstm.state_dict())
    assert_close(net(x), layers(pooled)[0])


def test_danq_refuses_a_kernel_that_would_shift_steps():
    with pytest.raises(ValueError, match="odd"):
        DanQ(4, kernel=8)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("k", [0, 3])
def test_what_stands_behind_a_string_changes_nothing(network, k):
    net = classifier(network=network, k=k, kmers=4**k if k else 0)
    letters = torch.randint(1, 5, (3, 12))
    lengths = torch.tensor([12, 7, 2])
    padded = torch.cat([letters, torch.randint(1, 5, (3, 6))], 1)
    for row, length in enumerate(lengths.tolist()):
        padded[row, length:] = 3
    alone = torch.cat(
        [net(letters[row : row + 1, :n], lengths[row : row + 1]) for row, n in enumerate([12, 7, 2])]
    )
    assert_close(net(padded, lengths), alone, rtol=1e-4, atol=1e-5)  # sums in another order


@pytest.mark.parametrize("network", NETWORKS)
def test_every_weight_gets_a_gradient_with_and_without_positions(network):
    for length in (None, 12):
        net = classifier(network=network, length=length)
        net(torch.randint(1, 5, (8, 12))).square().sum().backward()
        idle = [name for name, each in net.named_parameters() if each.grad is None or not each.grad.any()]
        assert idle == []


def test_with_positions_a_shifted_string_is_another_one():
    net = classifier(length=12)
    letters = torch.randint(1, 5, (1, 12))
    assert not torch.allclose(net(letters), net(letters.roll(3, 1)), atol=1e-4)


def test_kmers_are_numbered_by_their_letters_and_unknown_with_a_doubtful_one():
    net = classifier(k=2, kmers=16)
    ids, lengths = net.ids(torch.tensor([[1, 4, 2, 5, 1]]), torch.tensor([5]))
    assert ids.tolist() == [[1 + 0 + 3 * 4, 1 + 3 + 1 * 4, 0, 0]]
    assert lengths.tolist() == [4]
    ids, lengths = net.ids(torch.tensor([[3]]), torch.tensor([1]))
    assert (ids.tolist(), lengths.tolist()) == ([[0]], [1])


def test_hidden_letters_are_hidden_in_training_alone():
    net = classifier(hidden=0.5)
    letters = torch.randint(1, 5, (4, 12))
    assert_close(net(letters), net(letters))
    net.train()
    assert not torch.equal(net(letters), net(letters))


def test_the_other_strand_is_the_complement_backwards_with_padding_behind():
    table = torch.tensor([0, 4, 3, 2, 1])
    letters = torch.tensor([[1, 1, 2, 3, 0, 0], [4, 1, 1, 1, 1, 2]])
    turned = other_strand(letters, torch.tensor([4, 6]), table)
    assert turned.tolist() == [[2, 3, 4, 4, 0, 0], [3, 4, 4, 4, 4, 1]]
    assert_close(other_strand(turned, torch.tensor([4, 6]), table), letters)
    assert other_strand(letters[1:], None, table).tolist() == turned[1:].tolist()


def test_windows_lie_within_their_strings_and_reach_both_ends():
    letters = torch.arange(1, 21).repeat(400, 1)
    lengths = torch.full((400,), 20)
    torch.manual_seed(0)
    windows, kept = crop(letters, lengths, 8, random=True)
    assert (windows.diff(dim=1) == 1).all()
    assert (windows[:, 0].min(), windows[:, -1].max(), set(kept.tolist())) == (1, 20, {8})
    first, _ = crop(letters, lengths, 8, random=False)
    assert first[0].tolist() == list(range(1, 9))
    same, kept = crop(letters[:, :8], lengths.clamp(max=8), 8, random=True)
    assert same.shape == (400, 8)


def test_saliency_of_a_linear_network_is_its_centred_weight():
    net = classifier(length=6)
    with torch.no_grad():
        net.second.weight.zero_()
    letters = torch.tensor([[1, 2, 3, 4, 1, 2]])
    weights = net.direct.weight.detach().view(3, 6, 4)
    pull = weights[1] - weights.mean(0)
    pull = pull - pull.mean(1, keepdim=True)
    expected = pull[torch.arange(6), letters[0] - 1]
    assert_close(saliency(net, letters, None, torch.tensor([1]))[0], expected)


@pytest.mark.parametrize(("network", "k"), [("transformer_encoder", 0), ("danq", 3), ("gru", 0)])
def test_saliency_has_a_value_for_every_letter_of_every_network(network, k):
    net = classifier(network=network, k=k, kmers=4**k if k else 0)
    found = saliency(net, torch.randint(1, 5, (2, 9)), torch.tensor([9, 6]), torch.tensor([0, 2]))
    assert found.shape == (2, 9)
    assert found[0].ne(0).all()
    assert found[1, 6:].eq(0).all()
