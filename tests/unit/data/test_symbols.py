"""Symbol strings from every kind of source, checked letter by letter."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from deepfit.data.conventions import convention
from deepfit.data.ragged import Ragged
from deepfit.data.strand import judge_strand
from deepfit.data.symbol_encoding import encode_symbols, learn_symbols, mean_by_row, windows_of
from deepfit.data.symbols import read_symbols
from deepfit.errors import DataError, OptionError

PLAIN = {"soft_masked": "same", "positions": "auto", "window": 4096, "k": 0}


def table(folder, text, name="dna.csv"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def fasta(folder, name, *records):
    folder.mkdir(parents=True, exist_ok=True)
    return table(folder, "".join(f">{header}\n{letters}\n" for header, letters in records), name)


def said(rows):
    return list(zip(rows.column("sequence").tolist(), rows.target().tolist(), strict=True))


BOTH = [("ACGT", "ei"), ("GGTT", "ie")]


def test_a_table_a_pair_and_every_way_of_labelling_fasta_give_the_same_rows(tmp_path):
    tagged = fasta(tmp_path / "1", "x.fasta", ("a some label=ei kind", "ACGT"), ("b label=ie", "GGTT"))
    second = fasta(tmp_path / "2", "x.fa", ("a ei", "ACGT"), ("b ie", "GGTT"))
    ncbi = fasta(tmp_path / "3", "x.fna", ("a [label=ei] x", "ACGT"), ("b [label=ie]", "GGTT"))
    fasta(tmp_path / "4", "ei.fasta", ("a", "ACGT"))
    fasta(tmp_path / "4", "ie.fasta", ("b", "GGTT"))
    fasta(tmp_path / "5" / "ei", "x.fasta", ("a", "ACGT"))
    fasta(tmp_path / "5" / "ie", "y.fasta", ("b", "GGTT"))
    bare = fasta(tmp_path / "6", "x.fasta", ("a", "ACGT"), ("b", "GGTT"))
    labels = table(tmp_path, "id,label\nb,ie\na,ei\nc,n\n", "labels.csv")
    for source in (
        table(tmp_path, "sequence,label\nACGT,ei\nGGTT,ie\n"),
        pl.DataFrame({"sequence": ["ACGT", "GGTT"], "label": ["ei", "ie"]}),
        (["ACGT", "GGTT"], ["ei", "ie"]),
        tagged,
        second,
        ncbi,
        tmp_path / "4",
        tmp_path / "5",
    ):
        assert said(read_symbols(source)) == BOTH, source
    assert said(read_symbols(bare, labels=str(labels))) == BOTH


def test_a_value_of_several_words_is_taken_from_brackets(tmp_path):
    path = fasta(tmp_path, "x.fa", ("a [organism=Homo sapiens] [x=1]", "ACGT"), ("b [organism=Mus]", "GGTT"))
    assert read_symbols(path, target="organism").target().tolist() == ["Homo sapiens", "Mus"]


def test_folders_of_train_and_test_name_the_parts(tmp_path):
    for part in ("train", "test"):
        fasta(tmp_path / part, "ei.fa", ("a", "ACGT"))
        fasta(tmp_path / part, "ie.fa", ("b", "GGTT"))
    rows = read_symbols(tmp_path)
    assert rows.parts().tolist() == ["test", "test", "train", "train"]
    assert rows.where(3).startswith("train/ie.fa, record 'b'")


def test_a_description_of_several_words_is_no_label(tmp_path):
    path = fasta(tmp_path, "x.fa", ("a Homo sapiens", "ACGT"), ("b ie", "GGTT"))
    with pytest.raises(DataError, match="no sequence has a label to learn from"):
        read_symbols(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("sequence,label\nACGT,a\nAC7TACGTACGTACGTACGT,b\n", "row 3, position 3: received '7'"),
        ("sequence,label\nACGT,a\n,b\n", "row 3, column 'sequence': the sequence is empty"),
        ("sequenc,label\nACGT,a\n", r"no column 'sequence' .--sequence.. Did you mean 'sequenc'"),
        ("sequence,lable\nACGT,a\n", r"no column 'label' .--target.. Did you mean 'lable'"),
        ("sequence,label\nACGTACGTACGT ACGTACGTACGT,a\n", "row 2, position 13: received ' '"),
        ("sequence,label\nACGTACGTACGTACGTACGTACGTACGTE,a\n", "row 2, position 29: received 'E'"),
    ],
)
def test_a_mistake_in_a_table_is_named_with_its_row_and_position(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read_symbols(table(tmp_path, content))


def test_a_mistake_in_fasta_is_named_with_its_record(tmp_path):
    path = fasta(tmp_path, "x.fasta", ("a ei", "ACGT" * 9), ("b ie", "ACGT" * 9 + "1"))
    with pytest.raises(DataError, match=r"x\.fasta, record 'b' \(line 3\), position 37: received '1'"):
        read_symbols(path)


def test_labels_that_join_nothing_or_twice_are_refused(tmp_path):
    path = fasta(tmp_path, "x.fasta", ("a", "ACGT"))
    with pytest.raises(DataError, match=r"none of the ids of x.fasta is in its column 'id'"):
        read_symbols(path, labels=str(table(tmp_path, "id,label\nz,ei\n", "l.csv")))
    with pytest.raises(DataError, match=r"m\.csv, row 3, column 'id': 'a' occurs more than once|row 2"):
        read_symbols(path, labels=str(table(tmp_path, "id,label\na,ei\na,ie\n", "m.csv")))


def test_rows_without_a_label_are_left_out_and_that_is_said():
    rows = read_symbols({"sequence": ["ACGT", "GGTT", "CCGG"], "label": ["a", None, "b"]})
    assert rows.column("sequence").tolist() == ["ACGT", "CCGG"]
    assert any("1 of 3 sequences have no 'label'" in each.message for each in rows.concerns())


def test_at_predict_labels_may_be_missing_and_foreign_letters_are_unknown():
    facts = learn_symbols(read_symbols((["ACGT", "GGTTA"], ["a", "b"])), **PLAIN)
    rows = read_symbols(["ACGE", "TT"], facts=facts)
    assert rows.target() is None
    assert any("1 letters are none of DNA (E)" in each.message for each in rows.concerns())
    codes = encode_symbols(rows, facts)["letters"]
    assert codes.row(0)[3] == encode_symbols(read_symbols(["N-"], facts=facts), facts)["letters"].row(0)[1]
    with pytest.raises(DataError, match=r"the list, place 1 \(from 0\), position 2: received '7'"):
        read_symbols(["ACG", "A7"], facts=facts)


def test_a_model_that_reads_positions_names_the_row_of_another_length():
    facts = learn_symbols(read_symbols((["ACGT", "GGTT"], ["a", "b"])), **PLAIN)
    assert facts["length"] == 4
    with pytest.raises(DataError, match=r"place 1 .*: the sequence has 3 letters, and all of the training"):
        read_symbols(["ACGT", "ACG"], facts=facts)


def test_positions_are_read_where_all_strings_have_one_length_unless_asked_otherwise():
    same, other = (read_symbols((texts, ["a", "b"])) for texts in (["ACGT", "GGTT"], ["ACGT", "GGT"]))
    assert learn_symbols(same, **{**PLAIN, "positions": "off"})["length"] is None
    assert learn_symbols(other, **PLAIN)["length"] is None
    with pytest.raises(DataError, match="needs sequences of one length, received 3 to 4"):
        learn_symbols(other, **{**PLAIN, "positions": "on"})


def test_too_many_kmers_are_refused():
    rows = read_symbols((["ACGT", "GGTT"], ["a", "b"]))
    assert learn_symbols(rows, **{**PLAIN, "k": 8})["kmers"] == 65_536
    protein = read_symbols((["ACDEFGHIKLMNPQRSTVWY"] * 2, ["a", "b"]))
    with pytest.raises(OptionError, match="--k 5 makes 3,200,000 k-mers of 20 letters"):
        learn_symbols(protein, **{**PLAIN, "k": 5})


def test_equal_sequences_have_equal_fingerprints_whatever_their_case():
    prints = read_symbols((["ACGT", "acgt", "ACGA"], ["a", "b", "a"])).fingerprints()
    assert prints[0] == prints[1] != prints[2]
    symbols = read_symbols((["01aB", "01ab"], ["a", "b"])).fingerprints()
    assert symbols[0] != symbols[1]


def test_concerns_speak_of_case_doubtful_letters_and_contradictions():
    rows = read_symbols((["ACGTN", "ACGTN", "acgtN"], ["a", "b", "a"]))
    text = " ".join(each.message for each in rows.concerns())
    assert "26.7% of the letters are lower case" in text
    assert "20.0% of the letters stand for several" in text
    assert "2 of 3 sequences (66.7%) are there before, and 1 of them have another label" in text


def test_rows_keep_their_letters_labels_and_places_when_taken_twice():
    texts = ["A", "CC", "GGG", "TTTT"]
    rows = read_symbols((texts, list("abab"))).take(np.array([3, 1, 0])).take(np.array([0, 2])).compact()
    assert said(rows) == [("TTTT", "b"), ("A", "a")]
    assert rows.where(0) == "place 3 (from 0)"


def test_strings_of_digits_and_the_word_na_stay_as_written(tmp_path):
    rows = read_symbols(table(tmp_path, "sequence,label\n0110,a\n0011,b\nNA,a\n"), alphabet="symbols")
    assert rows.column("sequence").tolist() == ["0110", "0011", "NA"]


def test_windows_cover_every_letter_and_overlap_by_half():
    rows = Ragged.of([np.arange(100), np.arange(7), np.arange(1001)], np.int64)
    windows, owners = windows_of(rows, 100)
    assert windows.lengths.max() == 100
    for row in range(3):
        own = [windows.row(place) for place in np.flatnonzero(owners == row)]
        np.testing.assert_array_equal(np.unique(np.concatenate(own)), rows.row(row))
        starts = [each[0] for each in own]
        assert np.diff(starts).max(initial=0) <= 51


def test_answers_of_windows_are_joined_by_the_mean_probability():
    logits = np.log(np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]], np.float32))
    joined = mean_by_row(logits, np.array([0, 0, 1]), 2)
    np.testing.assert_allclose(np.exp(joined), [[0.7, 0.3], [0.2, 0.8]], rtol=1e-5)
    margins = mean_by_row(logits, np.array([0, 0, 1]), 2, margins=True)
    np.testing.assert_allclose(margins[0], logits[:2].mean(0), rtol=1e-6)


def planted(both_strands, seed=0, rows=600):
    """Strings with one of two motifs, on either strand or on the one that is written."""
    rng = np.random.default_rng(seed)
    other = str.maketrans("ACGT", "TGCA")
    texts, labels = [], []
    for _ in range(rows):
        place, letters = rng.integers(2), "".join(rng.choice(list("ACGT"), 40))
        motif = ("AACCAACCAA", "GTTTGTTTGG")[place]
        if both_strands and rng.random() < 0.5:
            motif = motif[::-1].translate(other)
        texts.append(letters[:20] + motif + letters[20:])
        labels.append("ab"[place])
    return read_symbols((texts, labels))


@pytest.mark.parametrize("both", [True, False])
def test_the_other_strand_is_shown_where_classes_survive_it_and_nowhere_else(both):
    from deepfit.data.alphabets import complements

    rows = planted(both)
    facts = learn_symbols(rows, **PLAIN)
    batch = encode_symbols(rows, facts)
    for aligned in (False, True):
        judged = judge_strand(batch["letters"], batch["target"], complements(facts), aligned=aligned)
        assert judged.harmless == both, judged.why


def test_what_cannot_be_told_keeps_to_the_strand_as_written():
    rng = np.random.default_rng(0)
    codes = Ragged.of(rng.integers(1, 5, (200, 30)), np.uint8)
    table_ = np.array([0, 4, 3, 2, 1])
    judged = judge_strand(codes, rng.integers(0, 2, 200), table_, aligned=False)
    assert not judged.harmless
    assert "too hard to tell" in judged.why
    assert "too few" in judge_strand(codes[:10], np.zeros(10, int), table_, aligned=False).why


@pytest.mark.parametrize("name", ["a.fasta", "a.faa", "a.fq.gz"])
def test_the_conventions_know_fasta_and_fastq(tmp_path, name):
    assert convention(tmp_path / name)[0] == "sequences"


def test_the_conventions_know_tables_and_folders_of_sequences(tmp_path):
    assert convention({"sequence": ["ACGT"], "label": ["a"]})[0] == "sequences"
    assert convention({"sequence": [1.0], "price": [2.0]}, "label") is None
    fasta(tmp_path / "x", "ei.fa", ("a", "ACGT"))
    fasta(tmp_path / "x", "ie.fa", ("a", "ACGT"))
    assert convention(tmp_path / "x") == ("sequences", "FASTA files, one a class")


def test_positions_are_judged_by_whether_it_matters_where_a_motif_stands():
    rng = np.random.default_rng(0)
    at_one_place, anywhere, labels = [], [], rng.integers(0, 2, 400)
    for label in labels.tolist():
        motif, letters = ("AACCAACC", "GTGTTGGT")[label], "".join(rng.choice(list("ACGT"), 40))
        place = int(rng.integers(0, 41))
        anywhere.append(letters[:place] + motif + letters[place:])
        other = rng.choice(list("ACGT"), 48)
        other[20] = "AG"[label]
        at_one_place.append("".join(other))
    found = [
        learn_symbols(read_symbols((texts, labels)), **PLAIN)["length"] for texts in (at_one_place, anywhere)
    ]
    assert found == [48, None]


def test_at_predict_second_words_and_names_of_files_are_labels_only_where_one_is_a_class(tmp_path):
    facts = learn_symbols(read_symbols((["ACGT", "GGTT"], ["ei", "ie"])), **PLAIN)
    reads = table(tmp_path, "@r1 1:N:0:ATCACG\nACGT\n+\nIIII\n", "reads.fastq")
    assert read_symbols(reads, facts=facts).target() is None
    fasta(tmp_path / "new", "batch1.fasta", ("a", "ACGT"))
    assert read_symbols(tmp_path / "new", facts=facts).target() is None
    fasta(tmp_path / "old", "ei.fasta", ("a", "ACGT"))
    rows = read_symbols(tmp_path / "old", facts=facts)
    assert encode_symbols(rows, facts)["target"].tolist() == [0]
    fasta(tmp_path / "old", "eii.fasta", ("a", "ACGT"))
    with pytest.raises(
        DataError, match=r"record 'a' \(line 1\), column 'label': received 'eii', which is no"
    ):
        encode_symbols(read_symbols(tmp_path / "old", facts=facts), facts)


def test_labels_may_be_numbers_or_yes_and_no():
    for labels in ([0, 1], [True, False], np.array([1.0, 2.0])):
        rows = read_symbols((["ACGT", "GGTT"], labels))
        assert rows.target().tolist() == [int(each) for each in labels]
