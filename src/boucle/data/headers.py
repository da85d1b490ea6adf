"""What the first bytes of an image file tell: its format and size, without decoding a pixel.

A file of a few kilobytes can hold billions of pixels, so its size is known before anything opens it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MOST_PIXELS = 50_000_000
LEAST_SIDE = 2
_JPEG_ALONE = {0x01, *range(0xD0, 0xDA)}
_JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class Header:
    """An image as its header describes it: ``whole`` says that the file ends as its format does."""

    format: str
    width: int
    height: int
    whole: bool = True

    @property
    def pixels(self) -> int:
        return self.width * self.height


def header_of(raw: bytes) -> Header | None:
    """Read the header of a PNG, JPEG, GIF, BMP, WebP or TIFF file; None when it is none of them, or broken."""
    try:
        for start, read in _READERS.items():
            if raw.startswith(start):
                return read(raw)
    except (struct.error, IndexError, ValueError):
        return None
    return None


def fault_of(raw: object) -> str:
    """Say what keeps a value from being used as an image; empty when nothing does."""
    if not isinstance(raw, bytes | bytearray):
        return "is the bytes of an image file"
    found = header_of(bytes(raw))
    if found is None or found.width < 1 or found.height < 1:
        return "is a readable image (PNG, JPEG, GIF, BMP, WebP or TIFF)"
    if found.pixels > MOST_PIXELS:
        return f"has at most {MOST_PIXELS // 1_000_000} million pixels"
    if min(found.width, found.height) < LEAST_SIDE:
        return "is larger than one pixel"
    return "" if found.whole else "is a whole file"


def _png(raw: bytes) -> Header:
    if raw[12:16] != b"IHDR":
        raise ValueError("no header")
    width, height = struct.unpack(">II", raw[16:24])
    return Header("png", width, height, b"IEND" in raw[-64:])


def _gif(raw: bytes) -> Header:
    width, height = struct.unpack("<HH", raw[6:10])
    return Header("gif", width, height, raw.rstrip(b"\0").endswith(b";"))


def _bmp(raw: bytes) -> Header:
    width, height = struct.unpack("<ii", raw[18:26])
    return Header("bmp", abs(width), abs(height), len(raw) >= struct.unpack("<I", raw[10:14])[0])


def _jpeg(raw: bytes) -> Header:
    place = 2
    while True:
        while raw[place] != 0xFF:
            place += 1
        while raw[place] == 0xFF:
            place += 1
        mark = raw[place]
        place += 1
        if mark in _JPEG_ALONE:
            continue
        length = struct.unpack(">H", raw[place : place + 2])[0]
        if mark in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", raw[place + 3 : place + 7])
            return Header("jpeg", width, height, b"\xff\xd9" in raw[-1024:])
        place += length


def _webp(raw: bytes) -> Header:
    if raw[8:12] != b"WEBP":
        raise ValueError("no header")
    whole = len(raw) >= struct.unpack("<I", raw[4:8])[0] + 8
    kind = raw[12:16]
    if kind == b"VP8X":
        return Header("webp", *(1 + int.from_bytes(raw[i : i + 3], "little") for i in (24, 27)), whole)
    if kind == b"VP8L":
        bits = int.from_bytes(raw[21:25], "little")
        return Header("webp", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF), whole)
    width, height = struct.unpack("<HH", raw[26:30])
    return Header("webp", width & 0x3FFF, height & 0x3FFF, whole)


def _tiff(raw: bytes) -> Header:
    order = "<" if raw[:2] == b"II" else ">"
    first = struct.unpack(f"{order}I", raw[4:8])[0]
    sizes: dict[int, int] = {}
    for entry in range(struct.unpack(f"{order}H", raw[first : first + 2])[0]):
        at = first + 2 + 12 * entry
        tag, kind = struct.unpack(f"{order}HH", raw[at : at + 4])
        if tag in (256, 257):
            sizes[tag] = struct.unpack(
                f"{order}{'H' if kind == 3 else 'I'}", raw[at + 8 : at + (10 if kind == 3 else 12)]
            )[0]
    return Header("tiff", sizes.get(256, 0), sizes.get(257, 0))


_READERS = {
    b"\x89PNG\r\n\x1a\n": _png, b"\xff\xd8\xff": _jpeg, b"GIF8": _gif, b"BM": _bmp, b"RIFF": _webp,
    b"II*\0": _tiff, b"MM\0*": _tiff,
}  # fmt: skip
