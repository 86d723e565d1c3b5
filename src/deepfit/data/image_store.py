"""All pictures of a source decoded once, by threads, into one array of bytes.

The array is in memory while small, else in a mapped file. The file is written in order under a temporary
name, flushed to the disk and renamed, so a killed run leaves nothing that looks whole. Its folder is named
for what went into it (names, lengths, times of change or checksums, size), so a resumed run finds it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import uuid
import weakref
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from deepfit.data.image_decode import Broken, decode, look, quiet_decoders
from deepfit.data.image_duplicates import GRID, signatures
from deepfit.data.image_sources import Pictures
from deepfit.errors import DataError, TrainingError
from deepfit.machine import cores

SIDE_LIMIT = 224
"""Pictures of one common size are kept as they are up to 224 x 224 pixels; others are made that small."""

STEPS = (32, 48, 64, 96, 128, 160, 192, SIDE_LIMIT)
"""Sides for pictures of mixed sizes: few, so that a part of the rows gives the same as all."""

MEMORY_LIMIT = 256 << 20
"""Bytes up to which pictures stay in memory where no folder is given for them."""

_VERSION = 1
_BLOCK_BYTES = 4 << 20
_BLOCKS_AT_ONCE = 8

T = TypeVar("T")


@dataclass(frozen=True)
class Decoded:
    """Every picture of a source at one size; the first axis is the position in the source.

    images: uint8 [pictures, height, width, channels], zeros where a picture is broken.
    coloured: bool [pictures], whether any pixel is not grey.
    shapes: int32 [pictures, 2], height and width before resizing.
    prints: uint64 [pictures], a hash of the pixels.
    signature: uint8 [pictures, 256], see `image_duplicates`.
    broken: position -> why the picture cannot be used.
    """

    images: np.ndarray
    coloured: np.ndarray
    shapes: np.ndarray
    prints: np.ndarray
    signature: np.ndarray
    broken: dict[int, str] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of every picture."""
        return self.images.shape[1], self.images.shape[2]


class _Mismatch(Exception):
    """A picture is not of the size or colour that was guessed from the first one."""


def decode_all(
    pictures: Pictures,
    *,
    size: tuple[int, int] | None = None,
    folder: Path | None = None,
    threads: int | None = None,
) -> Generator[int, None, Decoded]:
    """Yields how many pictures are done and returns them decoded.

    size: (height, width) of the result; None: the common size up to 224 x 224, or what `choose_size` says.
    folder: where the array is kept for the next run; None: in memory, or in a temporary file that goes with
    the process.
    """
    place = _place(pictures, size, folder)
    if place is not None and (place / "rows.npz").exists():
        yield len(pictures.names)
        return _load(place)
    with ThreadPoolExecutor(threads or cores(), thread_name_prefix="decode") as pool:
        guess = _guess(pictures, size)
        if guess is not None:
            try:
                return (yield from _fill(pictures, guess, pool, place, exact=size is None))
            except _Mismatch:
                pass  # The headers of all pictures now tell what the first one could not.
        shape = yield from _survey(pictures, size, pool)
        return (yield from _fill(pictures, shape, pool, place, exact=False))


def choose_size(shapes: np.ndarray) -> tuple[int, int]:
    """(height, width) for pictures of these shapes, int [pictures, 2].

    One common shape stays as it is up to 224 x 224 and is otherwise scaled, uncropped, to that many pixels.
    Mixed shapes become a square: the largest of `STEPS` that is not above the median of the shorter sides.
    """
    if (shapes == shapes[0]).all():
        height, width = (int(side) for side in shapes[0])
        if height <= SIDE_LIMIT and width <= SIDE_LIMIT:
            return height, width
        scale = SIDE_LIMIT / np.sqrt(height * width)
        return max(1, round(height * scale)), max(1, round(width * scale))
    median = float(np.median(shapes.min(axis=1)))
    side = max((step for step in STEPS if step <= median), default=max(1, int(median)))
    return side, side


def gather(images: np.ndarray, index: np.ndarray, channels: int) -> np.ndarray:
    """images[index] with 1 or 3 channels.

    A run of neighbours is a view; more than fits in memory is copied into a temporary file.
    RGB becomes grey by the weights of ITU-R BT.601, rounded as Pillow does, so the order of resizing and
    graying does not matter.
    """
    same = channels == images.shape[3]
    if len(index) and same and (np.diff(index) == 1).all():
        return images[index[0] : index[0] + len(index)]
    shape = (len(index), *images.shape[1:3], channels)
    with _Sheet(shape, None) as sheet:
        step = max(1, _BLOCK_BYTES // max(1, int(np.prod(shape[1:]))))
        for start in range(0, len(index), step):
            block = images[index[start : start + step]]
            sheet.write(block if same else np.repeat(block, 3, axis=3) if channels == 3 else _grey(block))
        return sheet.finish()


def _grey(block: np.ndarray) -> np.ndarray:
    wide = block.astype(np.uint32)
    return ((wide[..., :1] * 19595 + wide[..., 1:2] * 38470 + wide[..., 2:] * 7471 + 0x8000) >> 16).astype(
        np.uint8
    )


def _guess(pictures: Pictures, size: tuple[int, int] | None) -> tuple[int, int, int] | None:
    """The first picture's (height, width, channels); None where it does not help."""
    try:
        with quiet_decoders(), pictures.open(0) as picture:
            height, width, grey = look(picture)
    except Broken:
        return None
    if size is not None:
        return (*size, 1 if grey else 3)
    return (height, width, 1 if grey else 3) if max(height, width) <= SIDE_LIMIT else None


def _survey(
    pictures: Pictures, size: tuple[int, int] | None, pool: ThreadPoolExecutor
) -> Generator[int, None, tuple[int, int, int]]:
    """(height, width, channels) for all, from every header."""

    def headers(span: range) -> list[tuple[int, int, bool]]:
        seen = []
        for position in span:
            try:
                with pictures.open(position) as picture:
                    seen.append(look(picture))
            except Broken:
                pass  # Decoding names it, with every other one.
        return seen

    seen: list[tuple[int, int, bool]] = []
    for part in _in_order(pool, headers, _spans(len(pictures.names), 256)):
        seen += part
        yield 0
    if not seen:
        return 1, 1, 1
    height, width = size or choose_size(np.array([each[:2] for each in seen]))
    return height, width, 1 if all(grey for _, _, grey in seen) else 3


def _fill(
    pictures: Pictures,
    shape: tuple[int, int, int],
    pool: ThreadPoolExecutor,
    place: Path | None,
    *,
    exact: bool,
) -> Generator[int, None, Decoded]:
    """Decodes all to one shape; with exact, raises _Mismatch at the first picture of another size."""
    count = len(pictures.names)
    size = None if exact else shape[:2]

    def block(span: range) -> Decoded:
        return _decode_block(pictures, span, shape, size)

    per_block = int(np.clip(_BLOCK_BYTES // int(np.prod(shape)), 1, 512))
    pieces: list[Decoded] = []
    with _Sheet((count, *shape), place) as sheet:
        done = 0
        for piece in _in_order(pool, block, _spans(count, per_block)):
            sheet.write(piece.images)
            pieces.append(
                Decoded(
                    piece.images[:0],
                    piece.coloured,
                    piece.shapes,
                    piece.prints,
                    piece.signature,
                    piece.broken,
                )
            )
            done += len(piece.images)
            yield done
        names = ("coloured", "shapes", "prints", "signature")
        known = {name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in names}
        broken = {position: why for piece in pieces for position, why in piece.broken.items()}
        return Decoded(sheet.finish(known, broken), **known, broken=broken)


def _decode_block(
    pictures: Pictures, span: range, shape: tuple[int, int, int], size: tuple[int, int] | None
) -> Decoded:
    images = np.zeros((len(span), *shape), np.uint8)
    shapes = np.zeros((len(span), 2), np.int32)
    prints = np.zeros(len(span), np.uint64)
    broken: dict[int, str] = {}
    for row, position in enumerate(span):
        try:
            with pictures.open(position) as picture:
                height, width, _ = look(picture)
                pixels = decode(picture, size)
        except Broken as error:
            broken[position] = str(error)
            continue
        if pixels.shape[:2] != shape[:2] or (pixels.ndim == 3 and shape[2] == 1):
            raise _Mismatch
        shapes[row] = height, width
        images[row] = pixels if pixels.ndim == 3 else pixels[..., None]
    coloured = (images != images[..., :1]).any(axis=(1, 2, 3)) if shape[2] == 3 else np.zeros(len(span), bool)
    for row in range(len(span)):
        content = images[row] if coloured[row] else images[row, ..., 0]
        prints[row] = int.from_bytes(hashlib.blake2b(content.tobytes(), digest_size=8).digest(), "little")
    return Decoded(images, coloured, shapes, prints, signatures(images), broken)


def _spans(count: int, step: int) -> Iterator[range]:
    return (range(start, min(start + step, count)) for start in range(0, count, step))


def _in_order(pool: ThreadPoolExecutor, work: Callable[[range], T], spans: Iterator[range]) -> Iterator[T]:
    """Results in order, a handful of blocks at a time.

    Memory stays small, and nothing runs while the consumer has its turn, since
    the silence of the decoders holds for the whole process and must not reach the consumer.
    """
    while True:
        with quiet_decoders():
            results = list(pool.map(work, islice(spans, _BLOCKS_AT_ONCE)))
        if not results:
            return
        yield from results


class _Sheet:
    """A large array written from start to end: in memory, or in a file that gets its name when it is whole.

    Ordinary writes rather than a mapping while it grows, since a full disk then raises an error instead of
    a bus signal.
    """

    def __init__(self, shape: Sequence[int], place: Path | None) -> None:
        self._shape = tuple(shape)
        self._place = place
        self._row = 0
        self._array = np.empty(0, np.uint8)
        self._temporary: Path | None = None
        bytes_needed = int(np.prod(self._shape))
        if place is None and bytes_needed <= MEMORY_LIMIT:
            self._array = np.empty(self._shape, np.uint8)
            return
        try:
            if place is None:
                self._temporary = Path(tempfile.mkdtemp(prefix="deepfit-"))
            else:
                self._temporary = place.with_name(f"{place.name}.{uuid.uuid4().hex[:8]}.part")
                self._temporary.mkdir(parents=True)
            self._file = open(self._temporary / "images.npy", "wb")  # noqa: SIM115 (closed by finish or __exit__)
        except OSError as error:
            raise DataError(f"{error.filename}: pictures cannot be kept there: {error.strerror}.") from error
        np.lib.format.write_array_header_1_0(
            self._file, {"descr": "|u1", "fortran_order": False, "shape": self._shape}
        )

    def write(self, block: np.ndarray) -> None:
        if self._temporary is None:
            self._array[self._row : self._row + len(block)] = block
        else:
            try:
                self._file.write(np.ascontiguousarray(block).data)
            except OSError as error:
                raise self._full(error) from error
        self._row += len(block)

    def finish(
        self, known: dict[str, np.ndarray] | None = None, broken: dict[int, str] | None = None
    ) -> np.ndarray:
        """The array; with a place, kept there together with what is known of its rows."""
        if self._temporary is None:
            return self._array
        try:
            if self._place is not None:
                words = np.frombuffer(json.dumps(broken or {}).encode(), np.uint8)
                with open(self._temporary / "rows.npz", "wb") as file:
                    np.savez(file, allow_pickle=False, broken=words, **(known or {}))
                    file.flush()
                    os.fsync(file.fileno())
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise self._full(error) from error
        if self._place is None:
            images = _map(self._temporary / "images.npy")
            weakref.finalize(images, shutil.rmtree, self._temporary, True)
        else:
            try:
                self._temporary.rename(self._place)
            except OSError:
                if not (self._place / "rows.npz").exists():
                    raise
                shutil.rmtree(self._temporary)  # Another process was quicker with the same pictures.
            images = _map(self._place / "images.npy")
        self._temporary = None
        return images

    def _full(self, error: OSError) -> TrainingError:
        megabytes = int(np.prod(self._shape)) // 1_000_000 + 1
        return TrainingError(
            f"{self._temporary}: the decoded pictures need {megabytes:,} MB there: {error.strerror}. "
            "Make room."
        )

    def __enter__(self) -> _Sheet:
        return self

    def __exit__(self, *error: object) -> None:
        if self._temporary is not None:
            with suppress(
                OSError
            ):  # A full disk has been reported already; closing tries to write the rest once more.
                self._file.close()
            shutil.rmtree(self._temporary, ignore_errors=True)


def _map(path: Path) -> np.ndarray:
    # Mode c: writable in memory as tensors want it, while the file stays as it is.
    return np.load(path, mmap_mode="c")


def _place(pictures: Pictures, size: tuple[int, int] | None, folder: Path | None) -> Path | None:
    """The folder for this content at this size."""
    identity = pictures.identity() if folder is not None else None
    if folder is None or identity is None:
        return None
    key = hashlib.sha256(json.dumps([_VERSION, GRID, size, identity]).encode()).hexdigest()
    return folder / f"pictures-{key[:32]}"


def _load(place: Path) -> Decoded:
    with np.load(place / "rows.npz") as rows:
        broken = {int(position): why for position, why in json.loads(rows["broken"].tobytes()).items()}
        known = {name: rows[name] for name in ("coloured", "shapes", "prints", "signature")}
    return Decoded(_map(place / "images.npy"), **known, broken=broken)
