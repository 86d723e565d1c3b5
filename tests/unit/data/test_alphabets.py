"""Letters to codes and vectors, held against the meanings of IUPAC written out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from deepfit.data import alphabets
from deepfit.data.alphabets import code_points, complements, count_signs, detect, encode_letters, vectors
from deepfit.errors import DataError


def learned(texts, kind, soft_masked="same"):
    return alphabets.learn_alphabet(code_points(texts), kind, soft_masked)


def looked_up(text, facts):
    return vectors(facts)[encode_letters(code_points([text]), facts).row(0)]


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["ACGT", "ttagc", "NNNNNNNNACGTAC-GT"], "dna"),
        (["ACGUUGCA"], "rna"),
        (["MKVLAAGIVGLPNVGKSTLFNALTKSEDRHWYQC"], "protein"),
        (["MKVLAAGIVGLPNVGKSTLFNALTKSEDRHWYQCX*"], "protein"),
        (["0110", "1010"], "symbols"),
        (["CDCDDCD"], "symbols"),
        (["😀🙂", "🙂"], "symbols"),
        (["ACGT" * 30 + "7"], "dna"),
    ],
)
def test_the_kind_of_strings_is_found_from_their_signs(texts, kind):
    assert detect(count_signs(code_points(texts)))[0] == kind


def test_a_code_of_several_bases_is_a_share_of_each():
    facts = learned(["ACGT"], "dna")
    got = looked_up("ACGTURN", facts)
    expected = [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 1],
        [0.5, 0, 0.5, 0],
        [0.25] * 4,
    ]
    np.testing.assert_array_equal(got, np.array(expected, np.float32))


def test_every_vector_of_dna_adds_up_to_one_except_that_of_padding():
    sums = vectors(learned(["ACGT-"], "dna")).sum(1)
    np.testing.assert_allclose(sums, [0, *([1] * (len(sums) - 1))])


def test_residues_that_stand_for_two_are_shared():
    facts = learned(["ACDEFGHIKLMNPQRSTVWY"], "protein")
    vector = looked_up("B", facts)[0]
    assert {facts["letters"][place] for place in np.flatnonzero(vector)} == {"D", "N"}
    np.testing.assert_allclose(looked_up("X", facts)[0], np.full(20, 0.05))


def test_a_gap_has_a_channel_where_training_rows_have_gaps_and_is_unknown_elsewhere():
    with_gaps, without = learned(["AC-T"], "dna"), learned(["ACGT"], "dna")
    np.testing.assert_array_equal(looked_up("-.", with_gaps), [[0, 0, 0, 0, 1]] * 2)
    np.testing.assert_array_equal(looked_up("-", without), [[0.25] * 4])


def test_lower_case_is_the_same_hidden_or_marked_as_asked():
    same, hidden, channel = (learned(["ACgt"], "dna", how) for how in ("same", "hidden", "channel"))
    np.testing.assert_array_equal(looked_up("g", same), [[0, 0, 1, 0]])
    np.testing.assert_array_equal(looked_up("g", hidden), [[0.25] * 4])
    np.testing.assert_array_equal(
        looked_up("gGn", channel), [[0, 0, 1, 0, 1], [0, 0, 1, 0, 0], [*[0.25] * 4, 1]]
    )


def test_in_other_strings_case_matters_and_an_unknown_sign_is_no_letter():
    facts = learned(["aB😀"], "symbols")
    assert facts["letters"] == ["B", "a", "😀"]
    np.testing.assert_array_equal(
        looked_up("😀aAb🙂", facts), [[0, 0, 1], [0, 1, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0]]
    )


def test_an_unknown_sign_does_not_depend_on_how_the_other_letters_are_stored():
    facts = learned(["ab"], "symbols")
    small, wide = (encode_letters(code_points([text]), facts).row(0) for text in ("azb", "a🙂b"))
    assert small.tolist() == wide.tolist()


def test_the_complement_of_the_complement_is_the_letter():
    for how in ("same", "channel"):
        table = complements(learned(["ACGT-n"], "dna", how))
        np.testing.assert_array_equal(table[table], np.arange(len(table)))
        assert len(table) == len(vectors(learned(["ACGT-n"], "dna", how)))


def test_complements_are_those_of_base_pairing():
    facts = learned(["ACGT"], "dna")
    codes = encode_letters(code_points(["ACGTRYKMBVDHSWN"]), facts).row(0)
    paired = encode_letters(code_points(["TGCAYRMKVBHDSWN"]), facts).row(0)
    np.testing.assert_array_equal(complements(facts)[codes], paired)


def test_texts_are_no_strings_of_symbols():
    with pytest.raises(DataError, match="2,000 different signs"):
        learned(["".join(map(chr, range(0x4E00, 0x4E00 + 2000)))], "symbols")
