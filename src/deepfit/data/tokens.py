"""Texts as numbers of tokens, by the vocabulary of a published model.

The work is done by the `tokenizers` library; here is what a folder's files mean, and the arrays of a batch.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from deepfit.data.ragged import Ragged
from deepfit.errors import ArtifactError, DataError, ExtraError

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True)
class Encoded:
    """Texts as arrays, N texts of T tokens, padded on the right.

    ids_NT int32; keep_NT bool, False for padding; types_NT int32, 0 and 1 for the two texts of a pair;
    offsets_NT2 int32, where in the text a token begins and ends, in characters, (0, 0) for what is not in it.
    """

    ids_NT: np.ndarray
    keep_NT: np.ndarray
    types_NT: np.ndarray
    offsets_NT2: np.ndarray


class Vocabulary:
    """A tokenizer, and the tokens that stand for more than text.

    specials: "pad_token", "mask_token", "eos_token", ... -> the token. pad_id is 0 where a model has no token
    for padding (GPT-2); only keep_NT tells it apart then.
    """

    def __init__(self, tokenizer: Tokenizer, specials: Mapping[str, str], *, longest: int | None) -> None:
        tokenizer.no_padding()
        if longest is None:
            tokenizer.no_truncation()
        else:
            tokenizer.enable_truncation(longest)
        self._tokenizer = tokenizer
        self.specials = dict(specials)
        self.longest = longest
        self.pad_id = self.id_of(specials["pad_token"]) if "pad_token" in specials else 0

    def __len__(self) -> int:
        return self._tokenizer.get_vocab_size()

    @classmethod
    def from_json(cls, text: str) -> Vocabulary:
        """What `to_json` wrote."""
        from tokenizers import Tokenizer

        content = json.loads(text)
        tokenizer = Tokenizer.from_str(json.dumps(content["tokenizer"]))
        return cls(tokenizer, content["specials"], longest=content["longest"])

    def to_json(self) -> str:
        """All of it as one text, for the facts of a task: an artifact needs no other file."""
        tokenizer = json.loads(self._tokenizer.to_str())
        return json.dumps({"tokenizer": tokenizer, "specials": self.specials, "longest": self.longest})

    def tokens(self, ids: Iterable[int]) -> list[str]:
        """How each number is written in the vocabulary."""
        return [self._tokenizer.id_to_token(int(number)) or "" for number in ids]

    def encode_ragged(self, texts: Sequence[str], *, specials: bool = True) -> tuple[Ragged, Ragged]:
        """Numbers of the tokens int32, and where each begins and ends int32 [items, 2], in characters.

        Not padded, and cut only where the vocabulary has a `longest`. specials: with the tokens that the
        model expects around a text.
        """
        found = self._tokenizer.encode_batch(list(texts), add_special_tokens=specials)
        ids = Ragged.of((each.ids for each in found), np.int32)
        offsets = [each.offsets for each in found if each.ids]
        spans = np.concatenate(offsets).astype(np.int32) if offsets else np.empty((0, 2), np.int32)
        return ids, Ragged(spans, ids.starts)

    def id_of(self, token: str) -> int:
        """The number of a token; DataError where there is none such."""
        number = self._tokenizer.token_to_id(token)
        if number is None:
            raise DataError(f"the vocabulary has no token {token!r}.")
        return number

    def encode(self, texts: Sequence[str], pairs: Sequence[str] | None = None) -> Encoded:
        """Every text, or text and its pair, with the tokens that the model expects around it.

        Those longer than `longest` tokens are cut, of a pair the longer one first.
        """
        for name, column in (("text", texts), ("pair", pairs or ())):
            for row, value in enumerate(column):
                if not isinstance(value, str):
                    raise DataError(
                        f"{name} {row + 1}: expected a text, received {value!r}. Write a missing one as an"
                        " empty text."
                    )
        if pairs is not None and len(pairs) != len(texts):
            raise DataError(f"received {len(texts)} texts and {len(pairs)} pairs; each text needs one.")
        inputs = list(texts) if pairs is None else list(zip(texts, pairs, strict=True))
        found = self._tokenizer.encode_batch(inputs)
        lengths = np.array([len(each.ids) for each in found], dtype=np.int64)
        shape = (len(found), int(lengths.max(initial=0)))
        keep_NT = np.arange(shape[1]) < lengths[:, None]
        ids_NT = np.full(shape, self.pad_id, np.int32)
        types_NT = np.zeros(shape, np.int32)
        offsets_NT2 = np.zeros((*shape, 2), np.int32)
        if keep_NT.any():
            ids_NT[keep_NT] = np.concatenate([each.ids for each in found])
            types_NT[keep_NT] = np.concatenate([each.type_ids for each in found])
            offsets_NT2[keep_NT] = np.concatenate([each.offsets for each in found if each.ids])
        return Encoded(ids_NT, keep_NT, types_NT, offsets_NT2)

    def decode(self, ids: Iterable[Iterable[int]], *, keep_specials: bool = False) -> list[str]:
        """The texts of rows of numbers; without special tokens, unless they are to be kept."""
        rows = [[int(number) for number in row] for row in ids]
        return self._tokenizer.decode_batch(rows, skip_special_tokens=not keep_specials)


def load_vocabulary(folder: str | Path, *, longest: int | None = None) -> Vocabulary:
    """The vocabulary of a local Hugging Face folder.

    tokenizer.json where there is one, else vocab.txt (WordPiece; lower-cased unless tokenizer_config.json
    says do_lower_case: false), else vocab.json and merges.txt (byte-level pairs, as in GPT-2 and RoBERTa).
    longest: tokens beyond are cut; what the files themselves say of cutting and padding is not heeded.
    ArtifactError where the folder holds none of these or they cannot be read; ExtraError where the library is
    not installed.
    """
    try:
        import tokenizers  # noqa: F401
    except ImportError:
        raise ExtraError('texts need the tokenizers library: pip install "deepfit[text]"') from None
    folder = Path(folder)
    config = _config(folder)
    specials = _specials(folder, config)
    whole, words, bytes_ = folder / "tokenizer.json", folder / "vocab.txt", folder / "vocab.json"
    if whole.is_file():
        tokenizer = _whole(whole)
    elif words.is_file():
        specials = {
            "pad_token": "[PAD]",
            "unk_token": "[UNK]",
            "cls_token": "[CLS]",
            "sep_token": "[SEP]",
            "mask_token": "[MASK]",
            **specials,
        }
        tokenizer = _wordpiece(words, config, specials)
    elif bytes_.is_file():
        tokenizer, specials = _byte_pairs(bytes_, folder / "merges.txt", config, specials)
    else:
        raise ArtifactError(
            f"{folder}: holds no vocabulary: neither tokenizer.json, nor vocab.txt, nor vocab.json with"
            " merges.txt. Fetch it from where the weights are from."
        )
    known = {role: token for role, token in specials.items() if tokenizer.token_to_id(token) is not None}
    return Vocabulary(tokenizer, known, longest=longest)


def _whole(path: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise ArtifactError(f"{path}: not a readable tokenizer ({error}). Fetch it again.") from error


def _wordpiece(path: Path, config: Mapping[str, Any], specials: Mapping[str, str]) -> Tokenizer:
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    words = path.read_text("utf-8").split("\n")
    if words and not words[-1]:
        words.pop()
    vocabulary = {word.rstrip("\r"): number for number, word in enumerate(words)}
    unknown, first, between = (specials[role] for role in ("unk_token", "cls_token", "sep_token"))
    absent = [token for token in (unknown, first, between) if token not in vocabulary]
    if absent:
        raise ArtifactError(
            f"{path}: has no line {', '.join(absent)}, which a WordPiece vocabulary needs. Fetch it again, or"
            " name these tokens in tokenizer_config.json."
        )
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=unknown))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=config.get("tokenize_chinese_chars", True),
        strip_accents=config.get("strip_accents"),
        lowercase=config.get("do_lower_case", True),
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first}:0 $A:0 {between}:0",
        pair=f"{first}:0 $A:0 {between}:0 $B:1 {between}:1",
        special_tokens=[(token, vocabulary[token]) for token in (first, between)],
    )
    tokenizer.add_special_tokens(
        [
            AddedToken(token, normalized=False, special=True)
            for token in specials.values()
            if token in vocabulary
        ]
    )
    return tokenizer


def _byte_pairs(
    path: Path, merges: Path, config: Mapping[str, Any], specials: Mapping[str, str]
) -> tuple[Tokenizer, dict[str, str]]:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

    if not merges.is_file():
        raise ArtifactError(f"{merges}: there is no such file, and {path.name} is of no use without it.")
    try:
        vocabulary, pairs = models.BPE.read_file(str(path), str(merges))
    except Exception as error:  # the library raises nothing narrower
        raise ArtifactError(f"{path}: not a readable vocabulary ({error}). Fetch it again.") from error
    tokenizer = Tokenizer(models.BPE(vocabulary, pairs))
    spaced = config.get("add_prefix_space", False)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=spaced)
    tokenizer.decoder = decoders.ByteLevel()
    surrounded = "<s>" in vocabulary and "</s>" in vocabulary  # RoBERTa's, not GPT-2's
    if surrounded:
        usual = {
            "cls_token": "<s>", "sep_token": "</s>", "bos_token": "<s>", "eos_token": "</s>",
            "pad_token": "<pad>", "unk_token": "<unk>", "mask_token": "<mask>",
        }  # fmt: skip
    else:
        usual = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>"}
    specials = {**usual, **specials}
    if surrounded:
        first, between = specials["cls_token"], specials["sep_token"]
        tokenizer.post_processor = processors.RobertaProcessing(
            (between, vocabulary[between]),
            (first, vocabulary[first]),
            trim_offsets=True,
            add_prefix_space=spaced,
        )
    else:
        tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    tokenizer.add_special_tokens(
        [
            AddedToken(token, normalized=False, special=True, lstrip=role == "mask_token" and surrounded)
            for role, token in specials.items()
            if token in vocabulary
        ]
    )
    return tokenizer, specials


def _config(folder: Path) -> dict[str, Any]:
    """tokenizer_config.json, empty where there is none."""
    return _read(folder / "tokenizer_config.json")


def _specials(folder: Path, config: Mapping[str, Any]) -> dict[str, str]:
    """Role -> token; tokenizer_config.json counts more than special_tokens_map.json."""
    found = {}
    for content in (_read(folder / "special_tokens_map.json"), config):
        for role, value in content.items():
            token = value.get("content") if isinstance(value, Mapping) else value
            if role.endswith("_token") and isinstance(token, str):
                found[role] = token
    return found


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text("utf-8")))
    except ValueError as error:
        raise ArtifactError(f"{path}: not readable as JSON ({error}). Fetch it again.") from error
