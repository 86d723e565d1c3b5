from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
from PIL import Image

from deepfit.answers.generation import MEMORY, NEAREST, ROUND, SAMPLES, of_pictures
from deepfit.report.generation import contest, copies, grid, made_pictures
from deepfit.report.view import View


def record(distance, best=False, **more):
    scores = {"frechet_distance": distance, "recall": 0.4, "diversity": 0.8, **more}
    losses = {"loss_discriminator": 1.0, "loss_generator": 0.5, "real_above_made": 0.7}
    return {"phase": "contest", "scores": scores, "losses": losses, "best": best}


def view(folder, history=(), answers=None):
    return View(SimpleNamespace(run=folder, history=list(history), answers=answers, test=None))


def noisy(count):
    return np.random.default_rng(0).integers(0, 256, (count, 4, 4, 1), dtype=np.uint8)


def test_a_grid_holds_every_picture_in_its_place_and_is_black_at_the_end():
    images = noisy(14)
    found = grid(images)
    assert found.shape == (8, 48, 1)
    np.testing.assert_array_equal(found[:4, 4:8], images[1])
    np.testing.assert_array_equal(found[4:, 4:8], images[13])
    assert not found[4:, 8:].any()


def test_made_pictures_are_shown_with_those_of_at_most_eight_rounds_the_kept_one_named(tmp_path):
    (tmp_path / SAMPLES).mkdir()
    for place in range(1, 21):
        Image.fromarray(noisy(1)[0, ..., 0]).save(tmp_path / SAMPLES / ROUND.format(place))
    history = [record(40 - place, best=True) for place in range(20)]
    section = made_pictures(view(tmp_path, history, of_pictures(noisy(5))))
    assert len(section.passages) == 9
    assert "Round 20, the one that was kept" in str(section.passages[-1])
    assert "Round 1:" in str(section.passages[1])


def test_without_a_folder_of_samples_the_final_pictures_are_shown_alone(tmp_path):
    section = made_pictures(view(tmp_path, [record(3)], of_pictures(noisy(5))))
    assert len(section.passages) == 1


def test_the_game_is_drawn_and_what_went_wrong_is_said(tmp_path):
    fine = contest(view(tmp_path, [record(30, True), record(20, True)]))
    assert len(fine.figures) == 4
    assert "round 2" in fine.sentences[0]
    assert "Neither" in fine.sentences[1]
    broken = contest(view(tmp_path, [record(20, True), record(90, diversity=0.1, recall=0.0)]))
    assert "collapsed after round 1" in broken.sentences[1]
    assert contest(view(tmp_path)) is None


def test_the_nearest_training_pictures_and_their_number_are_told(tmp_path):
    assert copies(view(tmp_path)) is None
    (tmp_path / SAMPLES).mkdir()
    Image.fromarray(noisy(1)[0, ..., 0]).save(tmp_path / SAMPLES / NEAREST)
    (tmp_path / SAMPLES / MEMORY).write_text(json.dumps({"nearer": 0.48, "copies": 0.013, "compared": 200}))
    section = copies(view(tmp_path))
    assert "200 made pictures 48% are nearer" in section.sentences[0]
    assert "1.3%" in section.sentences[1]
    assert "data:image/png;base64," in str(section.passages[0])
