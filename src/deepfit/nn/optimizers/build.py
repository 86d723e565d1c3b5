"""From a name and a network to an optimizer: PyTorch's own, in fused form where there is one, or ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer

from deepfit.nn.optimizers.adam import Adam
from deepfit.nn.optimizers.classic import SGD, Adagrad, RMSprop
from deepfit.nn.optimizers.lamb import Lamb
from deepfit.nn.optimizers.muon import Muon
from deepfit.nn.optimizers.schedule_free import ScheduleFree
from deepfit.nn.optimizers.weights import hidden_matrices, matrices

Groups = list[dict[str, Any]]


@dataclass(frozen=True)
class Settings:
    """What an optimizer may ask for besides its parameters."""

    learning_rate: float
    momentum: float
    betas: tuple[float, float]


def build(
    name: str,
    net: nn.Module | Iterable[nn.Module],
    *,
    learning_rate: float,
    weight_decay: float = 0.0,
    momentum: float = 0.9,
    betas: tuple[float, float] = (0.9, 0.999),
) -> Optimizer:
    """An optimizer over all trained parameters of a network; `name` is one of `vocabulary.OPTIMIZERS`.

    momentum: of sgd and muon; betas: of adam, adamw, lamb, muon's AdamW and schedule_free.
    Weight decay is decoupled from the gradient in adamw, muon and schedule_free, within lamb's step, and an
    L2 penalty in the others. It spares biases, norms and other parameters of fewer than two axes, which it
    only shrinks without regularising (Bag of Tricks, arXiv 1812.01187, section 3.1).
    """
    nets = [net] if isinstance(net, nn.Module) else list(net)
    return BUILDERS[name](nets, weight_decay, Settings(learning_rate, momentum, betas))


def _sgd(nets: list[nn.Module], decay: float, how: Settings) -> Optimizer:
    """Nesterov's momentum, v <- m v + g; w <- w - r (g + m v), after Sutskever et al. 2013; none at m = 0."""
    return SGD(
        _groups(nets, decay), how.learning_rate, momentum=how.momentum, nesterov=how.momentum > 0, fused=True
    )


def _adagrad(nets: list[nn.Module], decay: float, how: Settings) -> Optimizer:
    """Steps g / sqrt(s), s <- s + g^2. Source: Duchi et al. 2011, JMLR 12, section 1.1."""
    fused = all(parameter.device.type == "cpu" for parameter in _trained(nets))  # PyTorch's only fused form
    return Adagrad(_groups(nets, decay), how.learning_rate, fused=fused or None)


def _rmsprop(nets: list[nn.Module], decay: float, how: Settings) -> Optimizer:
    """Steps g / sqrt(s), s <- 0.99 s + 0.01 g^2. Source: Hinton 2012, Coursera, lecture 6e.

    Differs: 0.99, as PyTorch has it, not the lecture's 0.9. The average starts at zero without a correction,
    so the first steps are long: up to ten times the learning rate.
    """
    return RMSprop(_groups(nets, decay), how.learning_rate, foreach=True)


def _adam(nets: list[nn.Module], decay: float, how: Settings) -> Optimizer:
    """Kingma and Ba 2015, arXiv 1412.6980, algorithm 1."""
    return Adam(_groups(nets, decay), how.learning_rate, betas=how.betas, fused=True)


def _adamw(nets: list[nn.Module], decay: float, how: Settings) -> Optimizer:
    """Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2."""
    groups = _groups(nets, decay)
    return Adam(groups, how.learning_rate, betas=how.betas, fused=True, decoupled_weight_decay=True)


def _lamb(nets: list[nn.Module], decay: float, how: Settings) -> Optimizer:
    """See `Lamb`; the matrices get a trust ratio, everything else a plain step of Adam."""
    chosen = [matrix.parameter for net in nets for matrix in matrices(net)]
    groups = _groups(nets, decay, {"adapted": chosen})
    return Lamb(groups, how.learning_rate, betas=how.betas)


def _muon(nets: list[nn.Module], decay: float, how: Settings) -> Optimizer:
    """See `Muon`; the hidden matrices are made orthogonal, everything else is AdamW's."""
    hidden = [matrix for net in nets for matrix in hidden_matrices(net)]
    flat = {"flat": [matrix.parameter for matrix in hidden if matrix.flat]}
    own = {"batched": [matrix.parameter for matrix in hidden if not matrix.flat]}
    groups = _groups(nets, decay, {**flat, **own})
    return Muon(groups, how.learning_rate, momentum=how.momentum, betas=how.betas)


def _schedule_free(nets: list[nn.Module], decay: float, how: Settings) -> Optimizer:
    """See `ScheduleFree`. Its first beta is an interpolation, so 0.9 whatever Adam's would be."""
    return ScheduleFree(_groups(nets, decay), how.learning_rate, betas=(0.9, how.betas[1]))


BUILDERS: dict[str, Callable[[list[nn.Module], float, Settings], Optimizer]] = {
    "sgd": _sgd,
    "adagrad": _adagrad,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adamw,
    "lamb": _lamb,
    "muon": _muon,
    "schedule_free": _schedule_free,
}


def _groups(
    nets: list[nn.Module], decay: float, kinds: Mapping[str, Sequence[Tensor]] | None = None
) -> Groups:
    """The trained parameters, those of each kind apart (`kind` in the group), those that decay apart.

    As few groups as make a difference: each is a call of its own at every step.
    """
    kind_of = {id(parameter): kind for kind, some in (kinds or {}).items() for parameter in some}
    groups: dict[tuple[str, bool], dict[str, Any]] = {}
    for parameter in _trained(nets):
        kind, decays = kind_of.get(id(parameter), "plain"), bool(decay) and parameter.ndim > 1
        group = groups.setdefault((kind, decays), {"params": [], "weight_decay": decay if decays else 0.0})
        group["params"].append(parameter)
        if kinds is not None:
            group["kind"] = kind
    return [groups[key] for key in sorted(groups, key=lambda key: not key[1])]


def _trained(nets: list[nn.Module]) -> list[Tensor]:
    found = {id(parameter): parameter for net in nets for parameter in net.parameters()}
    return [parameter for parameter in found.values() if parameter.requires_grad]
