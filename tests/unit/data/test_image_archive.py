"""Archives that must be refused, and damage that must be noticed."""

import io
import stat
import struct
import zipfile

import pytest

from deepfit.data import image_archive
from deepfit.data.image_archive import Archive
from deepfit.data.image_decode import Broken
from deepfit.errors import DataError


def archive(folder, entries, method=zipfile.ZIP_DEFLATED):
    path = folder / "photos.zip"
    with zipfile.ZipFile(path, "w", method) as target:
        for name, content in entries:
            target.writestr(name, content)
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_entries_read_as_they_were_written(tmp_path, method):
    entries = [("a/1.png", b"x" * 1000), ("./b/2.png", b""), ("b/ü.png", bytes(range(256)))]
    opened = Archive(archive(tmp_path, entries, method))
    assert opened.names == ["a/1.png", "b/2.png", "b/ü.png"]
    assert [opened.read(name) for name in opened.names] == [content for _, content in entries]


def test_bytes_before_the_archive_do_not_disturb(tmp_path):
    path = archive(tmp_path, [("a.png", b"content")])
    path.write_bytes(b"#!/bin/sh\n" + path.read_bytes())
    assert Archive(path).read("a.png") == b"content"


@pytest.mark.parametrize(
    "name", ["../evil.png", "a/../../evil.png", "/etc/evil.png", "..\\evil.png", "C:\\evil.png"]
)
def test_a_name_that_points_outside_refuses_the_archive(tmp_path, name):
    with pytest.raises(DataError, match="points outside"):
        Archive(archive(tmp_path, [("a/1.png", b"x"), (name, b"x")]))


def test_a_link_refuses_the_archive(tmp_path):
    link = zipfile.ZipInfo("a/link.png")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with pytest.raises(DataError, match="is a link"):
        Archive(archive(tmp_path, [(link, "/etc/passwd")]))


def test_an_encrypted_entry_refuses_the_archive(tmp_path):
    path = archive(tmp_path, [("a.png", b"x")])
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="encrypted"):
        Archive(path)


def test_an_unusual_compression_is_named(tmp_path):
    with pytest.raises(DataError, match="method 12"):
        Archive(archive(tmp_path, [("a.png", b"x" * 100)], zipfile.ZIP_BZIP2))


def test_a_name_given_twice_refuses_the_archive(tmp_path):
    with pytest.raises(DataError, match="there twice"):
        Archive(archive(tmp_path, [("a.png", b"x"), ("./a.png", b"y")]))


def test_an_archive_that_blows_up_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(image_archive, "FREE_BYTES", 1 << 20)
    path = archive(tmp_path, [("a.bmp", bytes(8 << 20))])
    with pytest.raises(DataError, match="would grow from"):
        Archive(path)


def test_a_single_entry_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(image_archive, "ENTRY_LIMIT", 1000)
    with pytest.raises(DataError, match="claims 1,001 bytes"):
        Archive(archive(tmp_path, [("a.bmp", bytes(1001))]))


def test_entries_that_overlap_are_refused(tmp_path):
    path = archive(tmp_path, [("a.png", b"x" * 500)], zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\x01\x02")
    content[place + 20 : place + 28] = struct.pack("<II", 5000, 5000)
    path.write_bytes(content)
    with pytest.raises(DataError, match="overlap"):
        Archive(path)


def test_an_entry_that_is_longer_than_promised_is_not_read_to_its_end(tmp_path):
    path = archive(tmp_path, [("a.bmp", bytes(1 << 20))])
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\x01\x02")
    content[place + 24 : place + 28] = struct.pack("<I", 100)
    path.write_bytes(content)
    assert len(image_archive._inflate(_packed(path), 100)) == 101
    with pytest.raises(Broken, match="length or checksum"):
        Archive(path).read("a.bmp")


def test_a_flipped_byte_is_noticed(tmp_path):
    path = archive(tmp_path, [("a.png", b"hello world")], zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b"hello", b"hallo"))
    with pytest.raises(Broken, match="checksum"):
        Archive(path).read("a.png")


def test_a_local_header_in_the_wrong_place_is_noticed(tmp_path):
    path = archive(tmp_path, [("a.png", b"hello world")], zipfile.ZIP_STORED)
    path.write_bytes(b"XX" + path.read_bytes()[2:])
    with pytest.raises(Broken, match="directory"):
        Archive(path).read("a.png")


@pytest.mark.parametrize("content", [b"", b"no archive at all"])
def test_a_file_that_is_no_archive_is_named(tmp_path, content):
    path = tmp_path / "photos.zip"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"photos\.zip is no readable \.zip"):
        Archive(path)


def test_a_truncated_archive_is_named(tmp_path):
    path = archive(tmp_path, [("a.png", bytes(range(256)) * 10)])
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match="Was it copied in full"):
        Archive(path)


def _packed(path):
    with zipfile.ZipFile(path) as opened:
        entry = opened.infolist()[0]
    stream = io.BytesIO(path.read_bytes())
    stream.seek(entry.header_offset + 30 + len(entry.filename))
    return stream.read(entry.compress_size)
