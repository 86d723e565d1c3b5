"""A linear-chain conditional random field: a score for each tag after each other one, beside those of words.

p(y | x) = exp(s(y)) / sum over y' of exp(s(y')),   s(y) = a[y_1] + sum_t scores_t[y_t] + sum_t A[y_t, y_t+1]
+ e[y_T]

Source: Lafferty, McCallum and Pereira 2001, ICML; above a recurrent network: Huang et al. 2015, arXiv
1508.01991. Letters: B batch, T words, C tags.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

NEVER = -1e4
"""The score of a step that is not allowed: nothing beside any other, yet finite."""


class CRF(nn.Module):
    """The chain's own scores: A, a and e, which start at zero.

    allowed: bool [tags + 1, tags], whether a tag may follow another, in the last row whether it may begin;
    None allows everything. Every sequence has a word at least, and its padding behind it.
    """

    fence: Tensor

    def __init__(self, num_tags: int, allowed: np.ndarray | None = None) -> None:
        super().__init__()
        self.steps_CC = nn.Parameter(torch.zeros(num_tags, num_tags))
        self.begin_C = nn.Parameter(torch.zeros(num_tags))
        self.end_C = nn.Parameter(torch.zeros(num_tags))
        fence = torch.zeros(num_tags + 1, num_tags)
        if allowed is not None:
            fence[~torch.from_numpy(allowed)] = NEVER
        self.register_buffer("fence", fence, persistent=False)

    def forward(self, scores_BTC: Tensor, tags_BT: Tensor, keep_BT: Tensor) -> Tensor:
        """The tags' log p, B."""
        return self.path_score(scores_BTC, tags_BT, keep_BT) - self.log_partition(scores_BTC, keep_BT)

    def path_score(self, scores_BTC: Tensor, tags_BT: Tensor, keep_BT: Tensor) -> Tensor:
        """s(y), B."""
        said_BT = scores_BTC.gather(2, tags_BT[:, :, None]).squeeze(2) * keep_BT
        steps_BT = self.steps[tags_BT[:, :-1], tags_BT[:, 1:]] * keep_BT[:, 1:]
        last_B = tags_BT.gather(1, keep_BT.sum(1, keepdim=True) - 1).squeeze(1)
        return said_BT.sum(1) + steps_BT.sum(1) + self.begin[tags_BT[:, 0]] + self.end_C[last_B]

    def log_partition(self, scores_BTC: Tensor, keep_BT: Tensor) -> Tensor:
        """The log of the sum of exp(s) over all ways to tag, B."""
        return (self._forwards(scores_BTC, keep_BT)[-1] + self.end_C).logsumexp(1)

    def log_marginals(self, scores_BTC: Tensor, keep_BT: Tensor) -> Tensor:
        """The log p(y_t = c | x) of each word, BTC; zeros for padding.

        By the forward and the backward pass. Source: Rabiner 1989, Proceedings of the IEEE 77(2), eq. 27.
        """
        forwards = self._forwards(scores_BTC, keep_BT)
        behind_BC, steps_CC = self.end_C.expand_as(forwards[-1]), self.steps
        behind = [behind_BC]
        for word in range(scores_BTC.shape[1] - 1, 0, -1):
            ahead_BC = behind_BC + scores_BTC[:, word]
            stepped_BC = (ahead_BC[:, None, :] + steps_CC).logsumexp(2)
            behind_BC = torch.where(keep_BT[:, word, None], stepped_BC, behind_BC)
            behind.append(behind_BC)
        both_BTC = torch.stack(forwards, 1) + torch.stack(behind[::-1], 1)
        return both_BTC.log_softmax(2).masked_fill(~keep_BT[:, :, None], 0.0)

    @property
    def steps(self) -> Tensor:
        """A, with what is not allowed far below, CC."""
        return self.steps_CC + self.fence[:-1]

    @property
    def begin(self) -> Tensor:
        """a, likewise, C."""
        return self.begin_C + self.fence[-1]

    def _forwards(self, scores_BTC: Tensor, keep_BT: Tensor) -> list[Tensor]:
        """For each word, the log of the sum over all ways to its tags, BC; padding keeps the last."""
        first_BC, *scores = scores_BTC.unbind(1)  # one backward for all, where slices would fill T zeros each
        reached_BC, steps_CC = self.begin + first_BC, self.steps
        found = [reached_BC]
        for scores_BC, keep_B in zip(scores, keep_BT.unbind(1)[1:], strict=True):
            stepped_BC = (reached_BC[:, :, None] + steps_CC).logsumexp(1) + scores_BC
            reached_BC = torch.where(keep_B[:, None], stepped_BC, reached_BC)
            found.append(reached_BC)
        return found
