"""Losses of pairs: over ranks they add up to that of the whole batch, and no text is held against itself."""

from __future__ import annotations

import types

import pytest
import torch

from deepfit.plans.pairs import LOSSES, texts_with


class OneOf:
    """A rank among several; what the others found is known beforehand, in the order of asking."""

    def __init__(self, rank, size, whole):
        self.rank, self.size, self.whole = rank, size, list(whole)

    def share(self, rows):
        count = len(rows)
        return rows[self.rank * count // self.size : (self.rank + 1) * count // self.size]

    def gather(self, rows):
        found = self.whole.pop(0)
        torch.testing.assert_close(self.share(found), rows)
        return found


ALONE = types.SimpleNamespace(share=lambda rows: rows, gather=lambda rows: rows)
OPTIONS = types.SimpleNamespace(temperature=0.1)


def batch(rows=7, width=5):
    generator = torch.Generator().manual_seed(0)
    found = torch.randn(3, rows, width, generator=generator, dtype=torch.float64).unbind()
    arrays = {
        "first_key": torch.tensor([1, 2, 3, 1, 5, 6, 7]),
        "second_key": torch.tensor([11, 12, 13, 14, 12, 16, 6]),
        "target": torch.rand(rows, generator=generator),
    }
    return found, arrays


@pytest.mark.parametrize("texts", [2, 3])
def test_partners_over_three_ranks_cost_what_they_cost_on_one(texts):
    found, arrays = batch()
    found = found[:texts]
    whole = LOSSES["in_batch_contrastive"](OPTIONS, ALONE)(found, arrays)
    asked = [found[0], found[1], arrays["first_key"], arrays["second_key"], *found[2:]]
    parts = []
    for rank in range(3):
        run = OneOf(rank, 3, asked)
        own = {name: run.share(array) for name, array in arrays.items()}
        parts.append(LOSSES["in_batch_contrastive"](OPTIONS, run)([run.share(each) for each in found], own))
    torch.testing.assert_close(sum(parts), whole)


def test_order_over_three_ranks_costs_what_it_costs_on_one():
    found, arrays = batch()
    whole = LOSSES["cosent"](OPTIONS, ALONE)(found[:2], arrays)
    cosines = torch.nn.functional.cosine_similarity(*found[:2])
    parts = []
    for rank in range(3):
        run = OneOf(rank, 3, [cosines, arrays["target"]])
        own = {"target": run.share(arrays["target"])}
        parts.append(LOSSES["cosent"](OPTIONS, run)([run.share(each) for each in found[:2]], own))
    torch.testing.assert_close(sum(parts), whole)


def test_the_same_text_again_is_never_held_against_itself():
    vectors = torch.eye(4, dtype=torch.float64)[:3]
    same = {"first_key": torch.tensor([1, 1, 1]), "second_key": torch.tensor([2, 3, 4])}
    loss = LOSSES["in_batch_contrastive"](OPTIONS, ALONE)
    assert loss([vectors, vectors.flip(0)], same).item() == 0  # whatever stands elsewhere is a partner, too
    other = {"first_key": torch.tensor([1, 2, 3]), "second_key": torch.tensor([4, 5, 6])}
    assert loss([vectors, vectors.flip(0)], other).item() > 1


def test_tokens_are_counted_once_a_text():
    from deepfit.data.ragged import Ragged

    texts = Ragged.of([[1, 1, 3], [], [3]], "int32")
    counts, number = texts_with({"first": texts, "second": texts[[2, 2, 2]]}, ("first", "second"), 5)
    assert counts.tolist() == [0, 1, 0, 5, 0]
    assert number == 6
