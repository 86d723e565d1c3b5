"""Losses of classes equal independent formulas, as sums, with and without weights and smoothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.special import expit, log_softmax
from sklearn import metrics
from sklearn.utils.class_weight import compute_class_weight

from deepfit import vocabulary
from deepfit.nn import losses

WEIGHTS = torch.tensor([0.5, 2.0, 1.0, 0.25], dtype=torch.float64)
TARGET = torch.tensor([0, 1, 2, 3, 1, 0, 2])
BINARY = torch.tensor([0, 1, 1, 0, 1, 0, 1])


def logits(*shape):
    return 3 * torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_the_table_holds_the_names_of_the_vocabulary():
    assert set(losses.LOSSES) == set(vocabulary.LOSSES)


def test_crossentropies_equal_the_log_loss_of_scikit_learn():
    z = logits(7, 4)
    expected = metrics.log_loss(TARGET.numpy(), np.exp(log_softmax(z.numpy(), axis=1)), normalize=False)
    assert losses.sparse_categorical_crossentropy(z, TARGET).item() == pytest.approx(expected)
    shares = torch.nn.functional.one_hot(TARGET)
    assert losses.categorical_crossentropy(z, shares).item() == pytest.approx(expected)
    z = logits(7)
    expected = metrics.log_loss(BINARY.numpy(), expit(z.numpy()), normalize=False)
    assert losses.binary_crossentropy(z, BINARY).item() == pytest.approx(expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_weights_and_smoothing_act_as_in_the_formula(smoothing):
    z, onehot = logits(7, 4), np.eye(4)[TARGET.numpy()]
    shares = (1 - smoothing) * onehot + smoothing / 4
    expected = -(WEIGHTS.numpy() * shares * log_softmax(z.numpy(), axis=1)).sum()
    given = {"class_weights_C": WEIGHTS, "label_smoothing": smoothing}
    assert losses.sparse_categorical_crossentropy(z, TARGET, **given).item() == pytest.approx(expected)
    assert losses.categorical_crossentropy(z, torch.tensor(onehot), **given).item() == pytest.approx(expected)


def test_shares_between_classes_cost_their_cross_entropy():
    z, shares = logits(5, 3), torch.softmax(logits(5, 3).flip(0), 1)
    expected = -(shares.numpy() * log_softmax(z.numpy(), axis=1)).sum()
    assert losses.categorical_crossentropy(z, shares).item() == pytest.approx(expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_binary_crossentropy_is_that_of_two_classes_at_the_difference_of_their_logits(smoothing):
    z, weights = logits(7, 2), WEIGHTS[:2]
    two = losses.sparse_categorical_crossentropy(z, BINARY, label_smoothing=smoothing)
    one = losses.binary_crossentropy(z[:, 1] - z[:, 0], BINARY, label_smoothing=smoothing)
    torch.testing.assert_close(one, two)
    p, y = expit(z[:, 0].numpy()), BINARY.numpy()
    expected = -(weights.numpy()[y] * np.where(y == 1, np.log(p), np.log(1 - p))).sum()
    found = losses.binary_crossentropy(z[:, 0], BINARY, class_weights_C=weights)
    assert found.item() == pytest.approx(expected)


def test_an_ignored_item_adds_nothing_and_gets_no_gradient():
    z = logits(7, 4).requires_grad_()
    padded = TARGET.clone()
    padded[[2, 5]] = -100
    loss = losses.sparse_categorical_crossentropy(z, padded, label_smoothing=0.1, class_weights_C=WEIGHTS)
    kept = [0, 1, 3, 4, 6]
    alone = losses.sparse_categorical_crossentropy(
        z[kept], TARGET[kept], label_smoothing=0.1, class_weights_C=WEIGHTS
    )
    torch.testing.assert_close(loss, alone)
    loss.backward()
    assert not z.grad[[2, 5]].any()


def test_focal_equals_its_formula_and_is_crossentropy_at_gamma_zero():
    z = logits(7, 4)
    log_p = log_softmax(z.numpy(), axis=1)[np.arange(7), TARGET.numpy()]
    weighted = WEIGHTS.numpy()[TARGET.numpy()]
    for gamma in (0.5, 2.0):
        expected = -(weighted * (1 - np.exp(log_p)) ** gamma * log_p).sum()
        found = losses.focal(z, TARGET, gamma=gamma, class_weights_C=WEIGHTS)
        assert found.item() == pytest.approx(expected)
    torch.testing.assert_close(
        losses.focal(z, TARGET, gamma=0), losses.sparse_categorical_crossentropy(z, TARGET)
    )


def test_hinges_equal_those_of_scikit_learn_and_weights_multiply_items():
    z = logits(7, 4)
    expected = 7 * metrics.hinge_loss(TARGET.numpy(), z.numpy())
    assert losses.categorical_hinge(z, TARGET).item() == pytest.approx(expected)
    expected = 7 * metrics.hinge_loss(2 * BINARY.numpy() - 1, z[:, 0].numpy())
    assert losses.hinge(z[:, 0], BINARY).item() == pytest.approx(expected)
    one_by_one = [losses.categorical_hinge(z[i : i + 1], TARGET[i : i + 1]) for i in range(7)]
    expected = sum(WEIGHTS[TARGET[i]] * each for i, each in enumerate(one_by_one))
    torch.testing.assert_close(losses.categorical_hinge(z, TARGET, class_weights_C=WEIGHTS), expected)
    one_by_one = [losses.hinge(z[i : i + 1, 0], BINARY[i : i + 1]) for i in range(7)]
    expected = sum(WEIGHTS[BINARY[i]] * each for i, each in enumerate(one_by_one))
    torch.testing.assert_close(losses.hinge(z[:, 0], BINARY, class_weights_C=WEIGHTS[:2]), expected)


def test_balanced_weights_are_those_of_scikit_learn_and_one_on_average():
    target = np.repeat([0, 1, 2], [50, 8, 2])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=target)
    found = losses.balanced([50, 8, 2])
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)
    assert found[target].mean().item() == pytest.approx(1)
    assert losses.balanced([3, 0, 1]).tolist() == pytest.approx([2 / 3, 0, 2])


@pytest.mark.parametrize("name", ["binary_crossentropy", "hinge"])
def test_gradients_of_two_class_losses_agree_with_finite_differences(name):
    given = {"class_weights_C": WEIGHTS[:2]}
    z = logits(7).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: losses.LOSSES[name](x, BINARY, **given), (z,))


@pytest.mark.parametrize("name", ["sparse_categorical_crossentropy", "focal", "categorical_hinge"])
def test_gradients_of_class_losses_agree_with_finite_differences(name):
    z = logits(7, 4).requires_grad_()
    loss = losses.LOSSES[name]
    assert torch.autograd.gradcheck(lambda x: loss(x, TARGET, class_weights_C=WEIGHTS), (z,))


def test_the_gradient_of_shares_agrees_with_finite_differences():
    z, shares = logits(5, 3).requires_grad_(), torch.softmax(logits(5, 3).flip(0), 1)
    loss = losses.categorical_crossentropy
    assert torch.autograd.gradcheck(lambda x: loss(x, shares, label_smoothing=0.1), (z,))


@pytest.mark.parametrize(
    "name", ["sparse_categorical_crossentropy", "focal", "categorical_hinge", "binary_crossentropy", "hinge"]
)
@pytest.mark.parametrize("size", [1e3, 1e4])
def test_a_sure_answer_right_or_wrong_has_a_finite_loss_and_gradient(name, size):
    z = torch.tensor([[size, -size], [-size, size]], requires_grad=True)
    target = torch.tensor([0, 0])
    given = {"gamma": 0.5} if name == "focal" else {}
    outputs = z[:, 1] - z[:, 0] if "binary" in name or name == "hinge" else z
    loss = losses.LOSSES[name](outputs, target, **given)
    loss.backward()
    assert loss.item() == pytest.approx(2 * size, rel=1e-2)
    assert z.grad.isfinite().all()


@pytest.mark.parametrize("name", ["sparse_categorical_crossentropy", "focal", "categorical_hinge"])
def test_no_items_cost_nothing(name):
    assert losses.LOSSES[name](torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64)).item() == 0
