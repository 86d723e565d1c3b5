"""The bends between layers, by the names of `deepfit.vocabulary`.

Each is a function of a tensor of any shape, element by element; softmax alone looks along an axis. Gradients
are PyTorch's own. Without a bend between them, two linear layers are one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from deepfit.errors import suggest
from deepfit.vocabulary import OTHER_NAMES

Activation = Callable[[Tensor], Tensor]


def activation(name: str, *, axis: int = -1, fresh: bool = False) -> Activation:
    """The function of this name; ValueError with a suggestion for one that is not in the table.

    axis: the axis of the features, along which softmax adds up to 1: the last one of tables, 1 of pictures.
    fresh: the caller promises that nothing else reads the tensor that it will pass, so relu may overwrite it,
    which saves memory and time.
    """
    if name not in ACTIVATIONS:
        known = OTHER_NAMES.get(name)
        hint = f"It is called '{known}' here." if known in ACTIVATIONS else suggest(name, ACTIVATIONS)
        raise ValueError(f"there is no activation '{name}'. {hint}")
    if name == "softmax":
        return partial(softmax, axis=axis)
    return relu_ if name == "relu" and fresh else ACTIVATIONS[name]


def linear(x: Tensor) -> Tensor:
    """No bend: x itself."""
    return x


def tanh(x: Tensor) -> Tensor:
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x)), between -1 and 1."""
    return torch.tanh(x)


def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + exp(-x)), between 0 and 1."""
    return torch.sigmoid(x)


def relu(x: Tensor) -> Tensor:
    """max(0, x); its derivative at 0 counts as 0. Source: Nair and Hinton 2010, ICML, section 2."""
    return functional.relu(x)


def relu_(x: Tensor) -> Tensor:
    """relu, written over x."""
    return x.relu_()


def leaky_relu(x: Tensor) -> Tensor:
    """Above 0 x, below 0.01 x. Source: Maas, Hannun, Ng 2013, ICML workshop on audio and speech."""
    return functional.leaky_relu(x, 0.01)


def elu(x: Tensor) -> Tensor:
    """Above 0 x, below exp(x) - 1. Source: Clevert et al. 2015, arXiv 1511.07289, with alpha 1."""
    return functional.elu(x)


def selu(x: Tensor) -> Tensor:
    """1.0507 x above 0, 1.0507 * 1.6733 (exp(x) - 1) below.

    With weights of variance 1 / inputs, layers keep mean 0 and variance 1. Source: Klambauer et al. 2017,
    arXiv 1706.02515, eq. 2 and 14.
    """
    return functional.selu(x)


def gelu(x: Tensor) -> Tensor:
    """The product x Phi(x), Phi the normal distribution function, exact.

    Source: Hendrycks and Gimpel 2016, arXiv 1606.08415. Differs: not its approximation by tanh, as in GPT-2.
    """
    return functional.gelu(x)


def swish(x: Tensor) -> Tensor:
    """The product x sigmoid(x), also called silu.

    Source: Ramachandran et al. 2017, arXiv 1710.05941, with beta 1.
    """
    return functional.silu(x)


def mish(x: Tensor) -> Tensor:
    """The product x tanh(log(1 + exp(x))). Source: Misra 2019, arXiv 1908.08681."""
    return functional.mish(x)


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x)); above 20 x itself, which differs by less than 3e-9.

    Source: Dugas et al. 2001, NeurIPS 13.
    """
    return functional.softplus(x)


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """exp(x) / sum(exp(x)) along an axis. Source: Bridle 1990, Neurocomputing, NATO ASI F68."""
    return torch.softmax(x, axis)


ACTIVATIONS: dict[str, Activation] = {
    "linear": linear,
    "tanh": tanh,
    "sigmoid": sigmoid,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "selu": selu,
    "gelu": gelu,
    "swish": swish,
    "mish": mish,
    "softplus": softplus,
    "softmax": softmax,
}
