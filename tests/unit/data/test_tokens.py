"""Vocabularies of published models: the same numbers as `transformers` and as worked out by hand."""

from __future__ import annotations

import builtins
import json

import numpy as np
import pytest

from deepfit.data.tokens import load_vocabulary
from deepfit.errors import ArtifactError, DataError, ExtraError

pytest.importorskip("tokenizers")

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "un",
    "##aff",
    "##able",
    "a",
    "cat",
    "Cat",
    "é",
    "e",
    "!",
    "你",
]
PAIRS = ["Ġ c", "c a", "ca t", "Ġc a", "Ġca t"]
BYTES = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def wordpiece(folder, **config):
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return folder


def byte_pairs(folder, *, specials, **config):
    letters = [*"acethi!Ã©ĠNT", "Ċ"]
    merged = ["Ġc", "ca", "cat", "Ġca", "Ġcat"]
    words = {word: number for number, word in enumerate([*specials, *letters, *merged])}
    (folder / "vocab.json").write_text(json.dumps(words), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(PAIRS) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return words


TEXTS = ["Unaffable cat!", "a", "", "é Cat 你你 zzz", "a [MASK] cat"]


def test_words_are_cut_into_the_longest_pieces_that_the_vocabulary_has(tmp_path):
    found = load_vocabulary(wordpiece(tmp_path)).encode(TEXTS[:3])
    assert found.ids_NT.tolist() == [[2, 5, 6, 7, 9, 13, 3], [2, 8, 3, 0, 0, 0, 0], [2, 3, 0, 0, 0, 0, 0]]
    assert found.keep_NT.sum(1).tolist() == [7, 3, 2]
    assert found.offsets_NT2[0].tolist() == [[0, 0], [0, 2], [2, 5], [5, 9], [10, 13], [13, 14], [0, 0]]
    assert found.offsets_NT2[1].tolist() == [[0, 0], [0, 1]] + [[0, 0]] * 5
    assert (found.ids_NT.dtype, found.keep_NT.dtype) == (np.int32, np.bool_)


def test_lower_casing_and_accents_follow_the_configuration(tmp_path):
    lowered = load_vocabulary(wordpiece(tmp_path)).encode(["é Cat"]).ids_NT[0].tolist()
    assert lowered == [2, 12, 9, 3]
    cased = load_vocabulary(wordpiece(tmp_path, do_lower_case=False)).encode(["é Cat"]).ids_NT[0].tolist()
    assert cased == [2, 11, 10, 3]


def test_a_pair_is_told_apart_by_types_and_cut_at_its_longer_text(tmp_path):
    vocabulary = load_vocabulary(wordpiece(tmp_path), longest=6)
    found = vocabulary.encode(["a cat", "a"], ["cat cat cat cat", "cat"])
    assert found.ids_NT.tolist() == [[2, 8, 3, 9, 9, 3], [2, 8, 3, 9, 3, 0]]
    assert found.types_NT[1].tolist() == [0, 0, 0, 1, 1, 0]
    assert found.keep_NT[1].tolist() == [True] * 5 + [False]


def test_a_long_text_is_cut_and_keeps_the_token_that_ends_it(tmp_path):
    found = load_vocabulary(wordpiece(tmp_path), longest=4).encode(["cat " * 50])
    assert found.ids_NT.tolist() == [[2, 9, 9, 3]]


def test_numbers_become_text_again_with_or_without_special_tokens(tmp_path):
    vocabulary = load_vocabulary(wordpiece(tmp_path))
    ids = vocabulary.encode(["unaffable cat!", "a"]).ids_NT
    assert vocabulary.decode(ids) == ["unaffable cat!", "a"]
    assert vocabulary.decode(ids[1:, :3], keep_specials=True) == ["[CLS] a [SEP]"]


@pytest.mark.parametrize("text", ["cat cat", " cat", "é!", "hat\ncat  cat", ""])
def test_every_text_of_known_bytes_survives_byte_pairs(tmp_path, text):
    byte_pairs(tmp_path, specials=["<|endoftext|>"])
    vocabulary = load_vocabulary(tmp_path)
    assert vocabulary.decode(vocabulary.encode([text]).ids_NT) == [text]


def test_byte_pairs_merge_in_the_order_of_the_file(tmp_path):
    words = byte_pairs(tmp_path, specials=["<|endoftext|>"])
    vocabulary = load_vocabulary(tmp_path)
    found = vocabulary.encode(["cat cat<|endoftext|>"]).ids_NT[0].tolist()
    assert found == [words["cat"], words["Ġcat"], words["<|endoftext|>"]]
    assert vocabulary.specials["eos_token"] == "<|endoftext|>"
    assert vocabulary.id_of("<|endoftext|>") == 0


@pytest.mark.parametrize("kind", ["wordpiece", "cased", "gpt2", "roberta"])
def test_numbers_and_places_are_those_of_transformers(tmp_path, kind):
    transformers = pytest.importorskip("transformers")
    texts = ["cat cat", " cat", "é!", "hat\ncat  cat", "a <mask> cat"]
    if kind == "gpt2":
        byte_pairs(tmp_path, specials=["<|endoftext|>"])
        theirs = transformers.GPT2Tokenizer.from_pretrained(tmp_path)
    elif kind == "roberta":
        byte_pairs(tmp_path, specials=BYTES)
        theirs = transformers.RobertaTokenizer.from_pretrained(tmp_path)
    else:
        texts = TEXTS
        wordpiece(tmp_path, do_lower_case=kind == "wordpiece")
        theirs = transformers.BertTokenizer.from_pretrained(tmp_path)
    found = load_vocabulary(tmp_path).encode(texts)
    for row, text in enumerate(texts):
        wanted = theirs(text, return_offsets_mapping=True)
        kept = found.keep_NT[row]
        assert found.ids_NT[row][kept].tolist() == wanted["input_ids"]
        assert found.offsets_NT2[row][kept].tolist() == [list(each) for each in wanted["offset_mapping"]]


def test_tokenizer_json_counts_most_and_its_own_cutting_and_padding_are_not_heeded(tmp_path):
    from tokenizers import Tokenizer

    vocabulary = load_vocabulary(wordpiece(tmp_path))
    saved = Tokenizer.from_str(vocabulary._tokenizer.to_str())
    saved.enable_truncation(3)
    saved.enable_padding(length=40)
    saved.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "vocab.txt").write_text("nonsense")
    (tmp_path / "special_tokens_map.json").write_text(json.dumps({"pad_token": {"content": "[MASK]"}}))
    found = load_vocabulary(tmp_path)
    assert found.encode(TEXTS).keep_NT.sum(1).tolist() == vocabulary.encode(TEXTS).keep_NT.sum(1).tolist()
    assert found.pad_id == 4


def test_no_text_at_all_gives_empty_arrays(tmp_path):
    found = load_vocabulary(wordpiece(tmp_path)).encode([])
    assert (found.ids_NT.shape, found.offsets_NT2.shape) == ((0, 0), (0, 0, 2))


@pytest.mark.parametrize("value", [None, 3.5, float("nan"), b"a"])
def test_a_value_that_is_no_text_is_named_with_its_row(tmp_path, value):
    with pytest.raises(DataError, match="text 2: expected a text, received"):
        load_vocabulary(wordpiece(tmp_path)).encode(["a", value])


def test_pairs_of_another_number_and_unknown_tokens_are_refused(tmp_path):
    vocabulary = load_vocabulary(wordpiece(tmp_path))
    with pytest.raises(DataError, match="received 2 texts and 1 pairs"):
        vocabulary.encode(["a", "a"], ["a"])
    with pytest.raises(DataError, match="no token '<s>'"):
        vocabulary.id_of("<s>")


def test_a_folder_without_or_with_a_broken_vocabulary_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match="holds no vocabulary"):
        load_vocabulary(tmp_path)
    byte_pairs(tmp_path, specials=["<|endoftext|>"])
    (tmp_path / "merges.txt").unlink()
    with pytest.raises(ArtifactError, match=r"merges\.txt: there is no such file"):
        load_vocabulary(tmp_path)
    (tmp_path / "vocab.txt").write_text("a\nb\n")
    with pytest.raises(ArtifactError, match=r"has no line \[UNK\], \[CLS\], \[SEP\]"):
        load_vocabulary(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ArtifactError, match=r"tokenizer\.json: not a readable tokenizer"):
        load_vocabulary(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text("{")
    with pytest.raises(ArtifactError, match=r"tokenizer_config\.json: not readable as JSON"):
        load_vocabulary(tmp_path)


def test_without_the_library_the_extra_is_named(tmp_path, monkeypatch):
    true = builtins.__import__

    def missing(name, *rest, **more):
        if name == "tokenizers":
            raise ImportError(name)
        return true(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ExtraError, match=r'pip install "deepfit\[text\]"'):
        load_vocabulary(tmp_path)
