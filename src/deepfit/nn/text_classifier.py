"""Networks that say something of a whole text: tokens to vectors, a body that reads them, one answer.

Letters: B batch, T tokens, W width of a token, D width of what the body says, O outputs.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepfit.nn.dropout import dropout
from deepfit.nn.nets.bag_of_pairs import BagOfPairs
from deepfit.nn.nets.gru import GRU
from deepfit.nn.nets.lstm import LSTM
from deepfit.nn.nets.temporal_cnn import TemporalCNN
from deepfit.nn.nets.transformer_encoder import TransformerEncoder
from deepfit.nn.sentence_encoder import max_of_tokens, mean_of_tokens

KERNEL, BLOCKS = 3, 2
HEADS, LAYERS = 4, 2
BAG_SHARE, BASE_BAG_SHARE = 0.7, 0.4
"""Of the linear part in what is said, beside a network from nothing (the least log loss on held-out training
rows of food reviews) and beside a published encoder (set, not searched for)."""


class TextClassifier(nn.Module):
    """Tokens to outputs, learned from nothing.

    outputs = W drop([norm(mean_t h), norm(max_t h), norm(mean_t e), norm(max_t e)]) + b, e the tokens'
    vectors, h what the body makes of them.

    Besides what the body makes of the order of the tokens, the answer sees them as they are, which on a few
    thousand texts carries most of what can be learned (fastText: Joulin et al. 2016, arXiv 1607.01759,
    section 2). Each part is normalised on its own, so that none drowns the others. body: lstm, gru (both in
    both directions), temporal_cnn (not causal) or transformer_encoder. longest: the most tokens of a text; of
    use to transformer_encoder alone. dropout: before the answer, and
    less of it before the body. token_dropout: the share of tokens that are hidden while training, whole
    vectors at a time (Iyyer et al. 2015, ACL, section 3). bag: a linear model that has been
    fitted before. While training only the rest speaks, so that each learns to answer alone, and afterwards
    BAG_SHARE bag + (1 - BAG_SHARE) rest does (averaging of models: Hansen and Salamon 1990, IEEE TPAMI 12).
    """

    def __init__(
        self,
        body: str,
        vocab_size: int,
        num_outputs: int,
        *,
        width: int = 128,
        longest: int = 256,
        dropout: float = 0.5,
        token_dropout: float = 0.2,
        bag: BagOfPairs | None = None,
    ) -> None:
        super().__init__()
        self.dropout, self.token_dropout = dropout, token_dropout
        self.bag, self.bag_share = bag, BAG_SHARE
        self.tokens = None if body == "transformer_encoder" else nn.Embedding(vocab_size, width)
        self.recurrent = body in ("lstm", "gru")
        self.body: nn.Module
        if body == "transformer_encoder":
            self.body = TransformerEncoder(
                vocab_size,
                width=width,
                layers=LAYERS,
                heads=HEADS,
                hidden=4 * width,
                positions=longest,
                types=0,
                pooled=False,
                dropout=min(dropout, 0.2),
            )
        elif body == "temporal_cnn":
            self.body = TemporalCNN(width, [width] * BLOCKS, kernel=KERNEL, dropout=0.2, causal=False)
        else:
            kind = {"lstm": LSTM, "gru": GRU}[body]
            self.body = kind(width, width // 2, bidirectional=True)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(4))
        self.answer = nn.Linear(4 * width, num_outputs)
        if self.tokens is not None:
            nn.init.normal_(self.tokens.weight, std=0.1)
        nn.init.normal_(self.answer.weight, std=0.02)
        nn.init.zeros_(self.answer.bias)

    @property
    def table(self) -> nn.Embedding:
        """The vectors of the tokens."""
        return self.body.tokens if self.tokens is None else self.tokens  # pyright: ignore[reportReturnType]  (an embedding)

    def forward(self, tokens_BT: Tensor, keep_BT: Tensor) -> Tensor:
        """BT -> BO. keep_BT: True for tokens, False for padding; a text has at least one token."""
        seen_BT = keep_BT
        if self.training and self.token_dropout:
            hidden_BT = torch.rand(keep_BT.shape, device=keep_BT.device) < self.token_dropout
            seen_BT = keep_BT & ~hidden_BT
        if self.tokens is None:
            e_BTW = self.table(tokens_BT)
            h_BTD = self.body(tokens_BT, seen_BT)
        else:
            e_BTW = dropout(self.tokens(tokens_BT), 0.6 * self.dropout, self.training)
            e_BTW = e_BTW * seen_BT.unsqueeze(2)
            h_BTD = self.body(e_BTW, keep_BT.sum(1))
            h_BTD = h_BTD[0] if self.recurrent else h_BTD
        pooled = [
            mean_of_tokens(h_BTD, keep_BT),
            max_of_tokens(h_BTD, keep_BT),
            mean_of_tokens(e_BTW, seen_BT),
            max_of_tokens(e_BTW, seen_BT),
        ]
        normed = [norm(part) for norm, part in zip(self.norms, pooled, strict=True)]
        said_BO = self.answer(dropout(torch.cat(normed, 1), self.dropout, self.training))
        return said_BO if self.training else _with_bag(said_BO, self, tokens_BT, keep_BT)


class EncoderClassifier(nn.Module):
    """A published encoder and one linear layer on the mean over its tokens: outputs = W drop(mean_t h) + b.

    Source: Devlin et al. 2018, arXiv 1810.04805, section 4.1. Differs: the mean over all tokens for the first
    one, which encoders of sentences are trained with, and which needs no pretrained pooler. bag: as in
    TextClassifier, with a share of BASE_BAG_SHARE.
    """

    def __init__(
        self,
        encoder: TransformerEncoder,
        num_outputs: int,
        *,
        dropout: float = 0.1,
        bag: BagOfPairs | None = None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        encoder.pooler = None
        self.dropout = dropout
        self.bag, self.bag_share = bag, BASE_BAG_SHARE
        self.answer = nn.Linear(encoder.norm.normalized_shape[0], num_outputs)
        nn.init.normal_(self.answer.weight, std=0.02)
        nn.init.zeros_(self.answer.bias)

    @property
    def table(self) -> nn.Embedding:
        """The vectors of the tokens."""
        return self.encoder.tokens

    def forward(self, tokens_BT: Tensor, keep_BT: Tensor) -> Tensor:
        """BT -> BO. keep_BT: True for tokens, False for padding."""
        pooled_BD = mean_of_tokens(self.encoder(tokens_BT, keep_BT), keep_BT)
        said_BO = self.answer(functional.dropout(pooled_BD, self.dropout, self.training))
        return said_BO if self.training else _with_bag(said_BO, self, tokens_BT, keep_BT)


def _with_bag(
    said_BO: Tensor, net: TextClassifier | EncoderClassifier, tokens_BT: Tensor, keep_BT: Tensor
) -> Tensor:
    """What is said, with the share of the linear part where there is one."""
    if net.bag is None:
        return said_BO
    return net.bag_share * net.bag(tokens_BT, keep_BT) + (1 - net.bag_share) * said_BO
