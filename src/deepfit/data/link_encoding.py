"""Links as numbers for a network: nodes with the edges that may be heard, pairs, what their ends share."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import numpy as np

from deepfit.contract import Batch, Facts
from deepfit.data.graph_encoding import encode_nodes, learn_nodes
from deepfit.data.graph_options import GraphOptions
from deepfit.data.link_draws import in_common, no_links
from deepfit.data.link_rows import LinkRows


def learn_links(train: LinkRows, options: GraphOptions) -> dict[str, Any]:
    """As `learn_nodes`, from the graph of the training links; and which links these are, a bit each."""
    seen = np.zeros(len(train.whole.pairs), bool)
    seen[train.index] = True
    packed = b64encode(np.packbits(seen).tobytes()).decode()
    return {**learn_nodes(train.whole.heard(seen), options), "seen": packed}


def encode_links(rows: LinkRows, facts: Facts, *, negatives: int, seed: int) -> Batch:
    """The data contract of link prediction.

    `nodes` Nodes, of which each row means its first; they hear the edges of the training links alone, or of
    asked pairs all other edges. `pairs` int64 [rows, 1 + 2 negatives, 2]: the link, pairs drawn at random,
    hard ones; of links to train on, or asked about and not scored, the link alone. `shared` float32 [rows,
    1 + 2 negatives, counts]: see `in_common`.
    """
    seen = None if rows.whole.asked else seen_links(rows, facts)
    heard = rows.whole.heard(seen)
    pairs = rows.pairs[:, None]
    if rows.scored and (seen is None or not seen[rows.index].all()):
        pairs = candidates(rows, heard.whole.graph, negatives=negatives, seed=seed)
    shared = in_common(heard.whole.graph, pairs.reshape(-1, 2)).reshape(*pairs.shape[:2], -1)
    return {"nodes": encode_nodes(heard, facts).at(rows.pairs[:, 0]), "pairs": pairs, "shared": shared}


def candidates(rows: LinkRows, heard: Any, *, negatives: int, seed: int) -> np.ndarray:
    """Each link and as many random, then as many hard pairs that are none, int64 [rows, 1 + 2 negatives, 2].

    None is a link of any part. heard: the graph in which hard ones are looked for.
    """
    drawn = no_links(
        rows.pairs, avoid=rows.whole.linked(), heard=heard, easy=negatives, hard=negatives, seed=seed
    )
    return np.concatenate([rows.pairs[:, None], drawn], 1)


def seen_links(rows: LinkRows, facts: Facts) -> np.ndarray:
    """Bool [links of the source], which of them were trained on."""
    bits = np.frombuffer(b64decode(facts["seen"]), np.uint8)
    return np.unpackbits(bits, count=len(rows.whole.pairs)).astype(bool)
