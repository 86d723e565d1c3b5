"""Clusters in the codes of an autoencoder: centres, how much a row belongs to each, and k-means.

Source: Xie, Girshick, Farhadi 2016, "Unsupervised deep embedding for clustering analysis", arXiv 1511.06335.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from deepfit.nn.nets.mlp import MLP

# B batch, N number columns or codes met, C category columns, D width of codes, K clusters, S slots

FEWEST_BELONGING = 1e-12
UNTRIED = -2.0
"""Below every silhouette; finite, since an average of weights may run over it."""


class Clusters(nn.Module):
    """Centres of clusters among codes, for as many clusters as there are slots.

    centres_SD: learned; used_S: which slots hold a cluster. spread: root mean square distance of codes from
    their centre, set with the centres, the unit of the kernel below. curve_S: the silhouette by which the
    number of clusters was chosen, that of k clusters at place k - 1; UNTRIED where none was computed.
    """

    used_S: Tensor
    spread: Tensor
    curve_S: Tensor

    def __init__(self, slots: int, width: int) -> None:
        super().__init__()
        self.centres_SD = nn.Parameter(torch.zeros(slots, width))
        self.register_buffer("used_S", torch.ones(slots))
        self.register_buffer("spread", torch.ones(()))
        self.register_buffer("curve_S", torch.full((slots,), UNTRIED))

    def forward(self, codes_BD: Tensor) -> Tensor:
        """How much each code belongs to each cluster, BS, rows summing to 1; 0 for an empty slot.

        Student's t kernel with one degree of freedom, 1 / (1 + d^2) (arXiv 1511.06335, eq. 1), d in units of
        `spread`. Differs: the paper has no unit, which makes the kernel flat or hard by chance.
        """
        squared_BS = (codes_BD[:, None] - self.centres_SD).square().sum(2) / (self.spread).square()
        near_BS = self.used_S / (1 + squared_BS)
        return near_BS / near_BS.sum(1, keepdim=True).clamp(min=FEWEST_BELONGING)

    @torch.no_grad()
    def settle(self, centres_KD: Tensor, spread: float) -> None:
        """Fill the first slots; the rest are empty."""
        self.centres_SD.zero_()
        self.centres_SD[: len(centres_KD)] = centres_KD
        self.used_S.zero_()
        self.used_S[: len(centres_KD)] = 1
        self.spread.fill_(spread)


class TableAutoencoder(nn.Module):
    """The columns of a table through a narrow code and back, with clusters among the codes.

    encoder: numbers BN, categories BC -> [B, 1, D]; decoder: BD -> [B, 1, N + all codes of categories].
    Source: Guo, Gao, Liu, Yin 2017, "Improved deep embedded clustering with local structure preservation",
    IJCAI 2017. Differs: categories have embeddings and are told by cross-entropy.
    """

    def __init__(
        self,
        num_numbers: int,
        category_sizes: Sequence[int],
        *,
        code: int,
        slots: int,
        widths: Sequence[int] = (256, 256),
        activation: str = "relu",
    ) -> None:
        super().__init__()
        self.num_numbers, self.sizes = num_numbers, list(category_sizes)
        how = {"dropout": 0.0, "activation": activation}
        self.encoder = MLP(num_numbers, category_sizes, code, widths=widths, **how)
        told = num_numbers + sum(category_sizes)
        self.decoder = MLP(code, (), told, widths=tuple(reversed(widths)), **how)
        self.clusters = Clusters(slots, code)

    def forward(self, numbers_BN: Tensor, categories_BC: Tensor) -> Tensor:
        """BN, BC -> codes BD."""
        return self.encoder(numbers_BN, categories_BC).squeeze(1)

    def errors(self, codes_BD: Tensor, numbers_BN: Tensor, categories_BC: Tensor) -> Tensor:
        """How badly each row is told from its code, B: the mean over columns.

        Squared for numbers, cross-entropy in nats for categories.
        """
        nothing_BC = categories_BC.new_zeros(len(codes_BD), 0)
        said_BK = self.decoder(codes_BD, nothing_BC).squeeze(1)
        sum_B = (said_BK[:, : self.num_numbers] - numbers_BN).square().sum(1)
        start = self.num_numbers
        for place, size in enumerate(self.sizes):
            logits = said_BK[:, start : start + size]
            sum_B = sum_B + functional.cross_entropy(logits, categories_BC[:, place].long(), reduction="none")
            start += size
        return sum_B / max(1, self.num_numbers + len(self.sizes))


def sharpened(belongs_BK: Tensor) -> Tensor:
    """The target of the refinement, BK: p = (q^2 / f) with rows summing to 1, f = the sum of q over rows.

    Source: arXiv 1511.06335, eq. 3.
    """
    weight_BK = belongs_BK.square() / belongs_BK.sum(0).clamp(min=FEWEST_BELONGING)
    return weight_BK / weight_BK.sum(1, keepdim=True).clamp(min=FEWEST_BELONGING)


def divergence(target_BK: Tensor, belongs_BK: Tensor) -> Tensor:
    """Kullback-Leibler divergence of rows from their target, a sum over rows; where the target is 0 it is 0.

    Source: arXiv 1511.06335, eq. 2.
    """
    ratio_BK = target_BK.clamp(min=FEWEST_BELONGING).log() - belongs_BK.clamp(min=FEWEST_BELONGING).log()
    return (target_BK * ratio_BK).sum()


def neighbour_contrast(
    codes_BD: Tensor, near_BD: Tensor, all_ND: Tensor, own_B: Tensor, *, attraction: float
) -> Tensor:
    """How badly each code finds its neighbour's among all codes of the batch, a sum over rows.

    log(sum over all others of s(z, .)) - attraction * log s(z, z') with s = 1 / (1 + d^2). all_ND: every
    code that may be met, the neighbours' among them; own_B: the places of the rows' own codes in it, which
    count for nothing.
    Source: Damrich, Böhm, Hamprecht, Kobak 2023, "From t-SNE to UMAP with contrastive learning", arXiv
    2206.01816, eq. 9 (InfoNC-t-SNE). Differs: attraction above 1, which draws groups together and apart from
    others (Böhm, Berens, Kobak 2022, arXiv 2007.08902).
    """
    squared_BN = _squared(codes_BD, all_ND)
    met_BN = (-squared_BN.log1p()).scatter(1, own_B[:, None], -torch.inf)
    near_B = -(codes_BD - near_BD).square().sum(1).log1p()
    return (met_BN.logsumexp(1) - attraction * near_B).sum()


def _squared(one_BD: Tensor, other_ND: Tensor) -> Tensor:
    """Squared distances BN; by products, whose gradient is cheap and finite also at distance 0."""
    products = one_BD.square().sum(1)[:, None] + other_ND.square().sum(1) - 2 * one_BD @ other_ND.T
    return products.clamp(min=0)


def k_means(
    points_BD: Tensor, clusters: int, generator: torch.Generator, *, starts: int = 20, rounds: int = 100
) -> Tensor:
    """The centres KD of the best of several starts, the largest cluster first.

    Best: the least sum of squared distances. Starts are drawn by k-means++ (Arthur and Vassilvitskii 2007),
    the rounds are Lloyd's. An empty cluster gets the point that is furthest from its centre. The same
    generator gives the same centres.
    """
    points = points_BD.double()
    best, least = points[:clusters], float("inf")
    for _ in range(starts):
        centres = _spread_start(points, clusters, generator)
        before = None
        for _ in range(rounds):
            squared_BK = _squared(points, centres)
            nearest_B = squared_BK.argmin(1)
            if before is not None and torch.equal(nearest_B, before):
                break
            before = nearest_B
            counts_K = torch.bincount(nearest_B, minlength=clusters)
            sums_KD = torch.zeros_like(centres).index_add_(0, nearest_B, points)
            centres = sums_KD / counts_K.clamp(min=1)[:, None]
            empty = (counts_K == 0).nonzero()[:, 0]
            if len(empty):
                furthest = squared_BK.amin(1).argsort(descending=True, stable=True)[: len(empty)]
                centres[empty] = points[furthest]
        cost = float(_squared(points, centres).amin(1).sum())
        if cost < least:
            best, least = centres, cost
    sizes = torch.bincount(_squared(points, best).argmin(1), minlength=clusters)
    return best[sizes.argsort(descending=True, stable=True)].to(points_BD.dtype)


def _spread_start(points: Tensor, clusters: int, generator: torch.Generator) -> Tensor:
    """Points that lie far from one another: each next one drawn by its squared distance from those before."""
    chosen = [int(torch.randint(len(points), (), generator=generator))]
    squared_B = (points - points[chosen[0]]).square().sum(1)
    for _ in range(clusters - 1):
        total = float(squared_B.sum())
        weights = squared_B if total > 0 else torch.ones_like(squared_B)
        at = torch.rand((), generator=generator, dtype=torch.float64) * weights.sum()
        chosen.append(min(int(torch.searchsorted(weights.cumsum(0), at)), len(points) - 1))
        squared_B = torch.minimum(squared_B, (points - points[chosen[-1]]).square().sum(1))
    return points[chosen].clone()
