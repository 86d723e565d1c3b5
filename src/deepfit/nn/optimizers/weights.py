"""The parameters of a network that are matrices which vectors pass through: some optimizers treat them apart.

Our networks and PyTorch's call such a parameter a weight (`weight`, `weight_ih_l0`, `weight_MFD`); scales,
biases, embeddings of numbers and their waves have other names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
EMBEDDINGS = (nn.Embedding, nn.EmbeddingBag)


@dataclass(frozen=True)
class Matrix:
    """A trained weight of at least two axes, both sides of its matrix longer than 1.

    flat: a kernel [out, in, ...] that is a matrix [out, in * ...]; otherwise the last two axes are the
    matrix and axes before them a batch: [members, in, out]. looked_up: the rows of an embedding.
    """

    parameter: nn.Parameter
    flat: bool
    looked_up: bool


def matrices(net: nn.Module) -> list[Matrix]:
    """All matrices, each once, in the order of the layers: a module's own come after those of its children.

    A weight that is shared by an embedding and the output layer (tied) counts as the output layer's place but
    as looked up.
    """
    found: dict[int, Matrix] = {}
    for module in _inside_out(net):
        for name, parameter in module.named_parameters(recurse=False):
            flat = isinstance(module, CONVOLUTIONS)
            sides = (parameter.shape[0], parameter[0].numel()) if flat else parameter.shape[-2:]
            if "weight" in name and parameter.requires_grad and parameter.ndim > 1 and min(sides) > 1:
                before = found.pop(id(parameter), None)
                looked_up = isinstance(module, EMBEDDINGS) or bool(before and before.looked_up)
                found[id(parameter)] = Matrix(parameter, flat, looked_up)
    return list(found.values())


def hidden_matrices(net: nn.Module) -> list[Matrix]:
    """The matrices without those of embeddings and of the output layer, which is the last one.

    Where the output layer has one output, its weight is no matrix and so is not among them anyway.
    """
    last = _last_weight(net)
    return [matrix for matrix in matrices(net) if not matrix.looked_up and matrix.parameter is not last]


def _last_weight(net: nn.Module) -> nn.Parameter | None:
    """The output layer's weight, whatever its shape: the last trained one of two axes or more."""
    last = None
    for module in _inside_out(net):
        for name, parameter in module.named_parameters(recurse=False):
            if "weight" in name and parameter.requires_grad and parameter.ndim > 1:
                last = parameter
    return last


def _inside_out(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        yield from _inside_out(child)
    yield module
