"""Targets as numbers and back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepfit.data.labels import (
    class_names,
    decode_target,
    encode_labels,
    encode_target,
    learn_labels,
    learn_target,
    log_fits_better,
    targets_of,
)
from deepfit.data.table_rows import read_rows
from deepfit.errors import DataError

LABELS = st.one_of(
    st.lists(
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1), min_size=1
    ),
    st.lists(st.integers(-(2**40), 2**40), min_size=1),
    st.lists(st.booleans(), min_size=1),
)


@given(LABELS)
def test_the_code_of_a_label_is_its_place_among_the_classes(values):
    labels = np.array(values)
    facts = learn_labels(labels)
    decoded = np.array(facts["classes"])[encode_labels(labels, facts)]
    assert decoded.tolist() == values
    assert decoded.dtype.kind == labels.dtype.kind


def test_a_label_is_known_by_its_text():
    facts = learn_labels(np.array([1, 2]))
    assert encode_labels(np.array(["2", "1"]), facts).tolist() == [1, 0]
    assert class_names(learn_labels(np.array([True, False]))) == ["false", "true"]


def test_a_label_that_training_did_not_have_is_named_with_its_row():
    facts = learn_labels(np.array(["a", "b"]))
    with pytest.raises(
        DataError, match=r"test.csv, row 1 .*'y': received 'c', which is no class .* \(a, b\)"
    ):
        encode_labels(np.array(["a", "c"]), facts, name="test.csv", target="y")
    with pytest.raises(DataError, match=r"row 12 of the file, column"):
        encode_labels(np.array(["c"]), facts, where=lambda place: f"row {place + 12} of the file")


@pytest.mark.parametrize("transform", ["none", "log"])
@given(values=st.lists(st.floats(0.01, 1e6), min_size=1))
def test_decoding_gives_the_amounts_that_were_encoded(transform, values):
    facts = learn_target(np.array(values), transform)
    # float32 keeps 24 bits of a value that lies some deviations from the mean.
    spread = np.ptp(values) + abs(np.mean(values))
    np.testing.assert_allclose(
        decode_target(encode_target(np.array(values), facts), facts), values, rtol=1e-5, atol=1e-5 * spread
    )


def test_encoded_amounts_have_mean_zero_and_deviation_one():
    values = np.random.default_rng(0).lognormal(3, 2, size=1000)
    for transform in ("none", "log"):
        encoded = encode_target(values, learn_target(values, transform)).astype(np.float64)
        assert encoded.mean() == pytest.approx(0, abs=1e-5)
        assert encoded.std() == pytest.approx(1, abs=1e-5)


def test_the_logarithm_of_an_amount_below_zero_is_refused():
    with pytest.raises(DataError, match=r"row 1 .*above 0 for its logarithm, received -2"):
        learn_target(np.array([1.0, -2.0]), "log")


def test_the_logarithm_fits_skewed_amounts_above_zero_only():
    normal = np.random.default_rng(0).normal(size=1000)
    assert log_fits_better(np.exp(normal))
    assert not log_fits_better(normal)
    assert not log_fits_better(100 + normal)


def test_rows_without_a_target_to_learn_from_are_refused_by_name():
    rows = read_rows({"x": [1.0, 2.0], "y": [3.0, 4.0]}, target="y", goal="regression")
    assert targets_of(rows).tolist() == [3.0, 4.0]
    with pytest.raises(DataError, match=f"{rows.name}: these rows have no target"):
        targets_of(read_rows({"x": [1.0, 2.0]}))
