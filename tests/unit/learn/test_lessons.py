"""What the lessons claim, held against what they computed."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from deepfit.learn import CONCEPTS, backpropagation, gradient_descent, recurrence
from deepfit.learn.samples import clothes, credits, houses, spirals
from deepfit.learn.walk import Code
from deepfit.vocabulary import ACTIVATIONS, LOSSES


def number(cell):
    """The number at the start of a cell."""
    return float(re.match(r"[-+]?[\d.,]+(e[-+]?\d+)?", cell).group().replace(",", ""))


def percent(cell):
    return number(cell.rstrip("%")) / 100


@pytest.mark.slow
@pytest.mark.parametrize("name", CONCEPTS)
def test_every_lesson_says_something_draws_something_and_knows_every_number(told, name):
    started = time.process_time()
    lesson = told(name)
    assert time.process_time() - started < 60  # 15 s on an idle core
    assert len(lesson.prose) > 800
    assert len(lesson.figures) >= 2
    words = [lesson.prose, *(figure.caption for figure in lesson.figures)]
    words += [cell for table in lesson.tables for row in table.rows for cell in row]
    assert not [each for each in words if re.search(r"\bnan\b|\binf\b|\bNone\b", each)]
    assert all("nan" not in figure.chart for figure in lesson.figures)
    assert len("".join(figure.chart for figure in lesson.figures)) < 1_500_000


@pytest.mark.slow
@pytest.mark.parametrize("name", CONCEPTS)
def test_the_page_in_the_documentation_shows_the_code_of_the_lesson(told, name):
    page = (Path(__file__).parents[3] / "docs" / "concepts" / f"{name}.md").read_text(encoding="utf-8")
    changed = [item.text for item in told(name).items if isinstance(item, Code) and item.text not in page]
    assert changed == [], "`make docs` writes the page anew"


@pytest.mark.slow
def test_the_neuron_is_logistic_regression_and_eight_hidden_ones_beat_the_straight_line(told):
    lesson = told("neuron")
    assert float(re.search(r"same weights, to within ([\d.]+)\. ", lesson.prose).group(1)) < 0.1
    error = lesson.column(0, "Typical error on test houses")
    assert number(error["8 hidden neurons"]) < 0.93 * number(error["straight line"])


@pytest.mark.slow
def test_deep_networks_win_on_the_spirals_also_against_a_wide_one_of_the_same_size(told):
    right = {layers: percent(cell) for layers, cell in told("depth").column(0, "Right, new points").items()}
    thin = [share for layers, share in right.items() if not layers.startswith("1 x")]
    shallow, wide = [share for layers, share in right.items() if layers.startswith("1 x")]
    assert shallow < 0.9
    assert max(thin) > 0.97
    assert max(thin) > wide + 0.03
    size = told("depth").column(0, "Parameters")
    four, fat = next(v for k, v in size.items() if k.startswith("4 x")), list(size.values())[-1]
    assert number(fat) == pytest.approx(number(four), rel=0.03)


@pytest.mark.slow
def test_every_activation_is_drawn_and_the_sigmoid_lets_least_through(told):
    lesson = told("activations")
    assert {figure.caption.partition(":")[0] for figure in lesson.figures} >= set(ACTIVATIONS)
    arrives = {name: number(cell) for name, cell in lesson.column(0, "Gradient through 20 layers").items()}
    assert arrives["sigmoid"] < 1e-6 < 1e-5 < arrives["relu"] < 0.02
    assert 0.2 < arrives["selu"] < 5
    assert 0.2 < arrives["linear"] < 5
    right = {name: percent(cell) for name, cell in lesson.column(0, "Spirals right").items()}
    assert right["linear"] < 0.7
    assert max(right.values()) > 0.95


@pytest.mark.slow
def test_every_loss_is_drawn_and_the_answers_found_are_those_worked_out_from_the_prices(told):
    lesson = told("losses")
    assert {figure.caption.partition(":")[0] for figure in lesson.figures} >= set(LOSSES)
    for row in lesson.tables[0].rows:
        if row[3]:
            assert number(row[1]) == pytest.approx(number(row[3]), rel=0.015), row[0]
    found = {name: number(cell) for name, cell in lesson.column(0, "Answer in dollars").items()}
    assert (
        found["mean_absolute_error"]
        < found["huber"]
        < found["mean_squared_error"]
        < found["quantile, share 0.9"]
    )


@pytest.mark.parametrize("seed", range(5))
def test_derivatives_by_hand_by_autograd_and_by_trying_are_the_same(seed):
    x, w, b = np.random.default_rng(seed).normal(size=3).tolist()
    by_hand = backpropagation.backward(backpropagation.forward(x, w, b))
    automatic, tried = backpropagation.by_autograd(x, w, b), backpropagation.by_trying(x, w, b)
    assert by_hand == pytest.approx(automatic, abs=1e-12)
    assert {name: by_hand[name] for name in tried} == pytest.approx(tried, abs=1e-6)


def test_gradients_of_a_network_by_hand_are_those_of_autograd():
    generator = torch.Generator().manual_seed(1)
    draw = lambda *size: torch.randn(*size, dtype=torch.float64, generator=generator)  # noqa: E731
    x_NF, target_N, w1_FD, w2_D = draw(30, 4), draw(30), draw(4, 6).requires_grad_(), draw(6).requires_grad_()
    (torch.tanh(x_NF @ w1_FD) @ w2_D - target_N).square().mean().backward()
    hand = backpropagation.gradients(x_NF, target_N, w1_FD.detach(), w2_D.detach())
    torch.testing.assert_close(hand, (w1_FD.grad, w2_D.grad), rtol=1e-6, atol=1e-6)


@pytest.mark.slow
def test_a_learning_rate_above_the_limit_diverges_one_below_arrives_and_momentum_arrives_sooner(told):
    said = (
        r"loss is (\S+) above the lowest .* rate, (\S+) with one just below the limit, and (\S+) and rising"
    )
    short, long, wild = (float(each) for each in re.search(said, told("gradient-descent").prose).groups())
    assert long < short
    assert wild > 1
    final = next(f.caption for f in told("gradient-descent").figures if f.caption.startswith("At the end"))
    without, with_momentum = (float(each) for each in re.findall(r"[\d.]+e[-+]\d+", final))
    assert with_momentum < without / 3


@pytest.mark.slow
def test_small_batches_arrive_but_wander_and_a_falling_rate_calms_them(told):
    lesson = told("gradient-descent")
    loss = {
        name: number(cell) for name, cell in lesson.column(0, "Loss above the lowest, last quarter").items()
    }
    wander = {name: number(cell) for name, cell in lesson.column(0, "Wandering").items()}
    assert loss["batches of 8"] < loss["all at once"] / 10
    assert wander["batches of 8"] > 2 * wander["8, falling rate"]


def test_descent_follows_the_engine_step_by_step():
    from deepfit.options import Options

    x_N2 = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    target_N = x_N2 @ np.array([1.0, -1.0], dtype=np.float32)
    options = Options(
        epochs=3,
        batch_size=50,
        optimizer="sgd",
        momentum=0.0,
        schedule="constant",
        warmup=0.0,
        weight_decay=0.0,
        learning_rate=0.1,
    )
    walk = gradient_descent.descend(x_N2, target_N, options)
    while True:
        try:
            next(walk)
        except StopIteration as done:
            path = done.value
            break
    place = np.array(gradient_descent.START)
    for found in path:
        np.testing.assert_allclose(found, place, atol=1e-5)
        place = place - 0.1 * 2 * x_N2.T @ (x_N2 @ place - target_N) / 50


@pytest.mark.slow
def test_the_large_network_learns_by_heart_and_stopping_early_helps(told):
    lesson = told("overfitting")
    own = {name: number(cell) for name, cell in lesson.column(0, "Error on its 25 points").items()}
    new = {name: number(cell) for name, cell in lesson.column(0, "Error on 1,000 others").items()}
    assert own["too large"] < own["about right"] < own["too small"]
    assert new["too large"] > new["about right"]
    rows = lesson.tables[1].rows
    full, early = (number(row[2]) for row in rows[:2])
    base = number(rows[-1][2])
    assert early < base < full


@pytest.mark.slow
def test_the_validation_loss_turns_before_the_end(told):
    caption = next(f.caption for f in told("overfitting").figures if "turns at epoch" in f.caption)
    assert int(re.search(r"epoch (\d+)", caption).group(1)) < 30


@pytest.mark.slow
def test_lenet_learns_clothes_and_pooling_calms_a_shift(told):
    lesson = told("convolution")
    changed = {
        name: percent(cell) for name, cell in lesson.column(0, "Changed by a shift of one pixel").items()
    }
    assert changed["not pooled"] > changed["2 x 2"] > changed["4 x 4"]
    assert percent(re.search(r"right for (\d+%)", "".join(f.caption for f in lesson.figures)).group(1)) > 0.78


def test_the_filter_by_hand_is_the_convolution_of_pytorch():
    from deepfit.learn.convolution import by_hand

    generator = torch.Generator().manual_seed(0)
    picture, kernel = torch.rand(9, 7, generator=generator), torch.randn(3, 2, generator=generator)
    expected = torch.nn.functional.conv2d(picture[None, None], kernel[None, None])[0, 0]
    torch.testing.assert_close(by_hand(picture, kernel), expected)


@pytest.mark.parametrize("seed", range(3))
def test_over_a_hundred_steps_the_gradient_of_the_rnn_is_orders_of_magnitude_below_that_of_the_lstm(seed):
    kept = {}
    for kind in ("RNN", "LSTM"):
        gradient_T = recurrence.gradient_over_steps(kind, 100, seed=seed)
        kept[kind] = float(gradient_T[0] / gradient_T[-1])
    assert kept["RNN"] < kept["LSTM"] / 1000


@pytest.mark.slow
def test_what_a_recurrent_network_learns_to_remember_goes_with_how_much_gradient_arrives(told):
    rows = told("recurrence").tables[1].rows
    reach = {(row[0], int(row[1])): number(row[2]) for row in rows}
    right = {(row[0], int(row[1])): percent(row[3]) for row in rows}
    assert right["RNN", 5] > 0.95
    assert right["LSTM", 60] > 0.95
    failed = [reach[each] for each in reach if right[each] < 0.9]
    assert max(failed, default=0.0) < min(reach[each] for each in reach if right[each] >= 0.9)


@pytest.mark.slow
def test_the_transformer_learns_to_look_at_the_mirror_step(told):
    lesson = told("attention")
    assert (
        percent(re.search(r"In the end (\d+%)", "".join(f.caption for f in lesson.figures)).group(1)) > 0.95
    )
    before, after = (percent(lesson.tables[1].rows[0][place]) for place in (1, 2))
    assert before < 0.2
    assert after > 0.7


def test_attention_lets_the_gradient_through_over_a_hundred_steps_as_over_one():
    from deepfit.learn.attention import gradient_over_steps

    gradient_T = gradient_over_steps(100, seed=0)
    assert 0.2 < float(gradient_T[:10].mean() / gradient_T[-11:-1].mean()) < 5


def test_attention_by_hand_is_that_of_the_network(told):
    from deepfit.learn.attention import weights
    from deepfit.nn.attention import SelfAttention

    torch.manual_seed(0)
    attention = SelfAttention(8, 2)
    x_BTD = torch.randn(3, 5, 8)
    v_BHTK = attention.qkv(x_BTD).unflatten(-1, (3, 2, -1)).permute(2, 0, 3, 1, 4)[2]
    mixed_BTD = attention.out((weights(attention, x_BTD) @ v_BHTK).transpose(1, 2).flatten(2))
    torch.testing.assert_close(mixed_BTD, attention(x_BTD))


def test_the_rows_of_lessons_are_the_same_for_the_same_seed_and_others_for_another():
    (first, _), (same, _), (other, spiral) = spirals(0), spirals(0), spirals(1)
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)
    assert np.bincount(spiral).tolist() == [300, 300]


def test_the_real_rows_are_those_that_ship():
    assert houses("Sale_Price", part="test").shape == (586, 1)
    numbers, repaid = credits()
    assert numbers.shape == (3563, 8)
    assert abs(numbers.mean()) < 1e-4
    assert 0.6 < repaid.mean() < 0.8
    pictures, classes, names = clothes(50, part="test")
    assert pictures.shape == (50, 1, 28, 28)
    assert pictures.max() <= 1
    assert set(classes.tolist()) <= set(range(len(names)))
