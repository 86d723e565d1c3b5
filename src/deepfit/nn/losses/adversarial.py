"""What two networks that play against each other make small, as sums over pictures, and their penalties.

real_B and made_B are the discriminator's logits of real and of made pictures; real ones should be above.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

# B batch


def non_saturating_discriminator(real_B: Tensor, made_B: Tensor) -> Tensor:
    """-log sigmoid(real) - log(1 - sigmoid(made)). Source: Goodfellow et al. 2014, arXiv 1406.2661, eq. 1."""
    return functional.softplus(-real_B).sum() + functional.softplus(made_B).sum()


def non_saturating_generator(made_B: Tensor) -> Tensor:
    """-log sigmoid(made), whose gradient does not vanish where the discriminator is sure; section 3 there."""
    return functional.softplus(-made_B).sum()


def hinge_discriminator(real_B: Tensor, made_B: Tensor) -> Tensor:
    """max(0, 1 - real) + max(0, 1 + made). Source: Lim and Ye 2017, arXiv 1705.02894; 1802.05957, eq. 16."""
    return functional.relu(1 - real_B).sum() + functional.relu(1 + made_B).sum()


def mean_generator(made_B: Tensor) -> Tensor:
    """-made, of hinge (arXiv 1802.05957, eq. 17) and wasserstein alike."""
    return -made_B.sum()


def wasserstein_discriminator(real_B: Tensor, made_B: Tensor) -> Tensor:
    """The sum of made - real, with `gradient_penalty`. Source: Arjovsky 2017, arXiv 1701.07875, eq. 3."""
    return made_B.sum() - real_B.sum()


ADVERSARIAL: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "hinge": (hinge_discriminator, mean_generator),
    "non_saturating": (non_saturating_discriminator, non_saturating_generator),
    "wasserstein": (wasserstein_discriminator, mean_generator),
}
"""Name -> (the discriminator's loss of real and made logits, the generator's of made logits)."""


SMALL = 1e-12
"""Added to a squared length: the root has no slope at zero."""


def gradient_penalty(
    judge: Callable[[Tensor], Tensor], real: Tensor, made: Tensor, share_B: Tensor
) -> Tensor:
    """Sum over the batch of (|gradient of judge at x| - 1)^2, x = share real + (1 - share) made.

    judge: pictures, or packs of rows, [B, ...] -> logits_B. share_B: in [0, 1], drawn evenly. Differentiable
    a second time.
    Source: Gulrajani et al. 2017, arXiv 1704.00028, eq. 3.
    """
    share = share_B.view(-1, *[1] * (real.ndim - 1))
    between = torch.lerp(made.detach(), real.detach(), share).requires_grad_()
    length_B = (_gradient(judge, between).flatten(1).square().sum(1) + SMALL).sqrt()
    return (length_B - 1).square().sum()


def r1_penalty(judge: Callable[[Tensor], Tensor], real: Tensor) -> Tensor:
    """Sum over the batch of |gradient of judge at real pictures|^2 / 2. Differentiable a second time.

    Source: Mescheder et al. 2018, arXiv 1801.04406, eq. 9.
    """
    return _gradient(judge, real.detach().requires_grad_()).square().sum() / 2


def _gradient(judge: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    return torch.autograd.grad(judge(at).sum(), at, create_graph=True)[0]


def alike(one_BCHW: Tensor, other_BCHW: Tensor, noise_BZ: Tensor, other_BZ: Tensor) -> Tensor:
    """Sum over the batch of 1 / (distance of two pictures of one condition / distance of their noise).

    Mean absolute differences; a generator that draws the same whatever the noise pays most, 1,000 a picture.
    Source: Mao et al. 2019, arXiv 1903.05628, eq. 5, whose ratio is made great by making 1 / (ratio + 1e-5)
    small in the authors' code. Differs: 1e-3, so that the first steps do not go too far.
    """
    apart_B = (one_BCHW - other_BCHW).abs().flatten(1).mean(1) / (noise_BZ - other_BZ).abs().mean(1)
    return (1 / (apart_B + 1e-3)).sum()
