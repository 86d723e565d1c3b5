"""FASTA and FASTQ as people write them, and what is said where the format is broken."""

from __future__ import annotations

import gzip

import pytest

from deepfit.data.fasta import class_folder, is_fasta, read_fasta, stem_of
from deepfit.errors import DataError


def written(folder, text, name="some.fasta"):
    path = folder / name
    data = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def test_letters_over_several_lines_are_one_sequence(tmp_path):
    path = written(tmp_path, ">first some words\nACGT\nAC GT\n\n>second\tmore\r\nTTTT\r\n")
    first, second = read_fasta(path)
    assert first == ("first", "some words", "ACGTACGT", 1)
    assert second == ("second", "more", "TTTT", 5)


def test_comments_a_byte_order_mark_and_compression_change_nothing(tmp_path):
    text = b"\xef\xbb\xbf; made by hand\n>a\nAC\n;in between\nGT\n"
    assert read_fasta(written(tmp_path, text, "x.fa.gz"))[0].letters == "ACGT"


def test_fastq_is_known_by_its_first_sign_and_its_qualities_may_begin_with_at(tmp_path):
    text = "@one label=ei\nACGT\n+\n@@@@\n@two\nAC\nGT\n+two\nII\nII\n"
    records = read_fasta(written(tmp_path, text, "reads.fasta"))
    assert [each.letters for each in records] == ["ACGT", "ACGT"]
    assert records[0].description == "label=ei"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ACGT\n>a\nACGT\n", "line 1: expected a header that begins with '>', received 'ACGT'"),
        (">a\n>b\nACGT\n", r"record 'a' \(line 1\): the sequence is empty"),
        (">a\nACGT\n>b\n", r"record 'b' \(line 3\): the sequence is empty"),
        (">\n\n>b\nACGT\n", "line 1: the sequence is empty"),
        ("\n\n", "holds no sequence"),
        ("@a\nACGT\n+\nIII\n", r"record 'a' \(line 1\): it has 4 letters and 3 signs of quality"),
        ("@a\nACGT\n+\nIIIII\n", r"record 'a' \(line 1\): it has 4 letters and 5 signs of quality"),
        ("@a\nACGT\n", r"record 'a' \(line 1\): the file ends before its line '\+'"),
        ("@a\nACGT\n+\nIIII\nACGT\n", "line 5: expected a header that begins with '@', received 'ACGT'"),
        (b">a\nAC\xffGT\n", "not UTF-8"),
    ],
)
def test_a_broken_file_is_refused_with_the_line_or_the_record(tmp_path, text, message):
    with pytest.raises(DataError, match=message) as raised:
        read_fasta(written(tmp_path, text))
    assert "some.fasta" in str(raised.value)


def test_a_cut_off_gz_file_is_named(tmp_path):
    path = tmp_path / "x.fasta.gz"
    path.write_bytes(gzip.compress(b">a\n" + b"ACGT" * 1000)[:-12])
    with pytest.raises(DataError, match=r"x\.fasta\.gz: the compressed file is damaged or cut off"):
        read_fasta(path)


def test_names_of_files_tell_the_class(tmp_path):
    assert [stem_of(tmp_path / name) for name in ("ei.fasta.gz", "n.v2.fa", "notes.txt")] == [
        "ei",
        "n.v2",
        "notes.txt",
    ]
    assert is_fasta(tmp_path / "EI.FASTA")
    assert not is_fasta(tmp_path / "table.csv.gz")


def test_a_folder_of_fasta_files_is_known(tmp_path):
    assert class_folder(tmp_path) is None
    (tmp_path / "train" / "ei").mkdir(parents=True)
    written(tmp_path / "train" / "ei", ">a\nACGT\n")
    assert class_folder(tmp_path) is None
    written(tmp_path / "train", ">a\nACGT\n", "ie.fasta")
    (tmp_path / "train" / "n").mkdir()
    written(tmp_path / "train" / "n", ">a\nACGT\n")
    assert class_folder(tmp_path) == "folders of FASTA files"
    written(tmp_path, ">a\nACGT\n", "ei.fna")
    written(tmp_path, ">a\nACGT\n", "ie.fna")
    assert class_folder(tmp_path) == "FASTA files, one a class"


def test_a_megabyte_in_one_line_is_read_whole(tmp_path):
    assert len(read_fasta(written(tmp_path, ">chr\n" + "ACGT" * 250_000))[0].letters) == 1_000_000
