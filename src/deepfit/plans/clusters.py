"""Learning clusters without labels: an autoencoder whose codes keep neighbours together, k-means, refinement.

Sources: Xie, Girshick, Farhadi 2016, arXiv 1511.06335 (DEC); Guo, Gao, Liu, Yin 2017, IJCAI (IDEC: the
autoencoder's error stays in the refinement). Differs: codes are also drawn to those of their rows' nearest
neighbours (Damrich et al. 2023, arXiv 2206.01816), as manifold methods before clustering do (McConville et
al. 2021, N2D, arXiv 1908.05968), with a network that places new rows, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from deepfit.contract import Batch, Loss, Phase, Run, Splits
from deepfit.data.batches import num_rows
from deepfit.data.cluster_options import NEARLY
from deepfit.metrics.clusters import silhouettes
from deepfit.nn import optimizers, schedules
from deepfit.nn.clusters import (
    Clusters,
    TableAutoencoder,
    divergence,
    k_means,
    neighbour_contrast,
    sharpened,
)
from deepfit.plans import rate_test
from deepfit.plans.batches import Shuffled, on_device, tensors
from deepfit.plans.foresight import foresee

# B batch, D width of codes, K clusters, N rows to choose among, F features

STEPS = 2000
"""Steps of pretraining where neither the task nor the user says otherwise."""
ROWS_SEEN = 4_000_000
"""Rows that pretraining sees at most, repeats included, where no number of epochs is given."""
ROUNDS = 8
"""Times at most that the targets of the refinement are set anew."""
SHARE = 0.1
"""Epochs of a round of refinement, as a share of those of pretraining."""
SLOWER = 0.3
"""Learning rate of the refinement over that of pretraining."""
ATTRACTION = 2.0
"""Weight of drawing neighbours together over keeping all others apart."""
UNIT = 0.5
"""Unit of distances from a centre, as a share of the root mean square of those after k-means."""
POOL_ROWS = 20_000
"""Rows that neighbours are looked for among, drawn at random where there are more."""
NOISE, HIDDEN = 0.1, 0.1
"""Deviation of the noise on numbers, and the share of cells that are hidden, while a table is learned."""
K_MEANS_ROWS = 50_000
CURVE_ROWS = 2_000
DISTANCES_AT_ONCE = 1 << 24
ROWS_AT_ONCE = 4096
NEAR = "near_"

Codes = Callable[[Batch], Tensor]
"""A batch on the device -> codes BD; distorted while the network is in training."""


class Elsewhere:
    """Rows of an array by way of places: row i is array[places[i]]; gathered only when taken."""

    def __init__(self, array: Tensor, places: Tensor) -> None:
        self.array, self.places = array, places

    def __len__(self) -> int:
        return len(self.places)

    def index_select(self, axis: int, index: Tensor) -> Tensor:
        """The rows at these positions, as a tensor's own method."""
        return self.array.index_select(axis, self.places.index_select(0, index).to(self.array.device))


def settle(options: Any, rows: int, steps: int) -> Any:
    """The options with numbers in place of the zeros that leave a choice to us.

    steps: of pretraining, where no number of epochs is given.
    """
    size = options.batch_size or min(1024, max(16, min(128, rows // 4), rows // 400))
    steps_an_epoch = max(1, -(-rows // size))
    most = max(1, ROWS_SEEN // rows)
    epochs = options.epochs or max(1, min(most, round(steps / steps_an_epoch)))
    return options.model_copy(update={"batch_size": size, "epochs": epochs})


def plan(
    net: Any,
    data: Splits[Batch],
    options: Any,
    run: Run,
    *,
    codes: Codes,
    errors: Callable[[Tensor, Batch], Tensor],
    points: np.ndarray,
    views: float = 0.0,
    steps: int = STEPS,
    rows_at_once: int = ROWS_AT_ONCE,
) -> Iterator[Phase]:
    """Pretraining, k-means among the codes, then rounds of refinement until hardly a row moves.

    net: holds `clusters`. codes, errors: batch -> codes BD, and (codes, batch) -> error of each row B;
    points: of the training rows, float32 [rows, features], between which neighbours are found. views: share
    of rows that are drawn to themselves, as distorted once more by `codes`, instead of to a neighbour; all
    rows are where there are no neighbours and it is not 0. steps: of pretraining, where the options give no
    epochs; rows_at_once: rows that the network answers for together. options: `clusters` (0 = chosen),
    `method`, `neighbours` (0 = none), `tolerance`.
    """
    rows = num_rows(data.train)
    options = settle(options, rows, steps)
    train = {name: array for name, array in data.train.items() if name != "target"}
    judged = data.valid if num_rows(data.valid) else train
    arrays = tensors(train, run.device)
    nearest = neighbours(points, options.neighbours, run) if options.neighbours else None
    pairs = nearest is not None or views > 0

    def partners(epoch: int, purpose: str) -> Tensor:
        """The place of the row that each row is drawn to in this epoch."""
        own = torch.arange(rows)
        if nearest is None:
            return own
        ranks = torch.multinomial(
            by_rank(nearest), rows, replacement=True, generator=run.rng(purpose, "neighbours", epoch)
        )
        places = nearest.gather(1, ranks[:, None])[:, 0]
        if not views:
            return places
        return torch.where(torch.rand(rows, generator=run.rng(purpose, "views", epoch)) < views, own, places)

    def batches(purpose: str, further: Mapping[str, Tensor]) -> Callable[[int], Shuffled]:
        def drawn(epoch: int) -> Shuffled:
            found: dict[str, Any] = {**arrays, **further}
            if pairs and (not further or options.method == "idec"):
                places = partners(epoch, purpose)
                found |= {NEAR + name: Elsewhere(array, places) for name, array in arrays.items()}
            return Shuffled(found, rows, options.batch_size, run.rng(purpose, "shuffle", epoch))

        return drawn

    def step(batch: Batch) -> Iterator[Loss]:
        batch = on_device(run.share(batch), run.device)
        codes_BD = codes(batch)
        parts: dict[str, Tensor] = {}
        if "belongs" not in batch or options.method == "idec":
            parts["rebuilding"] = errors(codes_BD, batch).sum()
        near = {name[len(NEAR) :]: batch[name] for name in batch if name.startswith(NEAR)}
        if near:
            parts["neighbours"] = found_neighbours(codes_BD, codes(near), run)
        if "belongs" in batch:
            parts["clusters"] = divergence(batch["belongs"], net.clusters(codes_BD))
        total = torch.stack(list(parts.values())).sum()
        yield Loss(total, len(codes_BD), parts=parts if len(parts) > 1 else {})

    def score() -> Mapping[str, float]:
        def told(batch: Batch) -> Tensor:
            return errors(codes(batch), batch)

        error = foresee(net, judged, told, rows_at_once=rows_at_once)
        return {"loss": float(error.mean(dtype=np.float64))}

    def optimizer(learning_rate: float) -> Optimizer:
        return optimizers.build(
            options.optimizer,
            net,
            learning_rate=learning_rate,
            weight_decay=options.weight_decay,
            momentum=options.momentum,
        )

    def phase(
        name: str, rate: float, epochs: int, schedule: Any, further: Mapping[str, Tensor], number: int = 0
    ) -> Phase:
        return Phase(
            name=name,
            batches=batches(f"{name} {number}" if number else name, further),
            step=step,
            optimizers={"main": optimizer(rate)},
            epochs=epochs,
            score=score,
            rate=schedule,
            coupled=coupled,
        )

    coupled, rate = pairs, options.learning_rate
    if rate == "auto":
        rate = yield from rate_test.find(net, batches("pretrain", {}), step, optimizer, run, coupled=coupled)
    yield phase("pretrain", rate, options.epochs, schedules.build(options.schedule, options.warmup), {})

    found = smoothed(torch.from_numpy(foresee(net, train, codes, rows_at_once=rows_at_once)), nearest)
    settle_clusters(net.clusters, found, options.clusters, run)
    rounds = max(1, round(SHARE * options.epochs))
    belongs = belonging(net, train, codes, rows_at_once)
    for number in range(ROUNDS):
        target = {"belongs": sharpened(smoothed(belongs, nearest))}
        yield phase("refine", SLOWER * rate, rounds, schedules.build("constant"), target, number + 1)
        before, belongs = belongs.argmax(1), belonging(net, train, codes, rows_at_once)
        if float((before != belongs.argmax(1)).double().mean()) <= options.tolerance:
            break


def found_neighbours(codes_BD: Tensor, near_BD: Tensor, run: Run) -> Tensor:
    """How badly rows and their neighbours find each other among the batch of all ranks, a sum over rows."""
    all_BD, all_near_BD = run.gather(codes_BD), run.gather(near_BD)
    every_ND = torch.cat([all_BD, all_near_BD])
    own_B = run.share(torch.arange(len(all_BD), device=codes_BD.device))
    there = neighbour_contrast(codes_BD, near_BD, every_ND, own_B, attraction=ATTRACTION)
    back = neighbour_contrast(near_BD, codes_BD, every_ND, own_B + len(all_BD), attraction=ATTRACTION)
    return (there + back) / 2


def neighbours(points: np.ndarray, count: int, run: Run) -> Tensor:
    """The places of each row's nearest other rows by Euclidean distance, [rows, count].

    Fewer where there are fewer rows: at most a third of them. Of more rows than POOL_ROWS, among so many.
    """
    every = torch.from_numpy(np.ascontiguousarray(points, np.float32))
    rows = len(every)
    pool = torch.arange(rows)
    if rows > POOL_ROWS:
        pool = torch.randperm(rows, generator=run.rng("pool"))[:POOL_ROWS].sort().values
    count = max(1, min(count, (len(pool) - 1) // 3))
    candidates = every[pool]
    step = max(1, DISTANCES_AT_ONCE // len(pool))
    found = []
    for start in range(0, rows, step):
        part = torch.arange(start, min(start + step, rows))
        squared = torch.cdist(every[part], candidates)
        squared.masked_fill_(part[:, None] == pool, torch.inf)
        found.append(pool[squared.topk(count, largest=False).indices])
    return torch.cat(found)


def by_rank(nearest_BN: Tensor) -> Tensor:
    """How much each neighbour counts, N, summing to 1: the first twice as much as the second, and so on.

    1 / rank, since the further a neighbour is, the less sure is it of the same kind.
    """
    weights_N = 1 / torch.arange(1, nearest_BN.shape[1] + 1, dtype=torch.float32)
    return weights_N / weights_N.sum()


def smoothed(values_BD: Tensor, nearest_BN: Tensor | None) -> Tensor:
    """The mean of each row and the weighted mean of its neighbours, BD: a stray row goes with them."""
    if nearest_BN is None:
        return values_BD
    total_BD = values_BD.clone()
    for weight, places_B in zip(by_rank(nearest_BN).tolist(), nearest_BN.T, strict=True):
        total_BD += weight * values_BD[places_B]
    return total_BD / 2


def belonging(net: Any, batch: Batch, codes: Codes, rows_at_once: int) -> Tensor:
    """How much each row belongs to each cluster, BK, on the CPU."""

    def shares(part: Batch) -> Tensor:
        return net.clusters(codes(part))

    return torch.from_numpy(foresee(net, batch, shares, rows_at_once=rows_at_once))


def settle_clusters(clusters: Clusters, codes_BD: Tensor, count: int, run: Run) -> None:
    """Centres by k-means among codes; their number, where it is 0, the least with nearly the best silhouette.

    Depends on the run and the codes alone, since resuming repeats it.
    """
    rows = len(codes_BD)
    some = codes_BD
    if rows > K_MEANS_ROWS:
        some = codes_BD[torch.randperm(rows, generator=run.rng("k-means", "rows"))[:K_MEANS_ROWS]]
    if not count:
        few = some
        if len(some) > CURVE_ROWS:
            few = some[torch.randperm(len(some), generator=run.rng("curve", "rows"))[:CURVE_ROWS]]
        most = min(len(clusters.centres_SD), max(2, len(few.unique(dim=0)) - 1))
        for tried in range(2, most + 1):
            centres = k_means(few, tried, run.rng("curve", tried), starts=8)
            own = torch.cdist(few, centres).argmin(1)
            clusters.curve_S[tried - 1] = float(silhouettes(few.numpy(), own.numpy()).mean())
        count = int((clusters.curve_S >= clusters.curve_S.max() - NEARLY).nonzero()[0]) + 1
    centres = k_means(some, count, run.rng("k-means"))
    squared = torch.cdist(codes_BD, centres).square().amin(1)
    spread = UNIT * float(squared.mean().sqrt())
    clusters.settle(centres, spread if spread > 0 else 1.0)


def used(net: Any) -> int:
    """How many clusters there are."""
    return int(net.clusters.used_S.sum())


def outputs(
    net: Any, batch: Batch, codes: Codes, *, rows_at_once: int = ROWS_AT_ONCE
) -> dict[str, np.ndarray]:
    """`belongs` float32 [rows, clusters]."""
    return {"belongs": belonging(net, batch, codes, rows_at_once).numpy()[:, : used(net)]}


def table_codes(net: TableAutoencoder) -> Codes:
    """Codes of the rows of a table; in training with noise on the numbers and cells hidden at random.

    A hidden number is 0, its column's middle; a hidden category the one that is not known.
    """

    def codes(batch: Batch) -> Tensor:
        numbers_BN, categories_BC = batch["numbers"], batch["categories"]
        if net.training:
            numbers_BN = numbers_BN + NOISE * torch.randn_like(numbers_BN)
            numbers_BN = numbers_BN * (torch.rand_like(numbers_BN) >= HIDDEN)
            shown_BC = torch.rand(categories_BC.shape, device=categories_BC.device) >= HIDDEN
            categories_BC = categories_BC * shown_BC
        return net(numbers_BN, categories_BC)

    return codes


def table_errors(net: TableAutoencoder) -> Callable[[Tensor, Batch], Tensor]:
    """How badly rows are told from their codes, B: undistorted rows are asked for."""
    return lambda codes_BD, batch: net.errors(codes_BD, batch["numbers"], batch["categories"])
