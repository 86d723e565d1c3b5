"""Which tokens and which pairs of neighbouring tokens a text holds, and a weight for each: a linear model.

Source: Wang and Manning 2012, "Baselines and Bigrams", ACL, section 2.3 (presence, not counts, of words and
pairs). Differs: rows have length 1; only pairs that training texts hold have a weight, found by their number,
so nothing is hashed and no two share one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

# B batch, T tokens, N = 2 T - 1 tokens and pairs, V vocabulary, P known pairs, F = V + P + 1 features,
# O outputs


class BagOfPairs(nn.Module):
    """b + sum_f x_f w_f, x_f = 1 / sqrt(number of different features in the text) for those that it holds.

    pairs: left * V + right of each known pair, ascending; others count for nothing. A text of no token gives
    b. Weights and b are buffers: they are fitted at once (`plans.bag_of_pairs`), not by steps.
    """

    keys_P: Tensor
    weights_FO: Tensor
    bias_O: Tensor

    def __init__(self, vocab_size: int, num_outputs: int, *, pairs: Sequence[int]) -> None:
        super().__init__()
        self.vocab_size, self.nothing = vocab_size, vocab_size + len(pairs)
        keys = torch.tensor(
            [*pairs, torch.iinfo(torch.int64).max]
        )  # the last is no pair's: searches end there
        self.register_buffer("keys_P", keys, persistent=False)
        self.register_buffer("weights_FO", torch.zeros(self.nothing + 1, num_outputs))
        self.register_buffer("bias_O", torch.zeros(num_outputs))

    def forward(self, tokens_BT: Tensor, keep_BT: Tensor) -> Tensor:
        """BT -> BO. keep_BT: False for padding, which is in no pair either."""
        features_BN, x_BN = self.features(tokens_BT, keep_BT)
        x_BN = x_BN.to(self.weights_FO.dtype)
        weighted = functional.embedding_bag(features_BN, self.weights_FO, per_sample_weights=x_BN, mode="sum")
        return weighted + self.bias_O

    def features(self, tokens_BT: Tensor, keep_BT: Tensor) -> tuple[Tensor, Tensor]:
        """The features at each token, then at each pair, BN, and what each adds to x there, BN float32.

        A feature that is there several times adds an equal part of its x each time. `nothing`, where there is
        no feature, adds 0.
        """
        tokens_BT = tokens_BT.long()
        keys = tokens_BT[:, :-1] * self.vocab_size + tokens_BT[:, 1:]
        places = torch.searchsorted(self.keys_P, keys)
        known = (self.keys_P[places] == keys) & keep_BT[:, :-1] & keep_BT[:, 1:]
        singles = torch.where(keep_BT, tokens_BT, self.nothing)
        features_BN = torch.cat([singles, torch.where(known, self.vocab_size + places, self.nothing)], 1)
        ordered = features_BN.sort(1).values
        times_BN = torch.searchsorted(ordered, features_BN, right=True)
        times_BN = times_BN - torch.searchsorted(ordered, features_BN)
        shares_BN = (features_BN != self.nothing) / times_BN
        return features_BN, shares_BN / shares_BN.sum(1, keepdim=True).clamp(min=1).sqrt()
