"""One picture: from whatever a file holds to plain eight-bit grey or RGB, upright.

Every other reader of pictures goes through `decode`, so a picture means the same at training and at
prediction. What an encoded file may look like is decided here: PNG, JPEG, WebP, BMP, TIFF, GIF (first
frame) and PNM, in the modes 1, L, LA, P, RGB, RGBA, CMYK, YCbCr, 16-bit grey, 32-bit integer and float.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import BinaryIO

import numpy as np
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from deepfit.errors import DataError

FORMATS = tuple(
    each.format or ""
    for each in (
        PngImagePlugin.PngImageFile,
        JpegImagePlugin.JpegImageFile,
        WebPImagePlugin.WebPImageFile,
        BmpImagePlugin.BmpImageFile,
        BmpImagePlugin.DibImageFile,
        TiffImagePlugin.TiffImageFile,
        GifImagePlugin.GifImageFile,
        PpmImagePlugin.PpmImageFile,
    )
)
"""The only decoders that a file may reach: others (EPS among them) start programs or read further files."""

SUFFIXES = frozenset(
    {".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif"}
    | {".ppm", ".pgm", ".pbm", ".pnm"}
)
PIXEL_LIMIT = 100_000_000
"""The largest picture that is decoded, in pixels; known from the header, before memory is taken."""


GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "F", "I;16", "I;16B", "I;16L", "I;16N"})
ORIENTATION = 0x0112


class Broken(DataError):
    """Why one picture cannot be used: the rest of a sentence that begins with its name."""


def is_picture_name(name: str) -> bool:
    """Whether a file's name ends like a picture's."""
    return PurePath(name).suffix.lower() in SUFFIXES


def open_picture(stream: str | BinaryIO) -> Image.Image:
    """A picture of which only the header is read; Broken where there is none or where it is too large."""
    try:
        picture = Image.open(stream, formats=FORMATS)
    except UnidentifiedImageError:
        raise Broken(f"{_emptiness(stream)}. Replace the file or remove it") from None
    except Image.DecompressionBombError as error:
        raise Broken(f"is too large to decode safely ({error})") from None
    except Exception as error:
        # Decoders raise whatever a damaged header makes them stumble over: SyntaxError, struct.error.
        raise Broken(f"cannot be read ({_words(error)}). Replace the file or remove it") from error
    if picture.width * picture.height > PIXEL_LIMIT:
        picture.close()
        raise Broken(
            f"has {picture.width} x {picture.height} pixels, more than the {PIXEL_LIMIT:,} that are "
            "decoded. Make it smaller"
        )
    return picture


def look(picture: Image.Image) -> tuple[int, int, bool]:
    """(height, width, grey) as the decoded picture will have them, from the header alone."""
    # PNG would have to be decoded in full to find metadata behind its pixels; TIFF has turned it already.
    known = picture.format != "TIFF" if picture.format != "PNG" else "exif" in picture.info
    turned = known and picture.getexif().get(ORIENTATION, 1) in (5, 6, 7, 8)
    height, width = (picture.width, picture.height) if turned else (picture.height, picture.width)
    return height, width, picture.mode in GREY_MODES


def decode(picture: Image.Image, size: tuple[int, int] | None = None) -> np.ndarray:
    """The pixels as uint8: [height, width] where the mode is grey, else [height, width, 3]; or Broken.

    size: (height, width) to bring the picture to: scaled until it just covers the size, then cut around the
    centre. Transparency is laid over white. 16-bit values are divided by 257, so 0 stays 0 and 65535
    becomes 255; 32-bit integers must be 16-bit values. Floats count as [0, 1] if none is above 1, else as
    [0, 255]; others are refused, never clipped.
    """
    try:
        if size is not None and picture.format in ("JPEG", "MPO"):
            # Skips frequencies that the resize would drop; twice the size leaves its antialiasing to it.
            picture.draft(None, (2 * max(size), 2 * max(size)))
        picture.load()
        if picture.getexif().get(ORIENTATION, 1) != 1:
            picture = ImageOps.exif_transpose(picture)
        plain = _plain(picture)
        if size is not None and plain.size != (size[1], size[0]):
            plain = ImageOps.fit(plain, (size[1], size[0]), method=Image.Resampling.BILINEAR)
        return np.asarray(plain)
    except Broken:
        raise
    except Exception as error:
        raise Broken(f"is damaged ({_words(error)}). Replace the file or remove it") from error


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Silences Pillow while pictures are decoded: odd metadata, and large pictures (the limit is ours).

    Filters belong to the process: enter this around work, never around a yield.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\..*")
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


def _plain(picture: Image.Image) -> Image.Image:
    """The picture in mode L or RGB."""
    mode = picture.mode
    if mode == "L" and "transparency" not in picture.info:
        return picture
    if mode == "RGB" and "transparency" not in picture.info:
        return picture
    if mode.startswith("I;16"):
        return Image.fromarray(((np.asarray(picture).astype(np.uint32) + 128) // 257).astype(np.uint8))
    if mode in ("I", "F"):
        return Image.fromarray(_narrow(np.asarray(picture), mode))
    if mode in ("La", "RGBa"):
        picture = picture.convert("LA" if mode == "La" else "RGBA")
    elif "transparency" in picture.info or mode == "PA":
        picture = picture.convert("LA" if mode in ("1", "L") else "RGBA")
    if picture.mode in ("LA", "RGBA"):
        colour = "L" if picture.mode == "LA" else "RGB"
        paper = Image.new(colour, picture.size, "white")
        paper.paste(picture.convert(colour), mask=picture.getchannel("A"))
        return paper
    if mode == "1":
        return picture.convert("L")
    if mode in ("P", "CMYK", "YCbCr", "HSV", "RGBX"):
        return picture.convert("RGB")
    raise Broken(f"has the colour mode {mode}, which cannot be read. Save it as RGB or grey")


def _narrow(values: np.ndarray, mode: str) -> np.ndarray:
    """32-bit integers or floats as uint8."""
    if not np.isfinite(values).all():
        raise Broken("holds values that are not finite. Save it with 8 or 16 bits")
    low, high = float(values.min()), float(values.max())
    limit = 65535 if mode == "I" else 255
    if low < 0 or high > limit:
        raise Broken(
            f"holds values from {low:g} to {high:g}, expected 0 to {limit}. Save it with 8 or 16 bits"
        )
    if mode == "I":
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return np.rint(values.astype(np.float64) * (255 if high <= 1 else 1)).astype(np.uint8)


def _emptiness(stream: str | BinaryIO) -> str:
    if isinstance(stream, str):
        with open(stream, "rb") as file:
            head = file.read(16)
    else:
        stream.seek(0)
        head = stream.read(16)
    return f"is no picture (it begins with {head!r})" if head else "is empty (zero bytes)"


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
