"""Answers that are pictures, as texts that any table, JSON line or page can hold."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepfit.errors import DataError

PREFIX = "data:image/png;base64,"
CHANNELS = (1, 3, 4)
"""Grey, colour, and colour with opacity."""


def to_text(images: NDArray[np.uint8]) -> NDArray[np.object_]:
    """Each picture as "data:image/png;base64,...", without loss: object [n] of uint8 [n, h, w, c].

    c is 1 (grey), 3 (red, green, blue) or 4 (and opacity). ValueError for anything else.
    """
    if images.ndim != 4 or images.dtype != np.uint8 or images.shape[-1] not in CHANNELS:
        raise ValueError(
            f"pictures are uint8 [n, h, w, 1, 3 or 4], received {images.dtype} {list(images.shape)}"
        )
    texts = np.empty(len(images), object)
    for row, image in enumerate(images):
        file = io.BytesIO()
        as_picture(image).save(file, format="PNG")
        texts[row] = PREFIX + base64.b64encode(file.getvalue()).decode("ascii")
    return texts


def from_text(texts: Iterable[Any]) -> NDArray[np.uint8]:
    """The pictures uint8 [n, h, w, c] of texts that `to_text` made; of no texts uint8 [0, 0, 0, 1].

    DataError where a text is no such picture, or one of another size than the first.
    """
    from PIL import Image

    images: list[NDArray[np.uint8]] = []
    for row, text in enumerate(texts, 1):
        if not isinstance(text, str) or not text.startswith(PREFIX):
            raise DataError(
                f"row {row}: expected a picture as '{PREFIX}...', received {str(text)[:40]!r}. "
                "`deepfit sample` and `deepfit predict` write them so."
            )
        try:
            # strict, so that a text that was cut or altered is found here and not shown as noise
            content = base64.b64decode(text[len(PREFIX) :], validate=True)
            with Image.open(io.BytesIO(content), formats=["PNG"]) as picture:
                image = np.asarray(picture, np.uint8)
        except (ValueError, OSError, SyntaxError) as error:  # Pillow's readers raise all three
            raise DataError(f"row {row}: the text is no picture in PNG ({error}).") from None
        image = image[..., None] if image.ndim == 2 else image
        if images and image.shape != images[0].shape:
            raise DataError(
                f"row {row}: a picture of {_size(image)}, where the first is one of {_size(images[0])}."
            )
        images.append(image)
    return np.stack(images) if images else np.zeros((0, 0, 0, 1), np.uint8)


def as_picture(image: NDArray[np.uint8]) -> Any:
    """One picture uint8 [h, w, c] as Pillow's."""
    from PIL import Image

    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def _size(image: NDArray[np.uint8]) -> str:
    return f"{image.shape[1]} x {image.shape[0]} with {image.shape[2]} channel{'s' * (image.shape[2] > 1)}"
