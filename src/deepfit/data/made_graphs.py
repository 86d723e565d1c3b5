"""Made graphs for tiny tasks: the bag of their nodes says little, who is beside whom says all."""

from __future__ import annotations

from typing import Any

import numpy as np


def beads(count: int, seed: int) -> tuple[dict[str, dict[str, Any]], np.ndarray]:
    """Tables of rings and chains of red and blue beads, and of each whether two red ones touch.

    Each has two red beads, so that counting them tells nothing.
    """
    rng = np.random.default_rng(seed)
    nodes: dict[str, list[Any]] = {"graph": [], "node": [], "colour": [], "size": []}
    edges: dict[str, list[Any]] = {"graph": [], "source": [], "target": [], "thread": []}
    touching = rng.random(count) < 0.5
    for number in range(count):
        size, ring = int(rng.integers(6, 11)), bool(rng.random() < 0.5)
        first = int(rng.integers(0, size - 1))
        apart = [
            place
            for place in range(size)
            if abs(place - first) > 1 and not (ring and size - 1 == abs(place - first))
        ]
        second = first + 1 if touching[number] else int(rng.choice(apart))
        nodes["graph"] += [f"g{number}"] * size
        nodes["node"] += list(range(size))
        nodes["colour"] += ["red" if place in (first, second) else "blue" for place in range(size)]
        nodes["size"] += rng.normal(1, 0.1, size).tolist()
        pairs = [(place, (place + 1) % size) for place in range(size if ring else size - 1)]
        edges["graph"] += [f"g{number}"] * len(pairs)
        edges["source"] += [source for source, _ in pairs]
        edges["target"] += [target for _, target in pairs]
        edges["thread"] += rng.choice(["silk", "wool"], len(pairs)).tolist()
    graphs = {"graph": [f"g{number}" for number in range(count)]}
    return {"graphs": graphs, "nodes": nodes, "edges": edges}, touching
