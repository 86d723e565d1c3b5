"""Decoded values against arrays made by hand."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from deepfit.data import image_decode
from deepfit.data.image_decode import Broken, decode, is_picture_name, look, open_picture, quiet_decoders

GREY = np.array([[0, 100, 255], [7, 128, 200]], np.uint8)
RGB = np.array(
    [[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[10, 20, 30], [200, 100, 50], [255, 255, 255]]], np.uint8
)


def encoded(picture, kind, **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    stream.seek(0)
    return stream


def through(picture, kind, size=None, **options):
    with open_picture(encoded(picture, kind, **options)) as opened:
        return decode(opened, size)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_grey_survives_every_lossless_format_bit_for_bit(kind):
    np.testing.assert_array_equal(through(Image.fromarray(GREY), kind), GREY)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "WEBP"])
def test_rgb_survives_every_lossless_format_bit_for_bit(kind):
    options = {"lossless": True} if kind == "WEBP" else {}
    np.testing.assert_array_equal(through(Image.fromarray(RGB), kind, **options), RGB)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_lossy_formats_come_close_to_a_flat_colour(kind):
    flat = np.full((16, 16, 3), (200, 60, 30), np.uint8)
    assert np.abs(through(Image.fromarray(flat), kind, quality=95).astype(int) - flat).max() <= 4


def test_black_and_white_becomes_0_and_255():
    bits = np.array([[True, False], [False, True]])
    np.testing.assert_array_equal(through(Image.fromarray(bits), "PNG"), [[255, 0], [0, 255]])


def test_a_palette_becomes_its_colours():
    picture = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8))
    picture.putpalette([9, 8, 7, 200, 100, 50, 0, 255, 0])
    expected = [[[9, 8, 7], [200, 100, 50]], [[0, 255, 0], [200, 100, 50]]]
    np.testing.assert_array_equal(through(picture, "PNG"), expected)


def test_a_transparent_palette_colour_becomes_white():
    picture = Image.fromarray(np.array([[0, 1]], np.uint8))
    picture.putpalette([9, 8, 7, 200, 100, 50])
    np.testing.assert_array_equal(
        through(picture, "PNG", transparency=0), [[[255, 255, 255], [200, 100, 50]]]
    )


def test_a_transparent_grey_level_becomes_white():
    np.testing.assert_array_equal(
        through(Image.fromarray(GREY), "PNG", transparency=7), np.where(GREY == 7, 255, GREY)
    )


def test_a_transparent_rgb_colour_becomes_white():
    expected = RGB.copy()
    expected[1, 0] = 255
    np.testing.assert_array_equal(through(Image.fromarray(RGB), "PNG", transparency=(10, 20, 30)), expected)


@pytest.mark.parametrize(("pixels", "mode"), [(GREY, "LA"), (RGB, "RGBA")])
def test_alpha_mixes_with_white(pixels, mode):
    alpha = np.array([[255, 0, 128], [64, 255, 0]], np.uint8)
    colours = pixels[..., None] if pixels.ndim == 2 else pixels
    share = alpha[..., None] / 255
    expected = np.rint(colours * share + 255 * (1 - share)).reshape(pixels.shape)
    found = through(Image.fromarray(np.concatenate([colours, alpha[..., None]], axis=2), mode), "PNG")
    assert found.shape == pixels.shape
    assert np.abs(found - expected).max() <= 1  # one level for rounding


def test_an_animation_gives_its_first_frame():
    frames = [Image.fromarray(np.full((4, 4), level, np.uint8)) for level in (10, 200)]
    found = through(frames[0], "GIF", save_all=True, append_images=frames[1:])
    np.testing.assert_array_equal(found, np.full((4, 4, 3), 10))


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_by_257_and_never_clipped(kind):
    wide = np.array([[0, 257, 128, 129], [65535, 65534, 32768, 300]], np.uint16)
    expected = [[0, 1, 0, 1], [255, 255, 128, 1]]
    np.testing.assert_array_equal(through(Image.fromarray(wide), kind), expected)


def test_big_endian_sixteen_bits_are_scaled_as_well():
    picture = Image.frombytes("I;16B", (2, 1), struct.pack(">HH", 65535, 25700))
    np.testing.assert_array_equal(decode(picture), [[255, 100]])


def test_32_bit_integers_count_as_16_bit_values():
    wide = np.array([[0, 65535, 25700]], np.int32)
    np.testing.assert_array_equal(through(Image.fromarray(wide), "TIFF"), [[0, 255, 100]])


@pytest.mark.parametrize("values", [[[0, 65536]], [[-1, 5]]])
def test_32_bit_integers_beyond_16_bits_are_refused_rather_than_clipped(values):
    with pytest.raises(Broken, match="expected 0 to 65535"):
        through(Image.fromarray(np.array(values, np.int32)), "TIFF")


def test_floats_up_to_1_are_stretched_and_floats_up_to_255_are_kept():
    np.testing.assert_array_equal(
        through(Image.fromarray(np.array([[0, 0.5, 1]], np.float32)), "TIFF"), [[0, 128, 255]]
    )
    np.testing.assert_array_equal(
        through(Image.fromarray(np.array([[0, 1.4, 254.6]], np.float32)), "TIFF"), [[0, 1, 255]]
    )


@pytest.mark.parametrize(("value", "words"), [(np.nan, "not finite"), (256.0, "expected 0 to 255")])
def test_floats_that_are_no_levels_are_refused(value, words):
    with pytest.raises(Broken, match=words):
        through(Image.fromarray(np.array([[0, value]], np.float32)), "TIFF")


def test_cmyk_becomes_rgb_by_the_subtractive_rule():
    inks = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 255, 0], [0, 0, 0, 255]]], np.uint8)
    found = through(Image.fromarray(inks, "CMYK"), "TIFF")
    np.testing.assert_array_equal(found, [[[255, 255, 255], [0, 255, 255], [255, 0, 0], [0, 0, 0]]])


def test_a_cmyk_jpeg_is_not_inverted():
    white = np.zeros((16, 16, 4), np.uint8)
    assert through(Image.fromarray(white, "CMYK"), "JPEG", quality=95).min() >= 250


def test_a_colour_mode_without_a_rule_is_named():
    with pytest.raises(Broken, match="colour mode LAB"):
        decode(Image.new("LAB", (2, 2)))


# What each EXIF orientation asks for (CIPA DC-008, tag 274), as operations on rows and columns.
TURNS = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.T,
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: pixels[::-1, ::-1].T,
    8: lambda pixels: np.rot90(pixels),
}


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "WEBP"])
def test_exif_orientation_turns_the_pixels_and_the_size_known_from_the_header(kind, orientation):
    pixels = np.kron(GREY, np.ones((16, 16), np.uint8))
    exif = Image.Exif()
    exif[image_decode.ORIENTATION] = orientation
    options = {"tiffinfo": TiffImagePlugin.ImageFileDirectory_v2()} if kind == "TIFF" else {"exif": exif}
    if kind == "TIFF":
        options["tiffinfo"][image_decode.ORIENTATION] = orientation
    options |= {"quality": 100} if kind == "JPEG" else {"lossless": True} if kind == "WEBP" else {}
    expected = TURNS[orientation](pixels)
    with open_picture(encoded(Image.fromarray(pixels), kind, **options)) as picture:
        assert look(picture)[:2] == expected.shape
        found = decode(picture)
    found = found if found.ndim == 2 else found[..., 0]
    assert np.abs(found.astype(int) - expected).max() <= (8 if kind == "JPEG" else 0)


def test_resizing_covers_the_size_and_keeps_the_centre():
    pixels = np.zeros((20, 60), np.uint8)
    pixels[:, 20:40] = 90
    found = through(Image.fromarray(pixels), "PNG", (10, 10))
    np.testing.assert_array_equal(found[:, 1:-1], np.full((10, 8), 90))
    assert (
        found.min() > 45
    )  # the black on either side reaches into the outermost columns by antialiasing only


def test_resizing_averages_over_areas():
    pixels = np.kron(np.array([[10, 50], [90, 130]], np.uint8), np.ones((64, 64), np.uint8))
    found = through(Image.fromarray(pixels), "PNG", (2, 2))
    # The antialiasing triangle is two output pixels wide, so an eighth of each neighbour's levels mixes in.
    assert np.abs(found.astype(int) - [[10, 50], [90, 130]]).max() <= 20
    assert abs(float(found.mean()) - pixels.mean()) <= 1


def test_a_large_jpeg_decoded_by_halves_comes_close_to_the_full_decoding():
    ramp = np.linspace(0, 255, 1024).astype(np.uint8)
    pixels = np.stack(
        [np.tile(ramp, (768, 1)), np.tile(ramp[::-1], (768, 1)), np.full((768, 1024), 90, np.uint8)], axis=2
    )
    fast = through(Image.fromarray(pixels), "JPEG", (64, 64), quality=95)
    slow = through(Image.fromarray(pixels), "PNG", (64, 64))
    assert np.abs(fast.astype(int) - slow).max() <= 4


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM"])
def test_a_truncated_picture_is_damaged_in_every_format(kind):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    content = encoded(Image.fromarray(noise), kind).getvalue()
    with (
        pytest.raises(Broken),
        quiet_decoders(),
        open_picture(io.BytesIO(content[: len(content) // 2])) as picture,
    ):
        decode(picture)


def test_a_png_with_a_wrong_checksum_is_damaged():
    content = bytearray(encoded(Image.fromarray(GREY), "PNG").getvalue())
    place = content.index(b"IDAT") + 6
    content[place] ^= 0xFF
    with pytest.raises(Broken, match="damaged"), open_picture(io.BytesIO(bytes(content))) as picture:
        decode(picture)


def test_an_empty_file_and_a_text_file_are_told_apart():
    with pytest.raises(Broken, match="zero bytes"):
        open_picture(io.BytesIO(b""))
    with pytest.raises(Broken, match=r"is no picture .*<html>"):
        open_picture(io.BytesIO(b"<html>not found</html>"))


def test_a_program_for_a_printer_is_no_picture():
    with pytest.raises(Broken, match="is no picture"):
        open_picture(io.BytesIO(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n"))


@pytest.mark.parametrize("side", [10_001, 60_000])
def test_a_bomb_is_refused_from_its_header(side):
    def chunk(kind, content):
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )
    with quiet_decoders(), pytest.raises(Broken, match=r"pixels|too large"):
        open_picture(io.BytesIO(bomb))


def test_quiet_decoders_leaves_other_warnings_alone():
    with quiet_decoders(), pytest.raises(DeprecationWarning):
        warnings.warn("old", DeprecationWarning, stacklevel=1)


def test_names_are_pictures_by_their_ending_in_any_case():
    assert is_picture_name("a/b.JPeG")
    assert not is_picture_name("a.png/readme.txt")
