"""An autoencoder of pictures: what is asked of it, and that it can learn a few pictures."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from deepfit.nn.nets.lenet import LeNet
from deepfit.nn.nets.resnet9 import ResNet9
from deepfit.nn.picture_autoencoder import PictureAutoencoder


def autoencoder(size, channels=1, code=6, kind="lenet"):
    torch.manual_seed(0)
    how = {"num_classes": code, "in_channels": channels, "activation": "relu"}
    encoder = LeNet(size=size, **how) if kind == "lenet" else ResNet9(**how)
    return PictureAutoencoder(encoder, size=size, channels=channels, code=code, slots=3)


@pytest.mark.parametrize("size", [(9, 13), (8, 8), (28, 28)])
def test_the_error_is_the_mean_square_over_all_pixels(size):
    net, x = autoencoder(size).eval(), torch.randn(3, 1, *size)
    codes = net(x)
    drawn = net.decoder(codes)
    wanted = torch.stack([functional.mse_loss(one, other) for one, other in zip(drawn, x, strict=True)])
    torch.testing.assert_close(net.errors(codes, x), wanted)


def test_of_large_pictures_the_means_over_blocks_are_asked_for():
    net, x = autoencoder((64, 64), channels=3, kind="resnet9").eval(), torch.randn(2, 3, 64, 64)
    small = x.unflatten(3, (32, 2)).mean(4).unflatten(2, (32, 2)).mean(3)
    codes = net(x)
    torch.testing.assert_close(net.errors(codes, x), (net.decoder(codes) - small).square().mean((1, 2, 3)))


def test_a_few_pictures_can_be_learned():
    net = autoencoder((12, 12))
    x = torch.randn(6, 1, 12, 12, generator=torch.Generator().manual_seed(1))
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
    before = net.errors(net(x), x).mean().item()
    for _ in range(150):
        optimizer.zero_grad()
        net.errors(net(x), x).mean().backward()
        optimizer.step()
    assert net.errors(net(x), x).mean().item() < 0.1 * before
