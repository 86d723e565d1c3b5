"""Shared rows are counted, given as a share, and shown by example."""

import subprocess
import sys

import numpy as np

from deepfit.contract import Concern
from deepfit.judge.leaks import find


def test_shared_rows_are_counted_and_shown_by_row_numbers_from_1(kit):
    train = kit.Rows(np.zeros(100), np.arange(100))
    test = kit.Rows(np.zeros(50), np.r_[np.arange(1000, 1045), [7, 9, 7, 99, 0]], name="test.csv")
    (concern,) = find(train, test)
    assert (concern.kind, concern.where) == ("leak", "test.csv")
    assert concern.message.startswith("5 of 50 test rows (10.0%) are also among the training rows")
    assert "(test = training: row 46 = row 8, row 47 = row 10, row 48 = row 8)" in concern.message
    assert "ordinary" not in concern.message


def test_examples_are_called_as_their_sources_call_them(kit):
    class InFile(kit.Rows):
        def where(self, position):
            return f"line {position + 2}"

    class Photos(kit.Rows):
        picture = None

        def take(self, index):
            return Photos(self.values[index], self.prints[index])

        def column(self, name):
            return np.array([f"{value}.png" for value in self.values])

    (concern,) = find(InFile(np.zeros(3), np.arange(3)), Photos(np.array([7, 8]), np.array([9, 2])))
    assert "(test = training: 8.png = line 4)" in concern.message


def test_rows_that_repeat_as_often_within_training_may_be_ordinary(kit):
    rng = np.random.default_rng(0)
    (concern,) = find(
        kit.Rows(np.zeros(500), rng.integers(0, 400, 500)), kit.Rows(np.zeros(100), rng.integers(0, 400, 100))
    )
    assert "so this may be ordinary" in concern.message


def test_a_clean_split_leaves_only_the_rows_own_concerns(kit):
    own = Concern("identifier", "column 'id'", "column 'id' numbers the rows")
    train = kit.Rows(np.zeros(3), np.arange(3), findings=[own])
    assert find(train, kit.Rows(np.zeros(3), np.arange(3, 6)), kit.Rows(np.zeros(3), np.arange(6, 9))) == [
        own
    ]


def test_validation_is_held_against_both_other_parts(kit):
    train, valid, test = (
        kit.Rows(np.zeros(2), np.array(prints), name=name)
        for prints, name in [([1, 2], "a"), ([2, 3], "b"), ([3, 4], "c")]
    )
    found = find(train, test, valid)
    assert [concern.where for concern in found] == ["b", "c"]


def test_empty_parts_share_nothing(kit):
    empty, full = kit.Rows(np.zeros(0), np.zeros(0)), kit.Rows(np.zeros(2), np.arange(2))
    assert find(empty, full) == find(full, empty) == []


def test_pictures_that_are_nearly_the_same_in_two_sources_are_found(kit):
    rng = np.random.default_rng(0)
    looks = rng.integers(0, 256, (30, 256), dtype=np.uint8)

    class Pictures(kit.Rows):
        def signatures(self):
            return self.values

    train = Pictures(looks, np.arange(30))
    test = Pictures(np.clip(looks[[4, 9]].astype(int) + 1, 0, 255).astype(np.uint8), np.array([100, 101]))
    (concern,) = find(train, test)
    assert concern.message.startswith("2 of 2 test rows")
    assert "row 1 = row 5, row 2 = row 10" in concern.message


def test_the_data_checks_load_no_torch():
    code = "import sys, deepfit.judge.leaks; sys.exit('torch' in sys.modules or 'sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
