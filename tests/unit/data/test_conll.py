from __future__ import annotations

import gzip

import pytest

from deepfit.data.conll import read_lines, sentences_of, usual_tag_column
from deepfit.errors import DataError


@pytest.fixture
def read(tmp_path):
    def reading(text, name="x.conll", column="last"):
        path = tmp_path / name
        content = text if isinstance(text, bytes) else text.encode()
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        lines = read_lines(path)
        return sentences_of(lines, usual_tag_column(lines) if column == "last" else column)

    return reading


def test_words_and_tags_are_read_by_sentence_with_their_lines(read):
    found = read("Ann\tB-PER\nran\tO\n\n\nBob\tB-PER\n")
    assert found.words == [["Ann", "ran"], ["Bob"]]
    assert found.tags == [["B-PER", "O"], ["B-PER"]]
    assert found.lines == [1, 5]


@pytest.mark.parametrize("name", ["x.conll", "x.txt", "x.conll.gz", "x.bio"])
def test_spaces_stand_between_columns_where_there_are_no_tabs(read, name):
    found = read("-DOCSTART- -X- O\n\nEU NNP B-ORG\r\nrejects  VBZ O\r\n\r\n. . O", name)
    assert found.words == [["EU", "rejects"], ["."]]
    assert found.tags == [["B-ORG", "O"], ["O"]]


def test_another_column_of_tags_can_be_named(read):
    assert read("EU NNP B-ORG\nwins VBZ O\n", column=1).tags == [["NNP", "VBZ"]]


def test_with_tabs_a_word_may_hold_spaces_and_be_a_number_sign(read):
    assert read("New York\tB\n#\tO\n#FF\tO\n").words == [["New York", "#", "#FF"]]


def test_signs_that_look_like_breaks_stay_in_their_word(read):
    word = "a\u2028b\u00a0c\x85d"
    assert read(f"{word}\tO\nd\tO\n").words == [[word, "d"]]


def test_comments_are_left_out_and_words_that_begin_like_them_are_not(read):
    assert read("# text = a b\na\tO\n# b\nb\tO\n").words == [["a", "b"]]
    assert read("# a comment\n#FF O\n# O\nb O\n").words == [["#FF", "#", "b"]]


def test_documents_are_counted(read):
    found = read("-DOCSTART- O\n\na O\n\nb O\n\n-DOCSTART- O\n\nc O\n")
    assert found.documents == [1, 1, 2]


CONLLU = """\
# newdoc id = one
# text = vámonos al mar
1-2\tvámonos\t_\t_\t_\t_\t_\t_\t_\t_
1\tvamos\tir\tVERB\t_\t_\t0\troot\t_\t_
2\tnos\tnos\tPRON\t_\t_\t1\tobj\t_\t_
2.1\tnada\t_\t_\t_\t_\t_\t_\t_\t_

1\tmar\tmar\tNOUN\t_\t_\t0\troot\t_\t_
"""


def test_in_conllu_words_are_in_the_second_column_and_tags_are_parts_of_speech(read):
    found = read(CONLLU, "x.conllu")
    assert found.words == [["vamos", "nos"], ["mar"]]
    assert found.tags == [["VERB", "PRON"], ["NOUN"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tO\nb\nc\tO\n", r"x.conll, line 2: expected 2 columns as in most lines, received 1: 'b'"),
        ("a O\nb O\nc O O\n", r"line 3: expected 2 columns as in most lines, received 3"),
        ("a\tO\n\tO\n", r"line 2, column 0: expected a word, received nothing"),
        ("a\tO\nb\t \n", r"line 2, column 1: expected a tag, received nothing"),
        ("", r"x.conll: the file holds no word"),
        ("\n \n\t\n", r"x.conll: the file holds no word"),
        ("-DOCSTART- O\n", r"holds no word, only comments"),
        (b"a\tO\nb\xe9\tO\n", r"x.conll, row 2: a byte is not UTF-8, received 0xe9"),
        ("a\tO\n".encode("utf-16"), r"the file is UTF-16. Save it as UTF-8"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(read, text, message):
    with pytest.raises(DataError, match=message):
        read(text)


def test_a_column_that_is_not_there_or_holds_the_words_is_refused(read):
    with pytest.raises(DataError, match="no column 5 to take tags from; the lines have 2"):
        read("a O\nb O\n", column=5)
    with pytest.raises(DataError, match="column 0 holds the words"):
        read("a O\nb O\n", column=0)


def test_a_mark_of_byte_order_is_no_letter(read):
    assert read(b"\xef\xbb\xbfa\tO\n").words == [["a"]]


def test_a_missing_file_is_answered_with_its_neighbours(tmp_path):
    (tmp_path / "train.conll").write_text("a O\n")
    with pytest.raises(DataError, match=r"Did you mean 'train.conll'"):
        read_lines(tmp_path / "trein.conll")
