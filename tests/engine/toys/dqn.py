"""Deep Q-learning (Mnih et al. 2015, Nature 518, algorithm 1): learn from a replay buffer, against a target
network that lags.

Draws from the buffer are the batches. The target network is moved after the step's last yield, when the
weights have moved.
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deepfit.contract import Loss, Phase, Run, Splits
from toys.line_world import LineWorld, towards_goal
from toys.ppo import seen
from toys.toy import Toy, options

WALKERS, TURNS, DISCOUNT, ROOM = 16, 20, 0.9, 2000


def make(**given: Any) -> Toy:
    chosen = options(given, epochs=25, batch_size=65, learning_rate=0.005)
    torch.manual_seed(chosen.seed)
    online = nn.Sequential(nn.Linear(2, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 2))
    net = nn.ModuleDict({"online": online, "target": deepcopy(online).requires_grad_(False)})
    return Toy(Task(chosen), net, Splits({}, {}), chosen, lambda: towards_goal(greedy(online)), 0.9)


def greedy(net: nn.Module) -> Any:
    return lambda view: net(seen(view)).argmax(1).numpy()


class Replay:
    """The last ROOM moves."""

    def __init__(self) -> None:
        self.filled = 0
        self.columns = {
            "view": np.zeros((ROOM, 2)),
            "action": np.zeros(ROOM, dtype=np.int64),
            "reward": np.zeros(ROOM),
            "after": np.zeros((ROOM, 2)),
            "arrived": np.zeros(ROOM, dtype=bool),
        }

    def add(self, **moves: np.ndarray) -> None:
        where = (self.filled + np.arange(len(moves["action"]))) % ROOM
        for name, column in self.columns.items():
            column[where] = moves[name]
        self.filled += len(where)

    def draw(self, count: int, generator: torch.Generator) -> dict[str, Tensor]:
        rows = torch.randint(min(self.filled, ROOM), (count,), generator=generator).numpy()
        return {
            name: seen(column[rows]) if column.dtype == float else torch.as_tensor(column[rows])
            for name, column in self.columns.items()
        }

    def state_dict(self) -> dict[str, Any]:
        return {"filled": self.filled, "columns": self.columns}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.filled = state["filled"]
        self.columns = {name: np.array(column) for name, column in state["columns"].items()}


class Task:
    def __init__(self, options: Any) -> None:
        self.options = options

    def plan(self, net: Any, data: Splits, facts: Any, run: Run) -> Iterator[Phase]:
        online, target = net["online"], net["target"]
        world, replay = LineWorld(WALKERS), Replay()
        world.begin(np.ones(WALKERS, dtype=bool), run.rng("begin"))
        move_target = False

        def batches(epoch: int) -> Iterator[dict[str, Tensor]]:
            nonlocal move_target
            rng = run.rng("act", epoch)
            curious = max(0.1, 1.0 - epoch / 10)
            for turn in range(TURNS):
                view = world.see()
                with torch.no_grad():
                    action = greedy(online)(view)
                random = torch.rand(2, WALKERS, generator=rng).numpy()
                action = np.where(random[0] < curious, random[1] < 0.5, action).astype(np.int64)
                outcome = world.move(action, rng)
                replay.add(
                    view=view,
                    action=action,
                    reward=outcome.reward,
                    after=outcome.after,
                    arrived=outcome.arrived,
                )
                move_target = turn % 10 == 9
                yield replay.draw(self.options.batch_size, rng)

        def step(batch: Any) -> Iterator[Loss]:
            with torch.no_grad():
                ahead = target(batch["after"]).max(1).values * ~batch["arrived"]
            worth = online(batch["view"]).gather(1, batch["action"][:, None])[:, 0]
            yield Loss(
                F.smooth_l1_loss(worth, batch["reward"] + DISCOUNT * ahead, reduction="sum"), len(worth)
            )
            if move_target:  # a copy, not a blend: every piece of a batch comes by here
                target.load_state_dict(online.state_dict())

        yield Phase(
            name="walk",
            batches=batches,
            step=step,
            optimizers={"main": torch.optim.Adam(online.parameters(), self.options.learning_rate)},
            epochs=self.options.epochs,
            keeps={"world": world, "replay": replay},
            score=lambda: {"towards": towards_goal(greedy(online))},
            live=True,
        )
