"""Networks that give each word of a sentence scores for its tags.

`WordTagger` begins from nothing: a vector a word and one made of its letters, read in both directions by a
recurrent network (Huang et al. 2015, arXiv 1508.01991; letters: Ma and Hovy 2016, arXiv 1603.01354).
`PieceTagger` reads word pieces with a pretrained encoder and looks at the first piece of each word (Devlin et
al. 2018, arXiv 1810.04805, section 5.3); letters are added, since many encoders do not see capitals.

Letters: B batch, T words, W letters of a word, N words without padding, P pieces, C tags, D width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from deepfit.nn.crf import CRF
from deepfit.nn.dropout import dropout
from deepfit.nn.linear import Linear
from deepfit.nn.nets.gru import GRU
from deepfit.nn.nets.lstm import LSTM
from deepfit.nn.nets.transformer_encoder import TransformerEncoder
from deepfit.nn.recurrent import both_ways

UNKNOWN = 1
"""The number of every word that training did not have; 0 is padding."""

HEAD, TAIL = 4, 8
"""Letters at a word's beginning and end that are looked at in their places."""

OVERLAP = 0.25
"""Share of a window of pieces that the window before has read already."""


class Letters(nn.Module):
    """A vector a word from its letters: what occurs anywhere in it, and how it begins and ends.

    max over places of relu(convolution of width 3), beside relu(W [first 4 letters, last 8 letters]): the
    maximum finds what a word holds, the ends its inflection. Source of the first: Ma and Hovy 2016, arXiv
    1603.01354, section 2.1.
    """

    def __init__(self, num_letters: int, *, letter_width: int = 24, width: int = 96) -> None:
        super().__init__()
        self.vectors = nn.Embedding(num_letters, letter_width, padding_idx=0)
        self.anywhere = nn.Conv1d(letter_width, width, 3, padding=1)
        self.ends = Linear(letter_width * (HEAD + TAIL), width)
        self.num_features = 2 * width
        with torch.no_grad():
            nn.init.normal_(self.vectors.weight, std=0.3)
            self.vectors.weight[0] = 0

    def forward(self, letters_NW: Tensor) -> Tensor:
        """NW, zeros behind the letters -> features [N, num_features]."""
        vectors_NWD = self.vectors(letters_NW)
        anywhere = functional.relu(self.anywhere(vectors_NWD.transpose(1, 2))).amax(2)
        back_NL = (letters_NW > 0).sum(1, keepdim=True) - TAIL + torch.arange(TAIL, device=letters_NW.device)
        places = back_NL.clamp(min=0)[:, :, None].expand(-1, -1, vectors_NWD.shape[2])
        tail = vectors_NWD.gather(1, places) * (back_NL >= 0)[:, :, None]
        ends = functional.relu(self.ends(torch.cat([vectors_NWD[:, :HEAD], tail], 1).flatten(1)))
        return torch.cat([anywhere, ends], 1)


class WordTagger(nn.Module):
    """Words and their letters to scores of tags.

    word_rows: how often each word of the vocabulary occurs in training, [words], the first two for padding
    and the unknown word. In training a word that occurs n times is taken for unknown with the chance
    word_dropout / (word_dropout + n), so that letters and neighbours are learned for words to come. Source:
    Kiperwasser and Goldberg 2016, arXiv 1603.04351, section 5. allowed: as for `CRF`, which is there if
    chained.
    """

    chance: Tensor

    def __init__(
        self,
        word_rows: Sequence[int],
        num_letters: int,
        num_tags: int,
        *,
        network: Literal["lstm", "gru"] = "lstm",
        width: int = 192,
        layers: int = 1,
        word_width: int = 128,
        dropout: float = 0.33,
        word_dropout: float = 0.25,
        chained: bool = False,
        allowed: np.ndarray | None = None,
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.words = nn.Embedding(len(word_rows), word_width, padding_idx=0)
        self.letters = Letters(num_letters)
        kind = {"lstm": LSTM, "gru": GRU}[network]
        self.reader = kind(
            word_width + self.letters.num_features,
            width,
            layers=layers,
            dropout=dropout if layers > 1 else 0.0,
            bidirectional=True,
        )
        self.scores = Linear(2 * width, num_tags)
        self.chain = CRF(num_tags, allowed) if chained else None
        rows = torch.tensor(word_rows, dtype=torch.float32)
        chance = word_dropout / (word_dropout + rows) if word_dropout else torch.zeros_like(rows)
        chance[:2] = 0.0
        self.register_buffer("chance", chance, persistent=False)
        with torch.no_grad():
            nn.init.normal_(self.words.weight, std=0.1)
            self.words.weight[0] = 0

    def forward(self, words_BT: Tensor, keep_BT: Tensor, letters_BTW: Tensor) -> Tensor:
        """BT, BT (False for padding) and BTW -> scores_BTC."""
        if self.training:
            hidden_BT = torch.rand(words_BT.shape, device=words_BT.device) < self.chance[words_BT]
            words_BT = words_BT.masked_fill(hidden_BT, UNKNOWN)
        x_BTD = torch.cat([self.words(words_BT), spelled(self.letters, letters_BTW, keep_BT)], 2)
        x_BTD = both_ways(self.reader, dropout(x_BTD, self.dropout, self.training), keep_BT.sum(1))
        return self.scores(dropout(x_BTD, self.dropout, self.training))


class PieceTagger(nn.Module):
    """Word pieces, read by an encoder, and letters to scores of tags.

    Texts longer than the encoder's positions are read in windows that overlap by a quarter; a piece counts as
    the window in whose middle it is nearest sees it.
    """

    def __init__(
        self,
        encoder: TransformerEncoder,
        num_letters: int,
        num_tags: int,
        *,
        dropout: float = 0.1,
        chained: bool = False,
        allowed: np.ndarray | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = dropout
        self.letters = Letters(num_letters)
        width = encoder.tokens.embedding_dim
        self.scores = Linear(width + self.letters.num_features, num_tags)
        self.chain = CRF(num_tags, allowed) if chained else None

    def forward(
        self,
        pieces_BP: Tensor,
        piece_keep_BP: Tensor,
        firsts_BT: Tensor,
        keep_BT: Tensor,
        letters_BTW: Tensor,
    ) -> Tensor:
        """Pieces, where the first piece of each word is, and letters -> scores_BTC."""
        x_BPD = self.read(pieces_BP, piece_keep_BP)
        x_BTD = x_BPD.gather(1, firsts_BT[:, :, None].expand(-1, -1, x_BPD.shape[2]))
        x_BTD = torch.cat([x_BTD, spelled(self.letters, letters_BTW, keep_BT)], 2)
        return self.scores(dropout(x_BTD, self.dropout, self.training))

    def read(self, pieces_BP: Tensor, keep_BP: Tensor) -> Tensor:
        """BP -> BPD, in windows where the text is longer than the encoder's positions."""
        length, longest = pieces_BP.shape[1], self.encoder.longest
        if length <= longest:
            return self.encoder(pieces_BP, keep_BP)
        overlap = int(longest * OVERLAP)
        starts = [*range(0, length - longest, longest - overlap), length - longest]
        found = []
        for place, start in enumerate(starts):
            stop = start + longest
            seen_BPD = self.encoder(pieces_BP[:, start:stop], keep_BP[:, start:stop])
            # from the middle of what it shares with the window before to that with the next
            low = 0 if place == 0 else (start + starts[place - 1] + longest) // 2
            high = length if place == len(starts) - 1 else (starts[place + 1] + stop) // 2
            found.append(seen_BPD[:, low - start : high - start])
        return torch.cat(found, 1)


def spelled(letters: Letters, letters_BTW: Tensor, keep_BT: Tensor) -> Tensor:
    """The features of each word's letters, zeros for padding, BTD."""
    features_ND = letters(letters_BTW[keep_BT].int())
    out_BTD = features_ND.new_zeros(*keep_BT.shape, features_ND.shape[1])
    return out_BTD.masked_scatter(keep_BT[:, :, None], features_ND)


def crossentropy(
    scores_BTC: Tensor, tags_BT: Tensor, keep_BT: Tensor, label_smoothing: float = 0.0
) -> Tensor:
    """-log p of each word's tag, summed over the words."""
    return functional.cross_entropy(
        scores_BTC[keep_BT], tags_BT[keep_BT], reduction="sum", label_smoothing=label_smoothing
    )
