"""Clusters among codes: belonging, targets, the two losses, and k-means."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans

from deepfit.nn.clusters import (
    Clusters,
    TableAutoencoder,
    divergence,
    k_means,
    neighbour_contrast,
    sharpened,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def blobs(rows=240, clusters=4, seed=0):
    found = torch.randint(clusters, (rows,), generator=generator(seed))
    centres = 6 * torch.randn(clusters, 3, generator=generator(seed + 1))
    return centres[found] + torch.randn(rows, 3, generator=generator(seed + 2)), found


def test_rows_belong_by_students_kernel_and_never_to_an_empty_slot():
    clusters = Clusters(3, 2)
    clusters.settle(torch.tensor([[0.0, 0.0], [4.0, 0.0]]), 2.0)
    belongs = clusters(torch.tensor([[0.0, 0.0], [2.0, 0.0], [1e6, 0.0]]))
    # squared distances over the squared spread: 0 and 4, so 1 and 1 / 5
    torch.testing.assert_close(belongs[0], torch.tensor([5 / 6, 1 / 6, 0.0]))
    torch.testing.assert_close(belongs[1], torch.tensor([0.5, 0.5, 0.0]))
    torch.testing.assert_close(belongs.sum(1), torch.ones(3))


def test_targets_are_squared_over_the_size_of_the_cluster():
    belongs = torch.tensor([[0.8, 0.2], [0.6, 0.4]])
    weight = belongs.numpy() ** 2 / np.array([1.4, 0.6])
    torch.testing.assert_close(
        sharpened(belongs), torch.from_numpy(weight / weight.sum(1, keepdims=True)).float()
    )


def test_the_divergence_is_that_of_pytorch_and_0_for_equal_shares_with_empty_slots():
    target, belongs = (torch.softmax(torch.randn(5, 4, generator=generator(seed)), 1) for seed in (0, 1))
    wanted = torch.nn.functional.kl_div(belongs.log(), target, reduction="sum")
    torch.testing.assert_close(divergence(target, belongs), wanted)
    shares = torch.tensor([[0.25, 0.75, 0.0]], requires_grad=True)
    loss = divergence(shares.detach(), shares)
    loss.backward()
    assert loss.item() == 0
    assert shares.grad.isfinite().all()


def test_the_contrast_of_neighbours_is_the_cross_entropy_of_the_neighbour_among_all_others():
    codes, near = (torch.randn(5, 3, generator=generator(seed), dtype=torch.float64) for seed in (0, 1))
    every = torch.cat([codes, near])
    kernel = 1 / (1 + torch.cdist(codes, every).square())
    kernel[torch.arange(5), torch.arange(5)] = 0
    own = (1 + (codes - near).square().sum(1)).log()
    wanted = (kernel.sum(1).log() + own).sum()
    torch.testing.assert_close(
        neighbour_contrast(codes, near, every, torch.arange(5), attraction=1.0), wanted
    )
    more = neighbour_contrast(codes, near, every, torch.arange(5), attraction=3.0)
    torch.testing.assert_close(more, wanted + 2 * own.sum())


def test_losses_have_the_gradients_that_finite_differences_find():
    codes, near = (
        torch.randn(4, 2, generator=generator(seed), dtype=torch.float64, requires_grad=True)
        for seed in (0, 1)
    )
    own = torch.arange(4)
    assert torch.autograd.gradcheck(
        lambda a, b: neighbour_contrast(a, b, torch.cat([a, b]), own, attraction=2.0), (codes, near)
    )
    target = torch.softmax(torch.randn(4, 3, generator=generator(2), dtype=torch.float64), 1)
    clusters = Clusters(3, 2).double()
    with torch.no_grad():
        clusters.centres_SD.copy_(torch.randn(3, 2, generator=generator(3)))
    assert torch.autograd.gradcheck(lambda a: divergence(target, clusters(a)), (codes,))


@pytest.mark.parametrize("seed", range(3))
def test_k_means_is_as_good_as_scikit_learns_and_the_largest_cluster_comes_first(seed):
    points, _ = blobs(seed=seed)
    centres = k_means(points, 4, generator())
    cost = torch.cdist(points, centres).square().amin(1).sum().item()
    assert cost <= 1.001 * KMeans(4, n_init=20, random_state=0).fit(points.numpy()).inertia_
    sizes = torch.cdist(points, centres).argmin(1).bincount(minlength=4).tolist()
    assert sizes == sorted(sizes, reverse=True)


def test_k_means_repeats_with_its_generator_and_survives_equal_points():
    points, _ = blobs()
    assert torch.equal(k_means(points, 6, generator()), k_means(points, 6, generator()))
    assert k_means(torch.ones(5, 2), 3, generator()).isfinite().all()


def test_errors_are_squares_of_numbers_and_cross_entropies_of_categories_in_the_mean_over_columns():
    torch.manual_seed(0)
    net = TableAutoencoder(2, (3,), code=2, slots=2, widths=(4, 4))
    numbers, categories = torch.randn(6, 2), torch.randint(0, 3, (6, 1))
    codes = net(numbers, categories)
    said = net.decoder(codes, torch.zeros(6, 0, dtype=torch.long))[:, 0]
    squares = (said[:, :2] - numbers).square().sum(1)
    entropies = torch.nn.functional.cross_entropy(said[:, 2:], categories[:, 0], reduction="none")
    torch.testing.assert_close(net.errors(codes, numbers, categories), (squares + entropies) / 3)
