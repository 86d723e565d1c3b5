"""CTC equals a sum over all alignments, one by one."""

from __future__ import annotations

from itertools import groupby, product

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, logsumexp

from deepfit.nn import losses


def logits(*shape):
    return 2 * torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def read(alignment, blank):
    """What an alignment says: repeats merged, blanks dropped."""
    return [label for label, _ in groupby(alignment) if label != blank]


def by_brute_force(logits_TC, labels, blank):
    log_p = log_softmax(logits_TC, axis=1)
    steps, classes = log_p.shape
    fitting = [
        sum(log_p[step, label] for step, label in enumerate(alignment))
        for alignment in product(range(classes), repeat=steps)
        if read(alignment, blank) == labels
    ]
    return -logsumexp(fitting)


@pytest.mark.parametrize("blank", [0, 3])
def test_it_is_the_sum_over_all_alignments(blank):
    z = logits(3, 5, 4)
    targets = [[1, 1], [2], [2, 1, 2]]
    steps = [5, 4, 5]
    padded = torch.tensor([[1, 1, 9], [2, 9, 9], [2, 1, 2]])
    pairs = zip(z, steps, targets, strict=True)
    expected = sum(by_brute_force(each[:count].numpy(), labels, blank) for each, count, labels in pairs)
    found = losses.ctc(z, padded, torch.tensor(steps), torch.tensor([2, 1, 3]), blank=blank)
    assert found.item() == pytest.approx(expected)


def test_no_labels_mean_blanks_all_along():
    z = logits(1, 4, 3)
    expected = -log_softmax(z[0].numpy(), axis=1)[:, 0].sum()
    found = losses.ctc(z, torch.zeros(1, 2, dtype=torch.int64), torch.tensor([4]), torch.tensor([0]))
    assert found.item() == pytest.approx(expected)


def test_its_gradient_agrees_with_finite_differences_and_padding_gets_none():
    z = logits(2, 5, 4).requires_grad_()
    target = torch.tensor([[1, 2, 2], [3, 0, 0]])
    lengths = torch.tensor([5, 3]), torch.tensor([3, 1])
    assert torch.autograd.gradcheck(lambda x: losses.ctc(x, target, *lengths), (z,))
    losses.ctc(z, target, *lengths).backward()
    assert not z.grad[1, 3:].any()
    assert z.grad[1, :3].all()


def test_a_target_that_fits_into_no_alignment_adds_nothing_and_spoils_nothing():
    z = logits(2, 3, 4).requires_grad_()
    target = torch.tensor([[1, 1, 1], [2, 0, 0]])  # three equal labels need five steps
    loss = losses.ctc(z, target, torch.tensor([3, 3]), torch.tensor([3, 1]))
    assert loss.item() == pytest.approx(by_brute_force(z[1].detach().numpy(), [2], 0))
    loss.backward()
    assert not z.grad[0].any()
    assert np.isfinite(z.grad.numpy()).all()
