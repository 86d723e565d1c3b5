"""A vocabulary of word pieces, learned from the training texts.

Byte-pair encoding over bytes, so that every text can be written, emoji and unseen words too (Sennrich et al.
2016, arXiv 1508.07909; over bytes: Radford et al. 2019, section 2.2). The `tokenizers` library does the work.
"""

from __future__ import annotations

from collections.abc import Iterable

from deepfit.data.tokens import Vocabulary
from deepfit.errors import ExtraError

SPECIALS = {
    "pad_token": "[PAD]",
    "unk_token": "[UNK]",
    "cls_token": "[CLS]",
    "sep_token": "[SEP]",
    "mask_token": "[MASK]",
}


def learn_vocabulary(
    texts: Iterable[str], *, size: int = 8192, lower: bool = True, least: int = 2
) -> Vocabulary:
    """At most `size` pieces: the bytes, and the pairs that occur together most often, at least `least` times.

    Encoded texts begin with [CLS] and end with [SEP]. lower: letters are lower-cased and accents composed
    (NFKC) first; otherwise they are only composed. The same texts give the same vocabulary.
    """
    try:
        from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    except ImportError:
        raise ExtraError('texts need the tokenizers library: pip install "deepfit[text]"') from None
    tokenizer = Tokenizer(models.BPE())
    steps = [normalizers.NFKC(), *([normalizers.Lowercase()] if lower else [])]
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        min_frequency=least,
        special_tokens=list(SPECIALS.values()),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    first, last = SPECIALS["cls_token"], SPECIALS["sep_token"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{first} $A {last}",
        pair=f"{first} $A {last} $B:1 {last}:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in (first, last)],
    )
    return Vocabulary(tokenizer, SPECIALS, longest=None)
