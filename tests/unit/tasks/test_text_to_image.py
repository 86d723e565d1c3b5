"""A caption decides the picture, which a program sees by its pixels; captions alone are answered."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from PIL import Image

from deepfit.answers.generation import of_pictures
from deepfit.answers.pictures import from_text
from deepfit.cli import status
from deepfit.contract import Splits
from deepfit.data.caption_words import encode_words, learn_words
from deepfit.data.captioned_pictures import judged_words, nearest_captions
from deepfit.engine import Run, channels_last, train
from deepfit.model import Model, load
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
SHAPES = ("square", "ring", "cross")


def drawn(captions, seed=0, side=16):
    """A coloured shape somewhere in the dark for each caption: uint8 [rows, side, side, 3]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    pictures = np.empty((len(captions), side, side, 3), np.uint8)
    for picture, caption in zip(pictures, captions, strict=True):
        colour, shape = caption.split()[-2:]
        reach = rng.uniform(0.3, 0.36) * side
        across, down = (side - 1) / 2 + rng.uniform(-0.08, 0.08, 2) * side
        right, below = abs(x - across), abs(y - down)
        inside = {
            "square": np.maximum(right, below) <= reach,
            "ring": abs(np.hypot(right, below) - 0.75 * reach) <= 0.25 * reach,
            "cross": (np.maximum(right, below) <= reach) & (np.minimum(right, below) <= reach / 3.5),
        }[shape]
        level = rng.integers(170, 250)
        picture[:] = rng.integers(0, 30) + inside[..., None] * (np.array(COLOURS[colour]) * (level - 30))
    return pictures


def looked_at(images):
    """Colour and shape of each picture by its pixels alone: ["red", "ring"] ..."""
    found = []
    for image in images.astype(float):
        light = image.max(2)
        inside = light > (light.max() + light.min()) / 2
        colour = list(COLOURS)[int((image * inside[..., None]).sum((0, 1)).argmax())]
        rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
        box = inside[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        high, wide = (side // 3 for side in box.shape)
        core = box[high : len(box) - high, wide : box.shape[1] - wide]
        shape = "ring" if core.mean() < 0.5 else "cross" if box.mean() < 0.7 else "square"
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


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of the command line, much too short to make anything, on a folder of captioned pictures."""
    place = tmp_path_factory.mktemp("shapes")
    captions = every_caption(12)
    folder = place / "pictures"
    folder.mkdir()
    for row, image in enumerate(drawn(captions)):
        Image.fromarray(image).save(folder / f"{row:03}.png")
        (folder / f"{row:03}.txt").write_text(captions[row])
    assert (
        status(["train", str(folder), "--task", NAME, "--out", str(place / "run"), *FLAGS], debug=True) == 0
    )
    return place / "run"


def said(capsys, *words):
    """Status of a command, and what it said."""
    code = status([str(word) for word in words], debug=False)
    return code, " ".join(capsys.readouterr().err.split())


def test_a_run_is_scored_beside_real_pictures_of_the_captions_and_a_gaussian_of_each(run):
    card = json.loads((run / "metrics.json").read_text())
    real, gaussian = card["baselines"]["real_pictures"], card["baselines"]["gaussian"]
    for scores in (card["metrics"], real, gaussian):
        assert {"frechet_distance", "precision", "recall", "recognised"} <= scores.keys()
        assert all(0 <= scores[name]["value"] <= 1 for name in ("precision", "recall", "recognised"))
    assert real["frechet_distance"]["value"] < card["metrics"]["frechet_distance"]["value"]
    page = (run / "report.html").read_text("utf-8")
    assert "Pictures of captions" in page
    assert "a blue cross: " in page


def test_prompts_become_pictures_in_their_order_and_the_same_seed_the_same(run, tmp_path, capsys):
    asked = ("--prompt", "a red ring", "--prompt", "cross, BLUE", "--count", 3, "--seed", 4)
    for name in ("one", "two"):
        assert (
            status([str(each) for each in ("sample", run, *asked, "--out", tmp_path / name)], debug=False)
            == 0
        )
    one, two = (pl.read_csv(tmp_path / name / "metadata.csv") for name in ("one", "two"))
    assert one["text"].to_list() == two["text"].to_list() == ["a red ring"] * 3 + ["cross, BLUE"] * 3
    for name in one["file_name"]:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    model = load(run)
    images = model.sample(3, seed=4, prompts=["a red ring", "cross, BLUE"])["images"]
    with Image.open(tmp_path / "one" / "004.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), images[3])
    assert not np.array_equal(
        images, model.sample(3, seed=5, prompts=["a red ring", "cross, BLUE"])["images"]
    )


def test_without_a_prompt_training_captions_are_drawn(run):
    images = load(run).sample(5, seed=1)["images"]
    assert images.shape == (5, 16, 16, 3)
    assert images.dtype == np.uint8


@pytest.mark.parametrize("prompts", [[], ["a red ring"], ["a red ring", "a blue cross", "a green square"]])
def test_a_walk_is_closed_and_passes_its_prompts(run, prompts):
    model = load(run)
    frames = model.walk(60, seed=2, prompts=prompts)["images"].astype(int)
    assert frames.shape == (60, 16, 16, 3)
    steps = np.abs(frames - np.roll(frames, -1, axis=0)).mean((1, 2, 3))
    assert steps[-1] < 4 * np.median(steps) + 1  # from the last to the first as from any to the next
    assert np.array_equal(frames, model.walk(60, seed=2, prompts=prompts)["images"])


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("a purple ring", "no training caption: 'purple'. Known: a,"),
        ("a red rnig", "'rnig'. Did you mean 'ring'?"),
        ("?!", "there is no word in it"),
    ],
)
def test_a_prompt_of_words_that_training_has_not_seen_is_refused(run, tmp_path, capsys, prompt, message):
    code, text = said(capsys, "sample", run, "--prompt", prompt, "--out", tmp_path / "made.png")
    assert code == 2
    assert message in text


def test_captions_alone_are_answered_with_pictures_and_the_number_of_unknown_words(run, tmp_path, capsys):
    table = pl.DataFrame({"id": [1, 2, 3], "text": ["a red ring", "a huge red cross", "a red ring"]})
    table.write_csv(tmp_path / "asked.csv")
    assert (
        status(
            ["predict", str(run), str(tmp_path / "asked.csv"), "--out", str(tmp_path / "out.csv")], debug=True
        )
        == 0
    )
    found = pl.read_csv(tmp_path / "out.csv")
    assert found["text"].to_list() == table["text"].to_list()
    assert found["unknown_words"].to_list() == [0, 1, 0]
    images = from_text(found["prediction"].to_list())
    assert images.shape == (3, 16, 16, 3)
    assert not np.array_equal(images[0], images[2])  # asked for twice: two pictures
    alone = load(run).predict(["a huge red cross"])
    np.testing.assert_array_equal(from_text(alone)[0], images[1])
    (tmp_path / "odd.csv").write_text("text\na red ring\nzebra\n")
    code, text = said(capsys, "predict", run, tmp_path / "odd.csv")
    assert code == 2
    assert "odd.csv: row 3: the word is in no training caption: 'zebra'" in text
    code, text = said(capsys, "evaluate", run, tmp_path / "asked.csv")
    assert code == 2
    assert "captions alone" in text


def test_pictures_with_captions_are_scored_by_a_trained_model(run):
    captions = every_caption(3)
    card = load(run).evaluate((drawn(captions, seed=9), captions))
    assert card["rows"]["test"] == 27
    assert "recognised" in card["metrics"]
    held = load(run).evaluate((drawn(captions, seed=9), [f"one {caption}" for caption in captions]))
    assert "recognised" not in held["metrics"]  # captions of other words are no kinds that the judge knows


def test_too_few_pictures_and_broken_captions_stop_before_training(tmp_path, capsys):
    folder = tmp_path / "few"
    folder.mkdir()
    for row, image in enumerate(drawn(every_caption(1)[:3])):
        Image.fromarray(image).save(folder / f"{row}.png")
    pl.DataFrame({"file_name": ["0.png", "1.png", "2.png"], "text": ["a", "b", "c"]}).write_csv(
        folder / "metadata.csv"
    )
    code, text = said(capsys, "train", folder, "--task", NAME, "--out", tmp_path / "run")
    assert code == 2
    assert "3 pictures, from which nothing can be learned" in text
    (folder / "metadata.csv").write_text("file_name,text\n0.png,a cat\n1.png,\n2.png,a dog\n")
    code, text = said(capsys, "train", folder, "--task", NAME, "--out", tmp_path / "run")
    assert code == 2
    assert "row 2, '1.png': the caption is empty" in text
    assert not (tmp_path / "run").exists()


def test_a_folder_with_captions_suggests_the_task_and_one_of_classes_does_not(run):
    assert TextToImage.suits(run.parent / "pictures", None)
    assert TextToImage.suits(run.parent / "pictures", "label") is None
    assert TextToImage.suits((drawn(["a red cross"]), ["a red cross"]), None) is None


FREE = [
    "one {} {} here",
    "there is a {} {}",
    "a {} {}",
    "{} is the {}",
    "my {} and nice {}",
    "this {} {} now",
]


def free(count, seed=0):
    """Captions that are hardly ever the same twice, and the colour and shape in each."""
    rng = np.random.default_rng(seed)
    asked = [(list(COLOURS)[rng.integers(3)], SHAPES[rng.integers(3)]) for _ in range(count)]
    return [f"{FREE[rng.integers(6)].format(*each)} {row}" for row, each in enumerate(asked)], asked


def test_free_captions_are_judged_by_their_frequent_words():
    captions, asked = free(150)
    images = drawn([f"a {colour} {shape}" for colour, shape in asked])
    task = TextToImage(Options.model_validate({**SMALL, "judge_epochs": 12}))
    rows = task.read((images, captions))
    assert rows.target() is None
    facts = task.learn(rows)
    seen = [facts["words"][word] for word in facts["judge"]["words"]]
    assert {*COLOURS, *SHAPES} <= set(seen)
    assert "149" not in seen
    data = task.encode(rows, facts)
    run = Run(task.options, None)
    run.seed("build")
    net = channels_last(task.build(facts))
    for _ in train(task, net, Splits(data, data, data), facts, run):
        pass
    model = Model(NAME, task, net.eval(), facts)
    turned = dict(zip(COLOURS, [*list(COLOURS)[1:], *list(COLOURS)[:1]], strict=True))
    others = drawn([f"a {turned[colour]} {shape}" for colour, shape in asked])
    real, wrong = of_pictures(images), of_pictures(others)
    fits = [model.appraised(each, rows).columns["recognised"].mean() for each in (real, wrong)]
    assert fits[0] > 0.6
    assert fits[1] < 0.2


def test_words_are_judged_that_enough_pictures_have_and_enough_lack():
    captions = ["a red cat"] * 20 + ["a dog"] * 19 + ["a cow"] * 19
    words = learn_words(captions)
    judged = judged_words(encode_words(captions, words), len(words))
    assert {words[word] for word in judged} == {"cat", "red"}


def test_the_likest_caption_shares_the_rarest_words():
    known = ["a red cat", "a red dog", "a blue dog", "a blue cow"]
    words = learn_words(known)
    found = nearest_captions(
        encode_words(known, words), encode_words(["the red cat sits", "blue cow"], words), len(words), 0
    )
    assert found.tolist() == [0, 3]


LEARNED = {
    "batch_size": 32, "width": 24, "noise": 32, "caption_width": 16, "epochs": 24, "judge_epochs": 10,
    "ema": 0.99, "augment": "off",
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
