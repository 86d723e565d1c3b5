from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from deepfit import catalog
from deepfit.answers.pictures import from_text
from deepfit.cli import main
from deepfit.contract import Answers, Splits
from deepfit.engine import Run, channels_last, train
from deepfit.errors import ArtifactError, DataError, OptionError
from deepfit.model import load
from deepfit.options import resolve
from deepfit.tasks.unconditional_image_generation import Options, UnconditionalImageGeneration

NAME = "unconditional-image-generation"
SMALL = {"epochs": 2, "judge_epochs": 2, "width": 4, "noise": 4, "batch_size": 8, "threads": 1}
SMALL |= {"learning_rate": 1e-5}  # too slow to make varied pictures, of which the run should warn
FLAGS = [f"--{name.replace('_', '-')}={value}" for name, value in SMALL.items()]


def squares(count=70, side=16, seed=0, channels=()):
    """Light squares in the dark."""
    rng = np.random.default_rng(seed)
    pictures = rng.integers(0, 30, (count, side, side, *channels), dtype=np.uint8)
    for picture in pictures:
        down, across = rng.integers(0, side // 2, 2)
        picture[down : down + side // 2, across : across + side // 2] += rng.integers(
            100, 200, dtype=np.uint8
        )
    return pictures


def folder_of(place, pictures):
    place.mkdir(parents=True)
    for row, picture in enumerate(pictures):
        Image.fromarray(picture).save(place / f"{row:03}.png")
    return place


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of the command line on a folder of pictures without classes."""
    place = tmp_path_factory.mktemp("squares")
    source = folder_of(place / "pictures", squares())
    with pytest.raises(SystemExit, match="0"):
        main(["train", str(source), "--task", NAME, "--out", str(place / "run"), *FLAGS])
    return place / "run"


def card(run):
    return json.loads((run / "metrics.json").read_text())


def test_a_run_is_scored_beside_the_floor_and_a_gaussian(run):
    scores = card(run)
    assert scores["metrics"].keys() == {"frechet_distance", "precision", "recall"}
    assert list(scores["baselines"]) == ["real_pictures", "gaussian"]
    assert all(each["frechet_distance"]["value"] > 0 for each in scores["baselines"].values())
    assert scores["metrics"]["frechet_distance"]["low"] is not None
    assert "best baseline, gaussian" in scores["verdict"]  # real pictures are no rival
    assert "never made varied pictures" in " ".join(scores["warnings"])


def test_the_report_shows_pictures_of_each_round_the_game_and_the_nearest_training_pictures(run):
    page = (run / "report.html").read_text()
    for words in ("Made pictures", "Round 1", "The game of the two networks", "Are they copies?"):
        assert words in page
    assert page.count("data:image/png;base64,") == 1 + SMALL["epochs"] + 1
    assert f"deepfit sample {run} --seed 1 --out grid.png" in page


def test_the_saved_model_samples_by_seed_walks_in_a_circle_and_takes_no_prompts(run):
    model = load(run)
    one, again, other = (model.sample(5, seed=seed)["images"] for seed in (1, 1, 2))
    assert one.shape == (5, 16, 16, 1)
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    frames = model.walk(40, seed=3)["images"].astype(int)
    assert frames.shape == (40, 16, 16, 1)
    steps = np.abs(np.diff(np.concatenate([frames, frames[:1]]), axis=0)).mean((1, 2, 3))
    apart = np.abs(frames[0] - frames[20]).mean()
    assert steps.max() < apart  # also from the last frame to the first
    with pytest.raises(OptionError, match="text-to-image"):
        model.sample(1, prompts=["a square"])


def test_a_saved_model_is_scored_on_a_folder_without_classes(run, tmp_path):
    scores = load(run).evaluate(folder_of(tmp_path / "new", squares(seed=5)))
    assert scores["metrics"]["frechet_distance"]["value"] > 0


def test_another_run_can_be_judged_by_the_same_judge(run, tmp_path):
    model = load(run)
    options = resolve(
        Options, {**{k: v for k, v in SMALL.items() if k != "judge_epochs"}, "features": str(run)}
    )
    task = UnconditionalImageGeneration(options)
    rows = task.read(squares(seed=1))
    facts = task.learn(rows)
    data = Splits(task.encode(rows, facts), task.encode(rows, facts))
    context = Run(options, None)
    net = channels_last(task.build(facts))
    phases = {each.phase for each in train(task, net, data, facts, context)}
    assert phases == {"contest"}
    theirs = model.net.judge.state_dict()
    assert all(torch.equal(value, theirs[name]) for name, value in net.judge.state_dict().items())


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ("gone", "there is no such file"),
        ("text.safetensors", "no safetensors file"),
        ("empty", "holds no judge"),
    ],
)
def test_a_file_without_a_judge_is_refused(features, message, tmp_path):
    from safetensors.numpy import save_file

    (tmp_path / "text.safetensors").write_text("hello")
    save_file({"weight": np.zeros(3)}, tmp_path / "empty")
    task = UnconditionalImageGeneration(resolve(Options, {"features": str(tmp_path / features)}))
    with pytest.raises(ArtifactError, match=message):
        task.learn(task.read(squares()))


def test_a_judge_of_grey_pictures_is_refused_for_coloured_ones(run):
    task = UnconditionalImageGeneration(resolve(Options, {"features": str(run)}))
    with pytest.raises(ArtifactError, match="looks at grey pictures, these are coloured"):
        task.learn(task.read(np.random.default_rng(0).integers(0, 255, (60, 16, 16, 3), dtype=np.uint8)))


def test_what_is_made_for_a_row_follows_from_its_own_picture_and_the_seed():
    task = UnconditionalImageGeneration(resolve(Options, {}))
    rows = task.read(squares())
    facts = task.learn(rows)
    noise = task.encode(rows, facts)["noise"]
    alone = task.encode(task.read(squares()[::-1].copy(), facts), facts)["noise"]
    np.testing.assert_array_equal(alone[::-1], noise)
    other = UnconditionalImageGeneration(resolve(Options, {"seed": 1}))
    assert (other.encode(rows, facts)["noise"] != noise).all()


BAD = {
    "three pictures": (squares(3), "3 pictures, from which nothing can be learned"),
    "equal pictures": (np.repeat(squares(1), 60, 0), "all 60 pictures are equal"),
}


@pytest.mark.parametrize("name", BAD)
def test_pictures_that_nothing_can_be_learned_from_are_refused_before_training(name):
    pictures, message = BAD[name]
    with pytest.raises(DataError, match=message):
        UnconditionalImageGeneration(resolve(Options, {})).read(pictures)


def test_a_picture_that_cannot_be_read_is_named_and_can_be_left_out(tmp_path):
    source = folder_of(tmp_path / "pictures", squares())
    (source / "033.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"033\.png"):
        UnconditionalImageGeneration(resolve(Options, {})).read(source)
    rows = UnconditionalImageGeneration(resolve(Options, {"skip_broken": True})).read(source)
    assert len(rows) == 69


def test_pictures_of_many_sizes_are_brought_to_the_nearest_square_and_that_is_said():
    rng = np.random.default_rng(0)
    pictures = [
        rng.integers(0, 255, (int(height), int(width)), dtype=np.uint8)
        for height, width in rng.integers(26, 46, (60, 2))
    ]
    task = UnconditionalImageGeneration(resolve(Options, {}))
    rows = task.read(pictures)
    assert task.encode(rows, task.learn(rows))["images"].shape == (60, 32, 32, 1)
    said = [each.message for each in rows.concerns() if each.kind == "sizes"]
    assert any("32 x 32" in message and "--image-size" in message for message in said)


@pytest.mark.parametrize(("side", "size"), [(8, 16), (22, 16), (23, 32), (28, 32), (46, 64), (200, 64)])
def test_the_square_is_the_one_whose_side_is_nearest_by_ratio(side, size):
    task = UnconditionalImageGeneration(resolve(Options, {}))
    assert task.learn(task.read(squares(60, side)))["size"] == [size, size]
    asked = UnconditionalImageGeneration(resolve(Options, {"image_size": "16"}))
    assert asked.learn(asked.read(squares(60, side)))["size"] == [16, 16]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"penalty": 3}, "no effect with --loss hinge"),
        ({"compile": "on"}, "no effect here"),
        ({"learning_rate": "auto"}, "in a game of two networks no loss falls"),
        ({"features": "x", "judge_epochs": 3}, "no effect with --features"),
    ],
)
def test_options_without_effect_are_refused(given, message):
    with pytest.raises(OptionError, match=message):
        resolve(Options, given)


LEARNED = {
    "no classes": (None, (0, 4, 4)),
    "one class": (["a"] * 80, (0, 4, 4)),
    "few classes": (["a", "b"] * 40, (2, 4, 4)),
    "classes": (list("abcdefgh") * 10, (8, 0, 0)),
    "hardly a picture a class": ([str(row // 4) for row in range(80)], (0, 4, 4)),
}


@pytest.mark.parametrize("name", LEARNED)
def test_the_judge_learns_classes_where_they_teach_enough_else_likeness_and_turns(name):
    labels, expected = LEARNED[name]
    task = UnconditionalImageGeneration(resolve(Options, {}))
    pictures = squares(80)
    judge = task.learn(task.read(pictures if labels is None else (pictures, np.array(labels))))["judge"]
    assert (judge["classes"], judge["clusters"], judge["turns"]) == expected
    assert judge["outputs"] == sum(expected)


def test_a_class_that_only_the_test_rows_have_does_no_harm():
    task = UnconditionalImageGeneration(resolve(Options, {}))
    facts = task.learn(task.read((squares(80), np.array(list("abcdefgh") * 10))))
    found = task.encode(task.read((squares(3), np.array(["b", "z", "a"])), facts), facts)
    assert found["target"].tolist() == [1, -1, 0]


@pytest.mark.parametrize(
    "how",
    [
        {"loss": "wasserstein", "discriminator_steps": 2},
        {"r1": 1.0, "loss": "hinge", "augment": "on"},
        pytest.param({"network": "resnet_gan", "optimizer": "schedule_free"}, marks=pytest.mark.slow),
    ],
)
def test_penalties_and_several_steps_go_through_the_engine_and_resume_bit_for_bit(how, tmp_path):
    options = resolve(Options, {**SMALL, **how, "epochs": 2, "judge_epochs": 1})
    task = UnconditionalImageGeneration(options)
    rows = task.read(squares())
    facts = task.learn(rows)
    batch = task.encode(rows, facts)

    def trained(folder, stop_after=None):
        run = Run(options, folder)
        run.seed("build")
        net = channels_last(task.build(facts))
        seen = 0
        for each in train(task, net, Splits(batch, batch), facts, run):
            seen += each.kind == "epoch"
            if each.kind == "epoch":
                assert all(np.isfinite(value) for value in each.losses.values())
            if seen == stop_after:
                break
        return net.state_dict()

    whole = trained(tmp_path / "whole")
    trained(tmp_path / "stopped", stop_after=2)
    resumed = trained(tmp_path / "stopped")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    drawn = [(tmp_path / name / "samples" / "round-0002.png").read_bytes() for name in ("whole", "stopped")]
    assert drawn[0] == drawn[1]


def test_the_kept_round_is_the_one_with_the_least_distance(run):
    records = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    contest = [record for record in records if record["phase"] == "contest"]
    distances = [record["scores"]["frechet_distance"] for record in contest]
    best = [place for place, record in enumerate(contest) if record["best"]][-1]
    assert distances[best] == min(distances)
    assert load_file(run / "model" / "model.safetensors")


def test_predictions_are_pictures_that_tables_can_hold(run):
    model = load(run)
    answers = model.answers(squares(4, seed=9))
    assert isinstance(answers, Answers)
    assert from_text(answers.columns["prediction"]).shape == (4, 16, 16, 1)


def test_the_task_is_never_guessed():
    assert catalog.find(NAME).suits("pictures/", None) is None
