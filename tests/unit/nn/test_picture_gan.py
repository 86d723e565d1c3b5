from __future__ import annotations

import pytest
import torch
from torch import nn

from deepfit.nn.conditional_norm import ConditionalNorm
from deepfit.nn.nets.dcgan import DcganDiscriminator, DcganGenerator, stage_widths
from deepfit.nn.nets.resnet_gan import ResnetGenerator
from deepfit.nn.picture_gan import FEATURES, PAIRS, SPREAD, PictureGan, PictureJudge
from deepfit.nn.spectral import Spectral


def gan(network="dcgan", size=16, channels=1, condition=0, **more):
    torch.manual_seed(0)
    return PictureGan(
        network, size=size, channels=channels, noise=5, width=8, outputs=3, condition=condition, **more
    )


@pytest.mark.parametrize("network", PAIRS)
@pytest.mark.parametrize(("size", "channels"), [(16, 3), (32, 1), (64, 3)])
def test_pictures_have_the_asked_size_and_lie_between_minus_one_and_one(network, size, channels):
    net = gan(network, size, channels)
    made = net(3 * torch.randn(2, 5), torch.zeros(2, 0))
    assert made.shape == (2, channels, size, size)
    assert made.abs().max() <= 1
    assert made.std() > 0
    assert net.discriminator(made, torch.zeros(2, 0)).shape == (2,)


@pytest.mark.parametrize("network", PAIRS)
@pytest.mark.parametrize("condition", [0, 4])
def test_every_weight_of_both_sides_gets_a_gradient(network, condition):
    net = gan(network, condition=condition)
    told = torch.randn(6, condition)
    net.discriminator(net.generator(torch.randn(6, 5), told), told).square().sum().backward()
    for side in (net.generator, net.discriminator):
        assert not [
            name for name, each in side.named_parameters() if each.grad is None or not each.grad.any()
        ]


@pytest.mark.parametrize("network", PAIRS)
def test_outside_training_a_picture_does_not_depend_on_its_company(network):
    net = gan(network, condition=3).eval()
    z, told = torch.randn(6, 5), torch.randn(6, 3)
    with torch.no_grad():
        whole = net(z, told)
        torch.testing.assert_close(net(z[4:5], told[4:5]), whole[4:5], rtol=1e-4, atol=1e-5)
        said = net.discriminator(whole, told)
        torch.testing.assert_close(net.discriminator(whole[4:5], told[4:5]), said[4:5], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("network", PAIRS)
def test_what_is_asked_for_changes_the_picture_and_what_the_discriminator_says_of_it(network):
    net = gan(network, condition=3).eval()
    one, other = torch.eye(3)[:1], torch.eye(3)[1:2]
    z = torch.randn(1, 5)
    assert (net(z, one) - net(z, other)).abs().max() > 1e-4
    picture = torch.randn(1, 1, 16, 16)
    assert not torch.equal(net.discriminator(picture, one), net.discriminator(picture, other))


@pytest.mark.parametrize("network", PAIRS)
def test_the_condition_enters_the_logits_as_a_product_with_the_features(network):
    """The logit is linear in the condition: f(a + b) - f(0) = f(a) - f(0) + f(b) - f(0)."""
    discriminate = gan(network, condition=3).eval().discriminator
    picture = torch.randn(2, 1, 16, 16)
    a, b, nothing = torch.randn(2, 3), torch.randn(2, 3), torch.zeros(2, 3)
    with torch.no_grad():
        base = discriminate(picture, nothing)
        parts = discriminate(picture, a) + discriminate(picture, b) - 2 * base
        torch.testing.assert_close(discriminate(picture, a + b) - base, parts)


def test_the_stages_halve_down_to_four_pixels_and_widen_at_most_eightfold():
    assert stage_widths(16, 10) == [10, 20]
    assert stage_widths(32, 10) == [10, 20, 40]
    assert stage_widths(64, 10) == [10, 20, 40, 80]


def test_spectral_normalisation_can_be_left_out():
    kinds = [
        {type(module) for module in DcganDiscriminator(size=16, channels=1, spectral=spectral).modules()}
        for spectral in (True, False)
    ]
    assert [Spectral in each for each in kinds] == [True, False]


@pytest.mark.parametrize("kind", [DcganGenerator, ResnetGenerator])
def test_noise_reaches_a_picture_also_by_the_norms(kind: type[DcganGenerator | ResnetGenerator]):
    torch.manual_seed(0)
    net = kind(size=16, channels=1, noise=3, condition=2, width=8).eval()
    with torch.no_grad():
        net.first.weight.zero_()
        one, other = net(torch.randn(2, 3), torch.ones(2, 2))
    assert (one - other).abs().mean() > 1e-3


def test_gain_and_bias_of_each_picture_are_those_of_its_condition():
    torch.manual_seed(0)
    norm = ConditionalNorm(2, 3)
    x, told = torch.randn(4, 2, 5, 5), torch.randn(4, 3)
    gain, bias = norm.told(told).chunk(2, 1)
    plain = nn.BatchNorm2d(2, affine=False)(x)
    expected = torch.stack(
        [plain[row] * (1 + gain[row, :, None, None]) + bias[row, :, None, None] for row in range(4)]
    )
    torch.testing.assert_close(norm(x, told), expected)


def test_measured_features_are_centred_and_their_variances_add_up_to_100():
    torch.manual_seed(0)
    judge = PictureJudge(channels=1, outputs=3).eval()
    pictures = torch.randn(50, 1, 16, 16)
    with torch.no_grad():
        judge.measure(judge.features(pictures))
        features = judge.features(pictures)
    assert features.shape == (50, FEATURES)
    assert features.mean(0).abs().max() < 1e-4
    assert features.var(0).sum().item() == pytest.approx(SPREAD**2, rel=1e-4)
