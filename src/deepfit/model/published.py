"""A published encoder of texts, from its folder, without any training: for vectors and for search."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import numpy as np

from deepfit.data.pairs import read_items
from deepfit.data.text_rows import TextRows
from deepfit.errors import ArtifactError
from deepfit.model.embedded import Embedded, Embedder
from deepfit.model.model import load


class PublishedEncoder:
    """The folder of a sentence encoder (modules.json), or of a bare encoder, whose tokens' mean is taken.

    Its vectors are those that the publisher's own library gives, so texts are cut where that cuts them, which
    is said.
    """

    def __init__(self, folder: str | Path) -> None:
        from deepfit.data.tokens import load_vocabulary
        from deepfit.nn.pretrained_text import load_sentence_encoder, read_settings

        self.folder = Path(folder)
        self.net, _ = load_sentence_encoder(folder)
        self.vocabulary = load_vocabulary(read_settings(folder).transformer, longest=self.net.longest)

    def __repr__(self) -> str:
        return f"<deepfit.PublishedEncoder {self.folder}>"

    def items(self, source: Any) -> TextRows:
        """The texts of a source: of a column `text`, a folder of .txt files, a list."""
        return read_items(source, {})

    def embedded_rows(self, rows: TextRows) -> Embedded:
        """The vectors of texts."""
        from deepfit.plans.foresight import foresee_by_length
        from deepfit.plans.text_vectors import of_tokens

        ids, _ = self.vocabulary.encode_ragged(rows.texts())
        vectors = foresee_by_length(self.net, {"tokens": ids}, of_tokens(self.net), by="tokens")
        full = int((ids.lengths >= self.net.longest).sum())
        notes = (
            f"{full:,} of {len(rows):,} texts fill the {self.net.longest} tokens that {self.folder.name} "
            "reads; what stands behind them is not in the vectors."
        )
        return Embedded(vectors, rows, (notes,) if full else ())

    def embedded(self, source: Any) -> Embedded:
        """The vectors of what a source holds, and what they are of."""
        return self.embedded_rows(self.items(source))

    def embed(self, source: Any) -> np.ndarray:
        """One vector a text, float32 [rows, width]."""
        return self.embedded(source).vectors


def open_embedder(folder: str | Path) -> Embedder:
    """The model of a run or model folder, or the published encoder of a folder; ArtifactError for others."""
    path = Path(folder)
    if (path / "modules.json").is_file() or _model_type(path) is not None:
        return PublishedEncoder(path)
    return load(path)


def _model_type(path: Path) -> str | None:
    """What config.json calls a published network, None where there is none such."""
    config = path / "config.json"
    if not config.is_file():
        return None
    try:
        content = json.loads(config.read_text("utf-8"))
    except ValueError as error:
        raise ArtifactError(f"{config}: not readable as JSON ({error}).") from error
    return cast("dict[str, Any]", content).get("model_type") if isinstance(content, dict) else None
