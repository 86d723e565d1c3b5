"""Proximal policy optimisation (Schulman et al. 2017, arXiv 1707.06347, eq. 7 and 9) with generalised
advantages (arXiv 1506.02438).

A rollout of the present policy is the batch; four passes over it are four yields.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepfit.contract import Loss, Phase, Run, Splits
from toys.line_world import LineWorld, towards_goal
from toys.toy import Toy, options

WALKERS, MOVES, DISCOUNT, TRACE, CLIP, PASSES = 16, 24, 0.95, 0.9, 0.2, 4


def make(**given: Any) -> Toy:
    chosen = options(given, epochs=30, learning_rate=0.01)
    torch.manual_seed(chosen.seed)
    net = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 3))  # two action logits and a value
    return Toy(Task(chosen), net, Splits({}, {}), chosen, lambda: towards_goal(greedy(net)), 0.95)


def seen(world: np.ndarray) -> Tensor:
    return torch.as_tensor(world, dtype=torch.get_default_dtype())


def greedy(net: nn.Module) -> Any:
    return lambda view: net(seen(view))[:, :2].argmax(1).numpy()


class Task:
    def __init__(self, options: Any) -> None:
        self.options = options

    @torch.no_grad()
    def rollout(self, net: nn.Module, world: LineWorld, rng: torch.Generator) -> dict[str, Tensor]:
        """MOVES moves of every walker, one row a move: what was seen and done, how likely, how much better
        than foreseen."""
        views, actions, chances, deltas, ends = [], [], [], [], []
        for _ in range(MOVES):
            view = seen(world.see())
            outputs = net(view)
            action = torch.multinomial(outputs[:, :2].softmax(1), 1, generator=rng)
            outcome = world.move(action[:, 0].numpy(), rng)
            foreseen = net(seen(outcome.after))[:, 2] * torch.as_tensor(
                ~outcome.arrived
            )  # giving up is not arriving
            deltas.append(seen(outcome.reward) + DISCOUNT * foreseen - outputs[:, 2])
            ends.append(torch.as_tensor(outcome.arrived | outcome.gave_up))
            views.append(view)
            actions.append(action[:, 0])
            chances.append(outputs[:, :2].log_softmax(1).gather(1, action)[:, 0])
        advantages, ahead = [], torch.zeros(WALKERS)
        for delta, end in zip(reversed(deltas), reversed(ends), strict=True):
            ahead = delta + DISCOUNT * TRACE * ahead * ~end
            advantages.insert(0, ahead)
        view, advantage = torch.cat(views), torch.cat(advantages)
        worth = advantage + net(view)[:, 2]
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        return {
            "view": view,
            "action": torch.cat(actions),
            "chance": torch.cat(chances),
            "advantage": advantage,
            "worth": worth,
        }

    def plan(self, net: nn.Module, data: Splits, facts: Any, run: Run) -> Iterator[Phase]:
        world = LineWorld(WALKERS)
        world.begin(np.ones(WALKERS, dtype=bool), run.rng("begin"))

        def batches(epoch: int) -> Iterator[dict[str, Tensor]]:
            for turn in range(2):
                yield self.rollout(net, world, run.rng("rollout", epoch, turn))

        def step(batch: Any) -> Iterator[Loss]:
            for _ in range(PASSES):
                outputs = net(batch["view"])
                likely = outputs[:, :2].log_softmax(1)
                ratio = (likely.gather(1, batch["action"][:, None])[:, 0] - batch["chance"]).exp()
                gain = torch.minimum(
                    ratio * batch["advantage"], ratio.clamp(1 - CLIP, 1 + CLIP) * batch["advantage"]
                )
                value = F.mse_loss(outputs[:, 2], batch["worth"], reduction="sum")
                entropy = -(likely.exp() * likely).sum()
                yield Loss(
                    0.5 * value - gain.sum() - 0.01 * entropy,
                    len(ratio),
                    parts={"value": value, "entropy": entropy},
                )

        yield Phase(
            name="walk",
            batches=batches,
            step=step,
            optimizers={"main": torch.optim.Adam(net.parameters(), self.options.learning_rate)},
            epochs=self.options.epochs,
            keeps={"world": world},
            score=lambda: {"towards": towards_goal(greedy(net))},
            live=True,
        )
