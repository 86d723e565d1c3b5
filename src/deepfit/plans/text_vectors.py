"""What tasks that make one vector of a text share: the network, and asking it about texts of any length."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor, nn

from deepfit.contract import Batch, Facts
from deepfit.data.ragged import Ragged
from deepfit.data.text_ids import learned_ids, windows_of
from deepfit.data.text_windows import joined
from deepfit.data.tokens import load_vocabulary
from deepfit.nn.nets.transformer_encoder import TransformerEncoder
from deepfit.nn.nets.word_average import WordAverage
from deepfit.nn.pretrained_text import load_sentence_encoder, read_arguments, read_settings
from deepfit.nn.sentence_encoder import SentenceEncoder
from deepfit.plans.foresight import foresee_by_length

WIDTH = 256
"""Of a Transformer that is learned from nothing; its other sizes follow."""


def base_facts(folder: str | Path) -> dict[str, Any]:
    """Sizes of the network in a published folder, and how it makes one vector of a text."""
    settings = read_settings(folder)
    _, arguments = read_arguments(settings.transformer)
    arguments.pop("pooled", None)
    places = arguments["positions"] - arguments.get("first_position", 0)
    return {
        "arguments": arguments,
        "pooling": settings.pooling,
        "normalise": settings.normalise,
        "longest": min(settings.longest or places, places),
        "width": arguments["width"],
    }


def base_facts_and_vocabulary(folder: str | Path) -> dict[str, Any]:
    """As `base_facts`, with the folder's vocabulary, so that facts are all that texts are encoded by."""
    vocabulary = load_vocabulary(read_settings(folder).transformer)
    return {**base_facts(folder), **learned_ids(vocabulary)}


def network(name: str, facts: Facts) -> nn.Module:
    """The network by name, or, where facts hold the sizes of a published one, that: BT, BT -> BD."""
    if "arguments" in facts:
        encoder = TransformerEncoder(**{**facts["arguments"], "pooled": False})
        how = {"pooling": facts["pooling"], "normalise": facts["normalise"], "longest": facts["longest"]}
        return SentenceEncoder(encoder, **how)
    if name == "word_average":
        return WordAverage(facts["num_tokens"], width=facts["width"])
    encoder = TransformerEncoder(
        facts["num_tokens"],
        width=facts["width"],
        layers=4,
        heads=4,
        hidden=4 * facts["width"],
        positions=facts["longest"],
        types=0,
        pooled=False,
    )
    return SentenceEncoder(encoder, pooling="mean", normalise=True)


def load_base(net: nn.Module, folder: str | Path) -> None:
    """Put the weights of a published folder into a network that `network` built for it."""
    found, _ = load_sentence_encoder(folder)
    net.load_state_dict({k: v for k, v in found.state_dict().items() if not k.startswith("encoder.pooler.")})


def vectors(net: nn.Module, ids: Ragged, facts: Mapping[str, Any]) -> np.ndarray:
    """One vector a text, float32 [rows, width]: of a text of several windows their mean's."""
    if not len(ids):
        return np.zeros((0, facts["width"]), np.float32)
    windows = windows_of(ids, facts)
    said = foresee_by_length(net, {"tokens": windows.tokens}, of_tokens(net), by="tokens")
    if len(said) == len(ids):
        return said
    found = joined(said, windows, len(ids))
    return unit(found) if facts.get("normalise", True) else found


def of_tokens(net: nn.Module, name: str = "tokens") -> Any:
    """The network as a function of a batch that holds texts under this name."""

    def forward(batch: Batch) -> Tensor:
        return net(batch[name], batch[f"{name}_keep"])

    return forward


def unit(vectors_ND: np.ndarray) -> np.ndarray:
    """Vectors of length 1; one of zeros stays."""
    return vectors_ND / np.maximum(np.linalg.norm(vectors_ND, axis=1, keepdims=True), 1e-12)
