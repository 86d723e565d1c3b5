"""Batches of letters as codes: windows of long strings, the other strand, what an answer leans on."""

from __future__ import annotations

import torch
from torch import Tensor

from deepfit.nn.symbol_classifier import SymbolClassifier

# B batch, T letters, W letters of a window, F features of a letter, K classes


def crop(
    letters_BT: Tensor, lengths_B: Tensor | None, window: int, *, random: bool
) -> tuple[Tensor, Tensor | None]:
    """One window of each string that is longer, at a random place or from its first letter; others whole."""
    if letters_BT.shape[1] <= window or lengths_B is None:
        return letters_BT, lengths_B
    spare_B = (lengths_B - window).clamp(min=0)
    drawn_B = torch.rand(len(lengths_B), device=lengths_B.device) if random else torch.zeros_like(spare_B)
    starts_B = torch.minimum((drawn_B * (spare_B + 1)).long(), spare_B)
    places_BW = starts_B[:, None] + torch.arange(window, device=lengths_B.device)
    return letters_BT.gather(1, places_BW), lengths_B.clamp(max=window)


def other_strand(letters_BT: Tensor, lengths_B: Tensor | None, complements: Tensor) -> Tensor:
    """The reverse complement of each string, padding behind it as before; complements: by code, [codes]."""
    turned_BT = complements[letters_BT.long()]
    if lengths_B is None:
        return turned_BT.flip(1)
    places_BT = lengths_B[:, None] - 1 - torch.arange(letters_BT.shape[1], device=letters_BT.device)
    return torch.where(places_BT >= 0, turned_BT.gather(1, places_BT.clamp(min=0)), 0)


def saliency(
    net: SymbolClassifier, letters_BT: Tensor, lengths_B: Tensor | None, classes_B: Tensor
) -> Tensor:
    """How much each letter speaks for a class: gradient times input, BT.

    sum_f (g_tf - mean_f g_tf) x_tf, g the gradient of the class's logit less the mean logit; one-hot letters
    differ along no direction that changes all features alike, so that part of the gradient is noise. Of
    k-mers sum_f g_tf x_tf, in equal shares to their letters.
    Source: Simonyan et al. 2013, arXiv 1312.6034; the mean taken off, Majdandzic et al. 2023, Genome Biology
    24, 109.
    """
    ids_BS, steps_B = net.ids(letters_BT, lengths_B)
    with torch.enable_grad():
        x_BSF = net.look(ids_BS).detach().requires_grad_()
        logits_BK = net.read(x_BSF, steps_B)
        chosen_B = logits_BK.gather(1, classes_B[:, None])[:, 0] - logits_BK.mean(1)
        (g_BSF,) = torch.autograd.grad(chosen_B.sum(), x_BSF)
    if net.letters is None and not hasattr(net.body, "tokens"):
        return ((g_BSF - g_BSF.mean(2, keepdim=True)) * x_BSF.detach()).sum(2)
    said_BS = (g_BSF * x_BSF.detach()).sum(2)
    if net.k <= 1:
        return said_BS
    found_BT = said_BS.new_zeros(letters_BT.shape)
    for shift in range(min(net.k, letters_BT.shape[1])):
        found_BT[:, shift : shift + said_BS.shape[1]] += said_BS / net.k
    return found_BT
