"""Pictures as texts come back as they were, and what is no such text is named."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from deepfit.answers import pictures
from deepfit.errors import DataError


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_come_back_as_they_were(channels):
    images = np.random.default_rng(0).integers(0, 256, (5, 7, 3, channels), dtype=np.uint8)
    texts = pictures.to_text(images)
    assert texts.dtype == object
    np.testing.assert_array_equal(pictures.from_text(texts), images)


def test_the_text_is_a_png_that_a_browser_shows():
    image = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)
    kind, content = pictures.to_text(image)[0].split(",")
    assert kind == "data:image/png;base64"
    shown = Image.open(io.BytesIO(base64.b64decode(content)))
    assert shown.format == "PNG"
    assert [shown.getpixel((1, 0)), shown.getpixel((0, 1))] == [(3, 4, 5), (6, 7, 8)]


def test_no_pictures_are_no_texts_and_back():
    texts = pictures.to_text(np.zeros((0, 4, 4, 3), np.uint8))
    assert texts.tolist() == []
    assert pictures.from_text(texts).size == 0


@pytest.mark.parametrize(
    "images",
    [np.zeros((2, 4, 4), np.uint8), np.zeros((2, 4, 4, 2), np.uint8), np.zeros((2, 4, 4, 3), np.float32)],
)
def test_what_is_no_picture_is_refused(images):
    with pytest.raises(ValueError, match="pictures are uint8"):
        pictures.to_text(images)


def test_texts_that_hold_no_picture_are_named_by_row():
    good = pictures.to_text(np.zeros((1, 4, 4, 1), np.uint8))[0]
    other = pictures.to_text(np.zeros((1, 4, 5, 3), np.uint8))[0]
    for wrong, said in [
        ("cat.png", r"row 2: expected a picture as 'data:image/png;base64,...', received 'cat.png'"),
        (None, "row 2: expected a picture"),
        (good[:60], "row 2: the text is no picture"),
        (pictures.PREFIX + "?", "row 2: the text is no picture"),
        (other, "row 2: a picture of 5 x 4 with 3 channels, where the first is one of 4 x 4 with 1 channel"),
    ]:
        with pytest.raises(DataError, match=said):
            pictures.from_text([good, wrong])
