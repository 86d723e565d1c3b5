"""Spectral normalisation: a layer whose weight is divided by its largest singular value.

It bounds how fast a discriminator can change, which is what keeps the game of two networks in balance.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

# O outputs, I inputs times kernel

FIRST_ITERATIONS = 15
TINY = 1e-12


class Spectral(nn.Module):
    """A linear layer or convolution with weight W / sigma(W), W seen as a matrix OI.

    sigma = u' W v, with u and v kept from call to call and brought nearer to the singular vectors by one
    power iteration, u <- W v / |W v|, v <- W' u / |W' u|, at each call in training. Gradients reach W through
    sigma too.  Source: Miyato et al. 2018, arXiv 1802.05957, algorithm 1.
    """

    u_O: Tensor
    v_I: Tensor

    def __init__(self, layer: nn.Linear | nn.Conv2d) -> None:
        super().__init__()
        self.layer = layer
        with torch.no_grad():
            weight_OI = layer.weight.flatten(1)
            self.register_buffer("u_O", _unit(torch.randn_like(weight_OI[:, 0])))
            self.register_buffer("v_I", _unit(torch.randn_like(weight_OI[0])))
            for _ in range(FIRST_ITERATIONS):
                self._iterate(weight_OI)

    def weight(self) -> Tensor:
        """W / sigma(W) in the shape of W."""
        weight_OI = self.layer.weight.flatten(1)
        if self.training:
            self._iterate(weight_OI)
        # clones: the next call changes the vectors while a backward pass may still need these
        u_O, v_I = self.u_O.clone(), self.v_I.clone()
        return self.layer.weight / torch.dot(u_O, torch.mv(weight_OI, v_I))

    def forward(self, x: Tensor) -> Tensor:
        """Return what the layer makes of x with its normalised weight."""
        layer = self.layer
        if isinstance(layer, nn.Conv2d):
            return functional.conv2d(x, self.weight(), layer.bias, layer.stride, layer.padding)
        return functional.linear(x, self.weight(), layer.bias)

    @torch.no_grad()
    def _iterate(self, weight_OI: Tensor) -> None:
        self.u_O.copy_(_unit(torch.mv(weight_OI, self.v_I)))
        self.v_I.copy_(_unit(torch.mv(weight_OI.t(), self.u_O)))


def _unit(vector: Tensor) -> Tensor:
    return functional.normalize(vector, dim=0, eps=TINY)


def bounded(layer: nn.Linear | nn.Conv2d, spectral: bool) -> nn.Module:
    """The layer, with spectral normalisation where that is asked for."""
    return Spectral(layer) if spectral else layer
