"""Windows equal the slices that they stand for, and gather late."""

import numpy as np

from deepfit.data.batches import Selection, cut
from deepfit.data.windows import Windows

VALUES = np.arange(40, dtype=np.float32).reshape(20, 2)
WINDOWS = Windows(VALUES, np.array([-2, 0, 7, 17]), 5, np.array([0, 0, 8, 8]), np.array([8, 8, 20, 20]))


def test_a_window_is_its_slice_with_zeros_where_another_series_is():
    found = WINDOWS.gathered()
    np.testing.assert_array_equal(found[1], VALUES[0:5])
    np.testing.assert_array_equal(found[0], np.concatenate([np.zeros((2, 2)), VALUES[0:3]]))
    np.testing.assert_array_equal(found[2], np.concatenate([np.zeros((1, 2)), VALUES[8:12]]))
    np.testing.assert_array_equal(found[3], np.concatenate([VALUES[17:20], np.zeros((2, 2))]))


def test_places_gather_and_slices_do_not():
    np.testing.assert_array_equal(WINDOWS[np.array([3, 1])], WINDOWS.gathered()[[3, 1]])
    np.testing.assert_array_equal(WINDOWS[np.array([True, False, False, True])], WINDOWS.gathered()[[0, 3]])
    assert isinstance(WINDOWS[1:3], Windows)
    np.testing.assert_array_equal(np.asarray(WINDOWS[1:3]), WINDOWS.gathered()[1:3])
    assert len(WINDOWS[4:]) == 0


def test_a_batch_holds_them_like_arrays():
    batch = {"history": WINDOWS, "step": np.arange(4)}
    part = cut(batch, 1, 3)
    np.testing.assert_array_equal(part["history"].gathered(), WINDOWS.gathered()[1:3])
    np.testing.assert_array_equal(Selection(batch, np.array([2]))["history"], WINDOWS.gathered()[2:3])


def test_nothing_of_the_values_is_changed():
    before = VALUES.copy()
    WINDOWS.gathered()[:] = 7
    np.testing.assert_array_equal(VALUES, before)
