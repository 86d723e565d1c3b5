"""The loss of a labelling whose places in a longer sequence are not known."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

# N items, T steps of the input, L labels of the longest target, C classes with the blank


def ctc(
    logits_NTC: Tensor, target_NL: Tensor, steps_N: Tensor, labels_N: Tensor, *, blank: int = 0
) -> Tensor:
    """sum_n -log sum over alignments of prod_t softmax(logits_nt)[label of the alignment at t].

    An alignment gives each step a label or the blank and reads as the target once repeats are merged and
    blanks dropped. target_NL: class numbers other than the blank, padded beyond labels_N with anything;
    steps_N and labels_N: the true lengths. Steps beyond steps_N get no gradient. An item whose target fits
    into no alignment (more labels, and repeats to part, than steps) adds 0 and gets no gradient; leave it out
    of the count. Returns a scalar.
    Source: Graves et al. 2006, ICML, section 4. Differs: batch first, from logits, softmax in float32.
    """
    kept_NL = torch.arange(target_NL.shape[1], device=target_NL.device) < labels_N.unsqueeze(1)
    flat = target_NL[kept_NL]  # one after the other, as PyTorch's kernel likes them, so padding is never read
    wide = torch.promote_types(logits_NTC.dtype, torch.float32)
    log_p_TNC = logits_NTC.log_softmax(-1, dtype=wide).transpose(0, 1)
    return functional.ctc_loss(
        log_p_TNC, flat, steps_N, labels_N, blank=blank, reduction="sum", zero_infinity=True
    )
