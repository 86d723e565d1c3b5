from __future__ import annotations

import numpy as np
import pytest
import torch

from deepfit.contract import Splits
from deepfit.data.picture_options import PictureGanOptions
from deepfit.engine import Run
from deepfit.nn.picture_gan import PictureGan
from deepfit.plans.adversarial import Contest, Rounds, nearest, rounds_for, steps_a_round, unconditional
from deepfit.plans.picture_judge import goals_of, heads_of, scaled, turn, wrongness


def rounds(rows=130, batch_size=32, number=0, seed=0):
    run = Run(PictureGanOptions(seed=seed), None)
    return Rounds({"place": torch.arange(rows)}, rows, batch_size, 3, run, number)


def test_a_round_is_one_pass_or_of_few_rows_fifty_steps_in_which_each_comes_as_often():
    assert len(rounds(6400, 32)) == 200
    few = rounds(130, 32)
    assert len(few) == 50
    seen = np.bincount(torch.cat([batch["place"] for batch in few]).numpy(), minlength=130)
    assert seen.min() >= seen.max() - 1
    whole = torch.cat([batch["place"] for batch in rounds(6400, 32)])
    assert whole.sort().values.tolist() == list(range(6400))


def test_each_round_has_another_order_and_noise_and_the_same_round_the_same():
    first, again, other = rounds(number=0), rounds(number=0), rounds(number=1)
    for name in ("place", "noise"):
        assert torch.equal(first[3][name], again[3][name])
        assert not torch.equal(first[3][name], other[3][name])
    assert not torch.equal(first[3]["noise"], first[4]["noise"])


def test_batches_are_never_larger_than_the_data():
    assert {len(batch["noise"]) for batch in rounds(20, 64)} == {20}


def test_the_number_of_rounds_is_asked_for_or_follows_from_the_pictures_to_be_made():
    assert rounds_for(PictureGanOptions(epochs=7), 500) == 7
    assert rounds_for(PictureGanOptions(), 60_000) == 12
    assert rounds_for(PictureGanOptions(), 100) == 100
    assert rounds_for(PictureGanOptions(), 1_000_000) == 4
    assert steps_a_round(60_000, 64) == 937


def contest(**given):
    torch.manual_seed(0)
    options = PictureGanOptions.model_validate({"noise": 3, "width": 4, **given})
    net = PictureGan("dcgan", size=16, channels=1, noise=3, width=4, outputs=2)
    batch = {"images": torch.randint(0, 256, (6, 16, 16, 1), dtype=torch.uint8), "noise": torch.randn(6, 3)}
    return Contest(net, options, unconditional, augmented=False), batch


def test_the_discriminator_moves_first_and_its_loss_leaves_the_generator_alone():
    game, batch = contest()
    losses = list(game.step(batch))
    assert [loss.by for loss in losses] == ["discriminator", "generator"]
    losses[0].total.backward()
    assert all(each.grad is None for each in game.net.generator.parameters())
    assert all(each.grad is not None for each in game.net.discriminator.parameters())


def test_the_discriminator_may_take_several_steps_on_parts_of_the_batch():
    game, batch = contest(discriminator_steps=3)
    losses = list(game.step(batch))
    assert [(loss.by, loss.count) for loss in losses] == [("discriminator", 2)] * 3 + [("generator", 2)]


def test_penalties_are_weighed_and_shown():
    game, batch = contest(loss="wasserstein", r1=2.0, penalty=5.0)
    torch.manual_seed(1)
    with_penalties = next(iter(game.step(batch)))
    assert with_penalties.parts.keys() == {"real_above_made", "penalty", "r1"}
    plain, _ = contest(loss="wasserstein", penalty=0.0)
    bare = next(iter(plain.step(batch)))
    expected = 5 * with_penalties.parts["penalty"] + 2 * with_penalties.parts["r1"]
    torch.testing.assert_close(with_penalties.total - bare.total, expected, rtol=1e-3, atol=1e-3)


def test_bytes_are_spread_over_minus_one_to_one_in_channels_last_order():
    images = torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 2, 1)
    assert scaled(images).flatten().tolist() == [-1, 1]
    assert scaled(torch.zeros(2, 4, 4, 3, dtype=torch.uint8)).is_contiguous(memory_format=torch.channels_last)


def test_a_turned_picture_keeps_its_goals_and_gets_its_quarter():
    x = torch.arange(4 * 9, dtype=torch.float32).view(4, 1, 3, 3)
    quarters = torch.tensor([2, 0, 1, 2])
    turned, goals = turn(x, torch.tensor([[10], [11], [12], [13]]), quarters)
    for picture, (goal, quarter) in zip(turned, goals.tolist(), strict=True):
        assert quarter == quarters[goal - 10]
        torch.testing.assert_close(picture[0], torch.rot90(x[goal - 10, 0], quarter))


def test_wrongness_adds_up_the_heads_and_leaves_out_unknown_goals():
    logits = torch.randn(3, 5, dtype=torch.float64)
    goals = torch.tensor([[1, 0], [-1, 2], [0, 1]])
    log_a, log_b = logits[:, :2].log_softmax(1), logits[:, 2:].log_softmax(1)
    expected = -(log_a[0, 1] + log_a[2, 0] + log_b[0, 0] + log_b[1, 2] + log_b[2, 1])
    torch.testing.assert_close(wrongness(logits, goals, [2, 3]), expected)


def test_groups_of_like_pictures_are_found_without_classes():
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 3, 90)
    images = (kinds[:, None, None, None] * 80 + rng.integers(0, 20, (90, 16, 16, 1))).astype(np.uint8)
    facts = {"judge": {"classes": 0, "clusters": 3, "turns": 4, "outputs": 7}}
    assert heads_of(facts) == [3, 4]
    found = goals_of(Splits({"images": images[:60]}, {"images": images[60:]}), facts, seed=0)
    groups = np.concatenate([found.train, found.valid])[:, 0]
    assert len({(kind, group) for kind, group in zip(kinds.tolist(), groups.tolist(), strict=True)}) == 3


@pytest.mark.parametrize("rows", [1, 300])
def test_the_nearest_row_is_the_one_that_comparing_all_finds(rows):
    rng = np.random.default_rng(0)
    known, asked = rng.standard_normal((40, 5)), rng.standard_normal((rows, 5))
    squares = ((asked[:, None] - known[None]) ** 2).sum(2)
    places, far = nearest(known, asked)
    np.testing.assert_array_equal(places, squares.argmin(1))
    np.testing.assert_allclose(far, squares.min(1), rtol=1e-9, atol=1e-9)
