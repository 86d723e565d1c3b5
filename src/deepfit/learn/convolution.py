"""Convolution and pooling, and the filters that a trained network has found."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from deepfit.learn.samples import clothes
from deepfit.learn.training import fit
from deepfit.learn.walk import Shown
from deepfit.nn.losses import sparse_categorical_crossentropy
from deepfit.nn.nets.lenet import LeNet
from deepfit.options import Options
from deepfit.report.charts import Line, lines
from deepfit.report.maps import heat, tiles
from deepfit.report.view import Figure, Table

# B pictures, C channels, H height, W width

STANDING = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]])
"""Sobel's filter: large where a picture is brighter on the right, so it finds edges that stand."""


def by_hand(picture_HW: Tensor, filter_hw: Tensor) -> Tensor:
    """A convolution written out: at every place the picture's patch times the filter, added up."""
    high, wide = filter_hw.shape
    found_HW = torch.empty(picture_HW.shape[0] - high + 1, picture_HW.shape[1] - wide + 1)
    for row in range(found_HW.shape[0]):
        for column in range(found_HW.shape[1]):
            found_HW[row, column] = (picture_HW[row : row + high, column : column + wide] * filter_hw).sum()
    return found_HW


def lesson(seed: int = 0) -> Iterator[Shown]:
    """One filter by hand, then LeNet on pictures of clothes, and what its filters see."""
    yield """
    A layer that reads every pixel with a weight of its own has to learn the same thing again for every place
    in the picture. A **convolution** has one small grid of weights, a **filter**, and slides it over the
    picture: at each place it multiplies the patch below by the filter and adds up. The result, a **feature
    map**, says where the picture looks like the filter. This filter is positive on the right and negative on
    the left, so it answers to edges that stand.
    """
    x_BCHW, target_B, names = clothes(3000, seed=seed)
    test_BCHW, test_B, _ = clothes(1000, part="test", seed=seed)
    picture_HW = torch.from_numpy(x_BCHW[target_B == 0][0, 0])
    edges_HW = by_hand(picture_HW, STANDING)
    yield Figure(heat(STANDING.numpy(), numbers=True), "The filter: blue is positive, orange negative.")
    yield Figure(
        tiles(
            [picture_HW.numpy(), edges_HW.numpy(), edges_HW.abs().numpy()],
            ["picture", "feature map", "without sign"],
            side_px=120,
        ),
        "In the feature map white says brighter to the right, black brighter to the left; then without sign.",
    )
    library_HW = functional.conv2d(picture_HW[None, None], STANDING[None, None])[0, 0]
    apart = float((library_HW - edges_HW).abs().max())

    yield f"""
    PyTorch's `conv2d` gives the same map, to within {apart:.0e}, and much sooner. **Pooling** then keeps one
    number of each small patch, its largest or its mean: the map shrinks, and a small shift of the picture
    changes it less. Move the picture by one pixel, and look how much the map, and the pooled map, differ from
    before.
    """
    moved_HW = torch.roll(picture_HW, 1, 1)
    shifted_HW = by_hand(moved_HW, STANDING)
    follows = float((shifted_HW[:, 1:] - edges_HW[:, :-1]).abs().max())

    def changed(before_HW: Tensor, after_HW: Tensor, patch: int) -> float:
        """The share of a map, pooled over patches, that a shift changed."""
        before, after = (functional.max_pool2d(each[None].abs(), patch)[0] for each in (before_HW, after_HW))
        return float((after - before).abs().sum() / before.abs().sum())

    change = {patch: changed(edges_HW, shifted_HW, patch) for patch in (1, 2, 4)}
    yield Table(
        ["Pooled over", "Changed by a shift of one pixel"],
        [
            [f"{patch} x {patch}" if patch > 1 else "not pooled", f"{each:.0%}"]
            for patch, each in change.items()
        ],
        caption="Absolute difference of the maps, as a share of the map.",
    )
    yield f"""
    The map itself just moves along (the difference to the moved map is {follows:.1g}): what is learned in one
    place is known in every place. Pooling by 4 brings the change down from {change[1]:.0%} to
    {change[4]:.0%}.

    ## Filters are learned

    Nobody has to invent filters. **LeNet** has two layers of them, six and sixteen filters of 5 x 5, each
    followed by pooling, and three ordinary layers. It learns on {len(x_BCHW):,} pictures of {len(names)}
    kinds of clothing.
    """
    torch.manual_seed(seed)
    net = LeNet(num_classes=len(names), activation="relu")
    net.conv1.weight.data *= 0.1  # nearly nothing, so that what is seen later is what training has found
    fresh_6HW = net.conv1.weight[:, 0].detach().clone()

    def test_accuracy() -> float:
        """The share of test pictures that are told right."""
        with torch.no_grad():
            return float((net((torch.from_numpy(test_BCHW) - 0.3) / 0.35).argmax(1).numpy() == test_B).mean())

    history = yield from fit(
        net,
        {"x": (x_BCHW - 0.3) / 0.35, "target": target_B},
        Options(epochs=8, batch_size=64, learning_rate=0.004, seed=seed),
        loss=sparse_categorical_crossentropy,
        score=lambda: {"accuracy": test_accuracy()},
    )
    right = [each.scores["accuracy"] for each in history]
    yield Figure(
        lines(
            [Line("test pictures", range(1, 9), right, marked=True)],
            x_label="epoch",
            y_label="share right",
            whole=True,
        ),
        f"After 8 epochs LeNet is right for {right[-1]:.0%} of {len(test_B):,} pictures that it never saw.",
    )
    found_6HW = net.conv1.weight[:, 0].detach()
    for place in range(6):
        yield Figure(heat(found_6HW[place].numpy()), f"Filter {place + 1} of the first layer, as trained.")
    turned = functional.cosine_similarity(found_6HW.flatten(1), fresh_6HW.flatten(1)).tolist()

    shown = [int(np.flatnonzero(test_B == each)[0]) for each in (0, 1, 5, 7, 8, 9)]
    with torch.no_grad():
        maps_B6HW = torch.relu(net.conv1((torch.from_numpy(test_BCHW[shown]) - 0.3) / 0.35))
        pooled_B6HW = functional.avg_pool2d(maps_B6HW, 2)
    every = [each for place in range(6) for each in (test_BCHW[shown[place], 0], *pooled_B6HW[place].numpy())]
    yield Figure(
        tiles(every, ["picture", *(f"filter {n}" for n in range(1, 7)), *[""] * 35], across=7, side_px=52),
        "Test pictures, and after activation and pooling what each of the six filters says of them.",
        wide=True,
    )

    said_B = net((torch.from_numpy(test_BCHW) - 0.3) / 0.35).argmax(1).numpy()
    wrong = said_B != test_B
    pairs = sorted(
        (
            (int(((test_B == a) & (said_B == b)).sum()), names[a], names[b])
            for a in range(len(names))
            for b in range(len(names))
            if a != b
        ),
        reverse=True,
    )
    balance_6 = found_6HW.sum((1, 2)).abs() / found_6HW.abs().sum((1, 2))
    sides = int((balance_6 < 0.5).sum())
    weights, dense = net.conv1.weight.numel() + 6, (28 * 28 + 1) * 6 * 28 * 28
    yield f"""
    The filters began as faint noise, and training turned them into something else (the cosine between a
    filter before and after is {min(turned):.2f} to {max(turned):.2f}). {sides} of the six weigh one part of a
    patch against another, so they answer to edges, as the filter by hand did; the other {6 - sides} mostly
    ask whether a patch is light or dark. The first layer has {weights} parameters; a layer without sharing
    that makes as many maps of the same size would have {dense:,}. Of the {int(wrong.sum())} pictures that the
    network got wrong, most were a {pairs[0][1]} taken for a {pairs[0][2]} ({pairs[0][0]} times), which people
    confuse as well.
    """
