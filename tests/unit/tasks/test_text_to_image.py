"""A caption decides the picture, which a program sees by its pixels; captions alone are answered."""

from __future__ import annotations

import numpy as np
import pytest

from deepfit.contract import Splits
from deepfit.engine import Run, channels_last, train
from deepfit.model import Model
from deepfit.tasks.text_to_image import Options, TextToImage

NAME = "text-to-image"
SMALL = {
    "epochs": 1,
    "judge_epochs": 1,
    "width": 4,
    "noise": 4,
    "caption_width": 8,
    "batch_size": 16,
    "threads": 1,
}
FLAGS = [word for name, value in SMALL.items() for word in (f"--{name.replace('_', '-')}", str(value))]
COLOURS = {"red": (1, 0, 0), "green": (0, 1, 0), "blue": (0, 0, 1)}
SHAPES = ("square", "circle", "cross")


def drawn(captions, seed=0, side=16):
    """A coloured shape somewhere in the dark for each caption: uint8 [rows, side, side, 3]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    pictures = np.empty((len(captions), side, side, 3), np.uint8)
    for picture, caption in zip(pictures, captions, strict=True):
        colour, shape = caption.split()[-2:]
        reach = rng.uniform(0.26, 0.32) * side
        across, down = rng.uniform(reach, side - 1 - reach, 2)
        right, below = abs(x - across), abs(y - down)
        inside = {
            "square": np.maximum(right, below) <= reach,
            "circle": np.hypot(right, below) <= reach,
            "cross": (np.maximum(right, below) <= reach) & (np.minimum(right, below) <= reach / 3.5),
        }[shape]
        level = rng.integers(170, 250)
        picture[:] = rng.integers(0, 30) + inside[..., None] * (np.array(COLOURS[colour]) * (level - 30))
    return pictures


def looked_at(images):
    """Colour and shape of each picture by its pixels alone: ["red", "circle"] ..."""
    found = []
    for image in images.astype(float):
        light = image.max(2)
        inside = light > (light.max() + light.min()) / 2
        colour = list(COLOURS)[int((image * inside[..., None]).sum((0, 1)).argmax())]
        rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
        box = inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        height, width = box.shape
        corner = max(1, round(min(height, width) / 4))
        corners = [
            box[:corner, :corner],
            box[:corner, -corner:],
            box[-corner:, :corner],
            box[-corner:, -corner:],
        ]
        full = np.mean([part.mean() for part in corners])
        shape = "square" if full > 0.75 else "circle" if box.mean() > 0.62 else "cross"
        found.append([colour, shape])
    return found


def every_caption(times, *, without=()):
    kinds = [f"a {colour} {shape}" for colour in COLOURS for shape in SHAPES]
    return [kind for kind in kinds if kind not in without] * times


def test_the_program_that_looks_at_pixels_sees_what_was_drawn():
    captions = every_caption(20)
    assert looked_at(drawn(captions, seed=5)) == [caption.split()[-2:] for caption in captions]


def fitted(captions, *, seed=0, **options):
    """A trained model, and its rows for testing."""
    task = TextToImage(Options.model_validate({"threads": 1, "seed": seed, **options}))
    rows = task.read((drawn(captions, seed), captions))
    order = np.random.default_rng(seed).permutation(len(captions))
    cuts = np.split(order, [int(0.75 * len(order)), int(0.85 * len(order))])
    parts = Splits(*(rows.take(cut) for cut in cuts))
    facts = task.learn(parts.train)
    data = Splits(*(task.encode(part, facts) for part in (parts.train, parts.valid, parts.test)))
    run = Run(task.options, None)
    run.seed("build")
    net = channels_last(task.build(facts))
    for _ in train(task, net, data, facts, run):
        pass
    return Model(NAME, task, net.eval(), facts), parts.test


LEARNED = {
    "batch_size": 32, "width": 24, "noise": 16, "caption_width": 32, "epochs": 40, "judge_epochs": 8,
    "learning_rate": 1e-3, "ema": 0.99,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_words_for_colour_and_object_decide_the_picture_also_together_for_the_first_time():
    unseen = "a blue cross"
    model, test = fitted(every_caption(120, without=[unseen]), **LEARNED)
    prompts = every_caption(1, without=[unseen])
    images = model.sample(20, seed=1, prompts=prompts)["images"]
    asked = [prompt.split()[-2:] for prompt in prompts for _ in range(20)]
    seen = looked_at(images)
    assert np.mean([one[0] == other[0] for one, other in zip(seen, asked, strict=True)]) > 0.95
    assert np.mean([one == other for one, other in zip(seen, asked, strict=True)]) > 0.8
    scores = model.task.metrics(model.appraised(model.answer(test), test), test)
    assert scores["recognised"] > 0.8
    new = looked_at(model.sample(40, seed=2, prompts=[unseen])["images"])
    assert np.mean([colour == "blue" for colour, _ in new]) > 0.9
