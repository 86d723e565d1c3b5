"""A discriminator that reads also learns which caption is whose."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from deepfit.data.picture_options import PictureGanOptions
from deepfit.engine import Run
from deepfit.nn.picture_gan import PictureGan
from deepfit.options import resolve
from deepfit.plans.adversarial import Contest, Rounds
from deepfit.plans.picture_judge import scaled

OPTIONS = resolve(PictureGanOptions, {"loss": "hinge", "threads": 1})


def test_conditions_come_again_of_other_rows_that_are_drawn_anew_in_each_batch():
    arrays = {"place": torch.arange(40), "told": torch.arange(40)}
    run = Run(OPTIONS, None)
    first, again = (Rounds(arrays, 40, 40, 3, run, 0, conditions=("told",)) for _ in range(2))
    strange = first[0]["strange_told"]
    assert torch.equal(strange, again[0]["strange_told"])
    assert not torch.equal(strange, first[1]["strange_told"])
    assert (strange == first[0]["told"]).float().mean() < 0.2
    assert "strange_told" not in Rounds(arrays, 40, 40, 3, run, 0)[0]


def contest():
    torch.manual_seed(0)
    sizes = {"size": 16, "channels": 1, "noise": 3, "width": 4, "outputs": 2, "condition": 2}
    net = PictureGan("dcgan", **sizes, spectral=False, reader=nn.Identity()).eval()
    batch = {
        "images": torch.randint(0, 256, (6, 16, 16, 1), dtype=torch.uint8),
        "told": torch.randn(6, 2),
        "strange_told": torch.randn(6, 2),
    }
    batch["strange_told"][:2] = batch["told"][:2]  # two captions that say the same
    made = torch.randn(6, 1, 16, 16)
    return Contest(net, OPTIONS, lambda part: part["told"], augmented=False), net, batch, made


def test_the_loss_is_half_of_made_pictures_and_half_of_real_ones_with_a_strange_caption():
    game, net, batch, made = contest()
    real = scaled(batch["images"])
    right, wrong, fake = (
        net.discriminator(picture, told)
        for picture, told in ((real, batch["told"]), (real, batch["strange_told"]), (made, batch["told"]))
    )
    hinge = functional.relu(1 - right).sum() + functional.relu(1 + fake).sum()
    strange = functional.relu(1 - right[2:]).sum() + functional.relu(1 + wrong[2:]).sum()
    found = game.discriminator_loss(batch, made, batch["told"]).total
    assert found.item() == pytest.approx(((hinge + strange) / 2).item(), rel=1e-5)


def test_captions_that_differ_by_rounding_alone_are_no_strangers():
    game, net, batch, made = contest()
    batch["strange_told"] = batch["told"] + 1e-6
    real = scaled(batch["images"])
    right, fake = net.discriminator(real, batch["told"]), net.discriminator(made, batch["told"])
    hinge = functional.relu(1 - right).sum() + functional.relu(1 + fake).sum()
    assert game.discriminator_loss(batch, made, batch["told"]).total.item() == pytest.approx(hinge.item() / 2)
