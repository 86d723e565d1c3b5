from __future__ import annotations

import io

import pytest

from deepfit.contract import Progress
from deepfit.job.result import Stage
from deepfit.report import display


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now_s = 100.0

        def monotonic(self):
            return self.now_s

    fake = Clock()
    monkeypatch.setattr(display, "time", fake)
    return fake


def step(epoch, step, **more):
    return Progress("step", "train", epoch, 4, step, 10, {"main": 0.5}, items_per_s=1234.5, **more)


def epoch(number, **more):
    return Progress("epoch", "train", number, 4, 10, 10, {"main": 0.25}, scores={"rmse": 0.125}, **more)


def test_plain_lines_come_at_most_every_five_seconds_and_once_an_epoch(clock):
    stream = io.StringIO()
    with display.Display(stream=stream) as shown:
        shown.show(Stage("read", "Reading prices.csv"))
        for number in range(1, 11):
            clock.now_s += 1.0
            shown.show(step(1, number))
        shown.show(epoch(1, seconds=10.0, best=True))
        shown.show(Progress("phase", "train", 4, 4, 0, 10, {}))
    assert stream.getvalue().splitlines() == [
        "Reading prices.csv",
        "epoch 1/4  50 %  loss 0.5  1,234 a second  35 s left",
        "epoch 1/4  100 %  loss 0.5  1,234 a second  30 s left",
        "epoch 1/4  loss 0.25  rmse 0.125  10 s  best so far",
    ]


def test_no_control_character_is_written_where_the_stream_is_no_terminal(clock):
    stream = io.StringIO()
    with display.Display(stream=stream) as shown:
        shown.show(epoch(1))
    assert stream.getvalue().replace("\n", "").isprintable()


def test_a_terminal_gets_a_bar_with_rate_and_time_left_and_keeps_the_epoch_lines(clock):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    stream = Terminal()
    with display.Display(stream=stream) as shown:
        shown.show(step(1, 1))
        clock.now_s += 1.0
        shown.show(step(1, 2))
        shown._bars.refresh()
        shown.show(epoch(1))
        shown.show(Progress("phase", "train", 4, 4, 0, 10, {}))
    text = stream.getvalue()
    assert "1,234 a second  38 s left" in text
    assert "epoch 1/4  loss 0.25  rmse 0.125" in text
    assert "━" in text


def test_a_quiet_display_writes_nothing(clock):
    stream = io.StringIO()
    with display.Display(quiet=True, stream=stream, live=True) as shown:
        shown.show(Stage("read", "Reading"))
        shown.show(epoch(1))
    assert stream.getvalue() == ""


def test_time_left_counts_from_where_a_resumed_phase_went_on(clock):
    watch = display.Watch()
    assert watch.left_s(step(3, 0)) is None
    clock.now_s += 2.0
    assert watch.left_s(step(4, 0)) == pytest.approx(2.0)


def test_a_phase_whose_epochs_have_no_known_length_counts_whole_epochs():
    unknown = Progress("step", "train", 3, 4, 17, None, {})
    assert display.fraction(unknown) == 0.5
    assert display.step_line(unknown, None) == "epoch 3/4  step 17"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.44, "0.4 s"), (12.3, "12 s"), (200.4, "3 min 20 s"), (7500, "2 h 5 min"), (59.7, "1 min 0 s")],
)
def test_a_duration_is_said_in_the_unit_that_fits(seconds, words):
    assert display.duration(seconds) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (36638.4, "36,638"),
        (999.96, "1000"),
        (0.70842, "0.7084"),
        (1.4e-15, "0"),
        (-2.5e-5, "-2.5e-05"),
        (float("nan"), "nan"),
    ],
)
def test_a_number_shows_four_digits_that_matter(value, words):
    assert display.number(value) == words
