"""The head of an image file tells its size, in every format, and a broken one is refused at no cost."""

from __future__ import annotations

import io
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from boucle.measures.pictures import FORMATS, blank, head, media_type


def written(mode: str, kind: str, size: tuple[int, int] = (37, 21), **options: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("mode", "kind", "channels", "bits"),
    [
        ("L", "PNG", 1, 8), ("RGB", "PNG", 3, 8), ("RGBA", "PNG", 4, 8), ("P", "PNG", 3, 1), ("LA", "PNG", 2, 8),
        ("I;16", "PNG", 1, 16), ("1", "PNG", 1, 1), ("RGB", "JPEG", 3, 8), ("CMYK", "JPEG", 4, 8), ("L", "JPEG", 1, 8),
        ("P", "GIF", 3, 8), ("RGB", "WEBP", 3, 8), ("RGBA", "WEBP", 4, 8), ("RGB", "BMP", 3, 8), ("L", "BMP", 1, 8),
    ],
)  # fmt: skip
def test_size_and_channels_are_those_that_pil_finds(mode: str, kind: str, channels: int, bits: int) -> None:
    seen = head(written(mode, kind))
    assert (seen.format, seen.width, seen.height) == (kind.lower(), 37, 21)
    assert seen.channels in (channels, 4 if mode == "RGBA" else channels)
    assert (seen.bits, seen.frames) == (bits, 1)


@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from(["PNG", "JPEG", "GIF", "WEBP", "BMP"]))
def test_any_size_is_read(width: int, height: int, kind: str) -> None:
    seen = head(written("RGB" if kind != "GIF" else "P", kind, (width, height)))
    assert (seen.width, seen.height, seen.pixels) == (width, height, width * height)


def test_lossless_and_extended_webp_and_pictures_that_move_are_read() -> None:
    assert head(written("RGB", "WEBP", lossless=True)).width == 37
    moving = written("RGB", "WEBP", save_all=True, append_images=[Image.new("RGB", (37, 21), "red")])
    assert (head(moving).width, head(moving).height) == (37, 21)
    assert head(moving).frames > 1
    assert head(written("RGB", "PNG", save_all=True, append_images=[Image.new("RGB", (37, 21), "red")])).frames == 2


def test_a_jpeg_with_long_segments_before_its_size_is_read() -> None:
    told = Image.Exif()
    told[0x010E] = "x" * 20_000
    assert head(written("RGB", "JPEG", exif=told, comment=b"y" * 20_000)).pixels == 37 * 21


@given(st.binary(max_size=200), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM"]))
def test_any_bytes_are_a_picture_or_a_value_error(raw: bytes, begin: bytes) -> None:
    with suppress(ValueError):
        assert head(begin + raw).pixels > 0


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_a_file_cut_short_before_its_size_is_refused(kind: str) -> None:
    raw = written("P" if kind == "GIF" else "RGB", kind)
    assert media_type(raw) == f"image/{kind.lower()}"
    assert kind.lower() in FORMATS
    for length in range(15):
        with pytest.raises(ValueError, match=r"cut short|is no|is empty"):
            head(raw[: min(length, 9)])


def test_a_picture_says_its_size_however_large_and_none_is_refused() -> None:
    raw = blank(4)
    bomb = raw[:16] + struct.pack(">II", 2**31 - 1, 2**31 - 1) + raw[24:]
    assert head(bomb).pixels == (2**31 - 1) ** 2
    with pytest.raises(ValueError, match="0 x 4"):
        head(raw[:16] + struct.pack(">II", 0, 4) + raw[24:])


def test_the_blank_picture_is_one() -> None:
    with Image.open(io.BytesIO(blank(5))) as image:
        image.load()
        assert (image.size, image.getpixel((2, 2))) == ((5, 5), (128, 128, 128))
