"""A world for the two toys that act: walkers on a line, each told its place and its goal."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch

PLACES, PATIENCE = 9, 16


class Outcome(NamedTuple):
    """What a move led to, one entry a walker; `after` is seen before a new episode begins."""

    reward: np.ndarray
    arrived: np.ndarray
    gave_up: np.ndarray
    after: np.ndarray


class LineWorld:
    """Action 0 steps left, 1 right. Arriving earns 1 and ends the episode; so does a 16th move, which earns
    nothing."""

    def __init__(self, walkers: int) -> None:
        self.place = np.zeros(walkers, dtype=np.int64)
        self.goal = np.zeros(walkers, dtype=np.int64)
        self.age = np.full(walkers, PATIENCE, dtype=np.int64)

    def see(self) -> np.ndarray:
        """[walkers, 2], both between -1 and 1."""
        return np.stack([self.place, self.goal], 1) * (2.0 / (PLACES - 1)) - 1.0

    def begin(self, who: np.ndarray, generator: torch.Generator) -> None:
        """New episodes for some walkers, the goal elsewhere than the walker."""
        draw = torch.randint(PLACES, (2, len(who)), generator=generator).numpy()
        self.place[who] = draw[0, who]
        self.goal[who] = (draw[0, who] + 1 + draw[1, who] % (PLACES - 1)) % PLACES
        self.age[who] = 0

    def move(self, actions: np.ndarray, generator: torch.Generator) -> Outcome:
        self.place = np.clip(self.place + 2 * actions - 1, 0, PLACES - 1)
        self.age += 1
        arrived = self.place == self.goal
        gave_up = ~arrived & (self.age >= PATIENCE)
        outcome = Outcome(arrived.astype(float), arrived, gave_up, self.see())
        self.begin(arrived | gave_up, generator)
        return outcome

    def state_dict(self) -> dict[str, Any]:
        return {"place": self.place, "goal": self.goal, "age": self.age}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.place, self.goal, self.age = (np.array(state[name]) for name in ("place", "goal", "age"))


def towards_goal(choose: Any) -> float:
    """The share of all (place, goal) pairs in which a policy steps towards the goal."""
    world = LineWorld(PLACES * PLACES)
    world.place, world.goal = (each.ravel() for each in np.divmod(np.arange(PLACES * PLACES), PLACES))
    apart = world.place != world.goal
    return float((choose(world.see())[apart] == (world.goal > world.place)[apart]).mean())
