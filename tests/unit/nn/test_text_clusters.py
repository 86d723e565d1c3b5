"""The autoencoder of texts: points are stretched, what makes them is left alone."""

from __future__ import annotations

import torch
from torch import nn

from deepfit.nn.text_clusters import TextAutoencoder


def test_errors_are_mean_squares_of_stretched_points_and_only_the_autoencoder_learns_from_them():
    torch.manual_seed(0)
    net = TextAutoencoder(nn.Linear(3, 16), 16, code=4, slots=2, widths=(8, 8))
    points = nn.functional.normalize(torch.randn(5, 16), dim=1)
    codes = net(net.reader(torch.randn(5, 3)))
    assert codes.shape == (5, 4)
    said = net.autoencoder.decoder(codes, torch.zeros(5, 0, dtype=torch.long)).squeeze(1)
    expected = (said - 4 * points).square().mean(1)
    torch.testing.assert_close(net.errors(codes, points), expected)
    (net.errors(codes, points).sum() + net.clusters(codes)[:, 0].sum()).backward()
    assert all(each.grad is None for each in net.reader.parameters())
    assert all(each.grad is not None for each in net.autoencoder.parameters())


def test_a_code_depends_on_the_direction_of_a_text_in_units_of_its_dimensions():
    torch.manual_seed(0)
    net = TextAutoencoder(nn.Identity(), 16, code=4, slots=2, widths=(8, 8))
    points = nn.functional.normalize(torch.randn(5, 16), dim=1)
    inside = net.autoencoder(4 * points, torch.zeros(5, 0, dtype=torch.long))
    torch.testing.assert_close(net(points), inside)
