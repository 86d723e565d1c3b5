"""Strings of letters to the logits of classes: letters to vectors, a network over them, and a head.

Letters are one-hot vectors from a fixed table, or k-mers, every k letters in a row, with learned vectors. The
head reads what the network found somewhere (the maximum and the mean over the steps); where all strings have
one length, also what stands where.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepfit.nn.nets.danq import DanQ
from deepfit.nn.nets.gru import GRU
from deepfit.nn.nets.lstm import LSTM
from deepfit.nn.nets.temporal_cnn import TemporalCNN
from deepfit.nn.nets.transformer_encoder import TransformerEncoder
from deepfit.nn.recurrent import pooled, valid

# B batch, T letters (k-mers), F features of a letter, S steps of the network, D width, H hidden, K classes

KMER_WIDTH = 16
HIDDEN = 64


class SymbolClassifier(nn.Module):
    """Codes letters_BT (0 is padding) to logits_BK.

    vectors: [codes][features], what each code looks like; k: letters of a k-mer, 0 for one-hot, with kmers of
    them in all; network: danq, lstm, gru, temporal_cnn or transformer_encoder; longest: of the strings;
    length: of all strings, where positions are read, else None; dropout: between layers; hidden: share of the
    letters that training hides.

    Where positions are read, x is first scaled position by position with g, and
    logits = W_2 drop(relu(W_1 outputs + W_x x + W_p pooled)) + W_s x. Weight decay on g and on the weights
    behind it shrinks a position as a whole, like a group lasso, so the few that matter are found among many.
    Source: g and the decay, Hoff 2017, arXiv 1611.00903; the direct way W_s, Cheng et al. 2016, arXiv
    1606.07792 (wide and deep).
    """

    table: Tensor

    def __init__(
        self,
        vectors: list[list[float]],
        num_classes: int,
        *,
        network: str = "danq",
        k: int = 0,
        kmers: int = 0,
        longest: int = 60,
        length: int | None = None,
        dropout: float = 0.5,
        hidden: float = 0.3,
    ) -> None:
        super().__init__()
        self.network, self.k = network, k
        self.dropout, self.hidden = dropout, hidden
        self.num_letters = round(kmers ** (1 / k)) if k else 0
        self.register_buffer("table", torch.tensor(vectors, dtype=torch.float32), persistent=False)
        codes, features = (1 + kmers, KMER_WIDTH) if k else self.table.shape
        steps = max(1, (length or 0) - max(k - 1, 0))
        if network == "transformer_encoder":
            width = features = 64
            most = max(1, longest - max(k - 1, 0))
            shape: dict[str, Any] = {"width": width, "layers": 2, "heads": 4, "hidden": 128}
            self.body: nn.Module = TransformerEncoder(
                codes, **shape, positions=most, types=0, pooled=False, dropout=min(dropout, 0.2)
            )
            self.letters = None
        else:
            self.letters = nn.Embedding(codes, features) if k else None
            self.body, width = _body(network, features, longest=longest, dropout=dropout, small=bool(length))
        reads = 2 * width
        self.gate_1T1 = nn.Parameter(torch.ones(1, steps, 1)) if length else None
        self.direct = nn.Linear(steps * features, num_classes) if length else None
        if length:
            reads += -(-steps // self.body.pool if isinstance(self.body, DanQ) else -steps) * width
            reads += steps * features
        self.first = nn.Linear(reads, HIDDEN)
        self.second = nn.Linear(HIDDEN, num_classes)

    def forward(self, letters_BT: Tensor, lengths_B: Tensor | None = None) -> Tensor:
        """BT, and the letters of each string where they differ -> BK."""
        ids_BT, lengths_B = self.ids(letters_BT, lengths_B)
        return self.read(self.look(ids_BT), lengths_B)

    def ids(self, letters_BT: Tensor, lengths_B: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """What is looked up: the codes, or the numbers of the k-mers, 0 where a letter of one is not proper.

        A string of fewer than k letters has one k-mer that is not known.
        """
        letters_BT = letters_BT.long()
        if not self.k:
            return letters_BT, lengths_B
        if lengths_B is not None:
            letters_BT = letters_BT.masked_fill(~valid(lengths_B, letters_BT.shape[1]), 0)
        short = max(0, self.k - letters_BT.shape[1])
        parts = functional.pad(letters_BT, (0, short)).unfold(1, self.k, 1)
        proper = ((parts > 0) & (parts <= self.num_letters)).all(2)
        powers = self.num_letters ** torch.arange(self.k, device=parts.device)
        ids_BT = torch.where(proper, ((parts - 1) * powers).sum(2) + 1, 0)
        return ids_BT, None if lengths_B is None else (lengths_B - self.k + 1).clamp(min=1)

    def look(self, ids_BT: Tensor) -> Tensor:
        """The vectors of letters or k-mers: BTF."""
        if isinstance(self.body, TransformerEncoder):
            return self.body.tokens(ids_BT)
        return functional.embedding(ids_BT, self.table) if self.letters is None else self.letters(ids_BT)

    def read(self, x_BTF: Tensor, lengths_B: Tensor | None = None) -> Tensor:
        """BTF -> BK."""
        if self.training and self.hidden:
            seen = torch.rand(x_BTF.shape[:2], device=x_BTF.device) >= self.hidden
            x_BTF = x_BTF * seen.unsqueeze(2)
        if self.gate_1T1 is not None:
            x_BTF = x_BTF * self.gate_1T1
        found_BSD, steps_B = self.found(x_BTF, lengths_B)
        found_BSD = functional.dropout(found_BSD, self.dropout, self.training)
        parts = [pooled(found_BSD, steps_B, "max"), pooled(found_BSD, steps_B, "mean")]
        if self.direct is not None:
            parts += [found_BSD.flatten(1), x_BTF.flatten(1)]
        h_BH = functional.dropout(self.first(torch.cat(parts, 1)).relu(), self.dropout, self.training)
        logits_BK = self.second(h_BH)
        return logits_BK if self.direct is None else logits_BK + self.direct(x_BTF.flatten(1))

    def found(self, x_BTF: Tensor, lengths_B: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """What the network says at its steps, BSD, and how many of these each string has."""
        if isinstance(self.body, DanQ):
            return self.body(x_BTF, lengths_B), self.body.steps(lengths_B)
        if isinstance(self.body, TransformerEncoder):
            keep_BT = None if lengths_B is None else valid(lengths_B, x_BTF.shape[1])
            return self.body(x_BTF, keep_BT), lengths_B
        said = self.body(x_BTF, lengths_B)  # recurrent networks give their state, too
        return (said[0] if isinstance(said, tuple) else said), lengths_B


def _body(network: str, features: int, *, longest: int, dropout: float, small: bool) -> tuple[nn.Module, int]:
    """The network of this name, and the width of what it says."""
    if network == "danq":
        pool = 3 if longest <= 256 else 5 if longest <= 1024 else 13
        filters, kernel, width = (32, 9, 16) if small else (64, 13, 32)
        shape: dict[str, Any] = {"filters": filters, "kernel": kernel, "width": width, "direct": not small}
        return DanQ(features, **shape, pool=pool, dropout=dropout), 2 * width + filters * (not small)
    if network == "temporal_cnn":
        blocks = min(8, max(2, (longest // 4).bit_length() - 1))
        return TemporalCNN(features, (32,) * blocks, dropout=dropout / 2, causal=False), 32
    kind = {"lstm": LSTM, "gru": GRU}[network]
    return kind(features, 32, bidirectional=True), 64
