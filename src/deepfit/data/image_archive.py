"""Pictures inside a .zip, read in place.

Nothing is unpacked, so nothing can be written where it should not be.
Names that point outside, links, encrypted entries, names given twice and archives that blow up are refused
before anything is decompressed; sizes and checksums are held against the archive's directory while reading,
since a directory can lie.
"""

from __future__ import annotations

import mmap
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from deepfit.data.image_decode import Broken
from deepfit.errors import DataError

ENTRY_LIMIT = 1 << 30
"""Bytes of one decompressed entry; the largest picture that is decoded, 16 bits by 4 channels, has fewer."""

RATIO_LIMIT = 100
"""How often larger than the archive its content may be, once above `FREE_BYTES`; photographs stay near 1."""

FREE_BYTES = 1 << 30


class Archive:
    """A .zip that may be read by several threads at once.

    names: the files in it, as relative paths with forward slashes.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with zipfile.ZipFile(path) as archive:
                entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            with open(path, "rb") as file:
                self._bytes = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
            raise DataError(f"{path} is no readable .zip ({error}). Was it copied in full?") from error
        except OSError as error:
            raise DataError(f"{path} cannot be opened: {error.strerror}.") from error
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in entries:
            self._admit(entry)
        self._weigh()

    @property
    def names(self) -> list[str]:
        """The files in it, as relative paths with forward slashes."""
        return list(self._entries)

    def checksum(self, name: str) -> str:
        """What identifies an entry's content: its length and CRC-32."""
        entry = self._entries[name]
        return f"{entry.file_size}:{entry.CRC:08x}"

    def read(self, name: str) -> bytes:
        """An entry's content; Broken where it is damaged or other than the directory says."""
        entry = self._entries[name]
        header = self._bytes[entry.header_offset : entry.header_offset + 30]
        if len(header) < 30 or header[:4] != b"PK\x03\x04":
            raise Broken("is not where the archive's directory says. The .zip is damaged")
        start = entry.header_offset + 30 + sum(struct.unpack("<HH", header[26:30]))
        packed = self._bytes[start : start + entry.compress_size]
        try:
            content = (
                packed if entry.compress_type == zipfile.ZIP_STORED else _inflate(packed, entry.file_size)
            )
        except zlib.error as error:
            raise Broken(f"cannot be decompressed ({error}). The .zip is damaged") from error
        if len(content) != entry.file_size or zlib.crc32(content) != entry.CRC:
            raise Broken(
                "differs from the length or checksum in the archive's directory. The .zip is damaged"
            )
        return content

    def _admit(self, entry: zipfile.ZipInfo) -> None:
        name = entry.filename.replace("\\", "/")
        where = f"{self.path}: the entry {entry.filename!r}"
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or name[1:2] == ":":
            raise DataError(
                f"{where} points outside the archive, so the archive is refused. Pack the folder itself."
            )
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise DataError(
                f"{where} is a link, so the archive is refused. Pack the files that links point to."
            )
        if entry.flag_bits & 0x1:
            raise DataError(f"{where} is encrypted. Pack the folder without a password.")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DataError(
                f"{where} is compressed by method {entry.compress_type}. Pack it with deflate, the usual "
                "method."
            )
        if entry.file_size > ENTRY_LIMIT:
            raise DataError(
                f"{where} claims {entry.file_size:,} bytes, more than the {ENTRY_LIMIT:,} that are read."
            )
        clean = str(path)
        if clean in self._entries:
            raise DataError(f"{where} is there twice. Pack the folder anew.")
        self._entries[clean] = entry

    def _weigh(self) -> None:
        size = len(self._bytes)
        packed = sum(entry.compress_size for entry in self._entries.values())
        content = sum(entry.file_size for entry in self._entries.values())
        if packed > size:
            raise DataError(
                f"{self.path}: its entries overlap ({packed:,} bytes in a file of {size:,}), so it is "
                "refused."
            )
        if content > max(FREE_BYTES, RATIO_LIMIT * size):
            raise DataError(
                f"{self.path} would grow from {size:,} to {content:,} bytes, more than {RATIO_LIMIT} "
                "times, so it is refused. "
                "Unpack it yourself if you trust it, and name the folder."
            )


def _inflate(packed: bytes, length: int) -> bytes:
    """Raw deflate, never more than one byte past the length that was promised."""
    stream = zlib.decompressobj(-15)
    return stream.decompress(packed, length + 1)
