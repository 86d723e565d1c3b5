"""Event files as TensorBoard reads them.

Read back record by record through the published protocol buffers.
"""

import struct

import pytest

from deepfit.contract import Progress
from deepfit.report.events import EventWriter


def read(folder):
    """{tag: [(step, value)]} of every event file.

    Length, its checksum, the event, its checksum (TFRecord).
    """
    from tensorboardX.proto.event_pb2 import Event

    found = {}
    for path in folder.glob("events.out.tfevents.*"):
        content, place = path.read_bytes(), 0
        while place < len(content):
            (length,) = struct.unpack("<Q", content[place : place + 8])
            event = Event.FromString(content[place + 12 : place + 12 + length])
            place += 16 + length
            for value in event.summary.value:
                found.setdefault(value.tag, []).append((event.step, pytest.approx(value.simple_value)))
    return found


def progress(kind, epoch, step, steps=10, phase="train", **more):
    return Progress(
        kind,
        phase,
        epoch,
        3,
        step,
        steps,
        more.pop("losses", {"main": 0.5}),
        learning_rates={"main": 0.01},
        **more,
    )


def test_losses_scores_rates_and_test_metrics_are_read_back_at_their_steps(tmp_path):
    score = {"value": 0.9, "low": 0.8, "high": 1.0}
    with EventWriter(tmp_path) as events:
        events.write(progress("step", 1, 4, losses={"main": 0.75, "l2": 0.25}))
        events.write(progress("epoch", 1, 10, scores={"accuracy": 0.8}))
        events.write(progress("step", 2, 4))
        events.write(progress("epoch", 2, 10, scores={"accuracy": 0.85}))
        events.write(progress("phase", 2, 0, losses={}))
        events.close_with(
            {"metrics": {"accuracy": score}, "baselines": {"linear": {"accuracy": score | {"value": 0.7}}}}
        )
    assert read(tmp_path) == {
        "train/loss": [(4, 0.75), (10, 0.5), (14, 0.5), (20, 0.5)],
        "train/l2": [(4, 0.25)],
        "train/learning_rate": [(4, 0.01), (10, 0.01), (14, 0.01), (20, 0.01)],
        "eval/accuracy": [(10, 0.8), (20, 0.85)],
        "test/accuracy": [(20, 0.9)],
        "test/accuracy/linear": [(20, 0.7)],
    }


def test_phases_follow_each_other_and_epochs_of_unknown_length_add_up(tmp_path):
    with EventWriter(tmp_path) as events:
        events.write(progress("epoch", 1, 7, None, "pretrain"))
        events.write(progress("step", 2, 3, None, "pretrain"))
        events.write(progress("epoch", 2, 9, None, "pretrain"))
        events.write(progress("step", 1, 2, 10, "refine"))
    assert [step for step, _ in read(tmp_path)["train/loss"]] == [7, 10, 16, 18]


def test_a_resumed_run_goes_on_at_its_step(tmp_path):
    with EventWriter(tmp_path) as events:
        events.write(progress("epoch", 3, 10))
    assert [step for step, _ in read(tmp_path)["train/loss"]] == [30]


def test_what_is_not_finite_is_left_out_and_nothing_written_makes_no_file(tmp_path):
    with EventWriter(tmp_path) as events:
        events.write(Progress("step", "train", 1, 3, 1, 10, {"main": float("nan")}))
        events.close_with({"metrics": {"rmse": {"value": None}}, "baselines": {}})
    assert list(tmp_path.iterdir()) == []
