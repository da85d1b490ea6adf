"""What the head of an image file says: its format, its size and its channels, without decoding a pixel.

Nothing but lengths and numbers within the bytes given is read, so a file that lies or is cut short costs no memory.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

FORMATS = ("png", "jpeg", "gif", "webp", "bmp")
MEDIA = {f"image/{name}": name for name in FORMATS} | {"image/jpg": "jpeg", "image/x-ms-bmp": "bmp"}
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
_NO_SIZE = frozenset((0xC4, 0xC8, 0xCC))  # of the markers SOF0 to SOF15 these are others
_BARE = frozenset((0x01, *range(0xD0, 0xD9)))  # markers without a length


@dataclass(frozen=True, slots=True)
class Picture:
    """``width`` and ``height`` in pixels as the file declares them, ``bits`` a channel; more than one ``frames`` move.

    Frames are counted where the head tells; 1 where it does not.
    """

    format: str
    width: int
    height: int
    channels: int
    bits: int = 8
    frames: int = 1

    @property
    def pixels(self) -> int:
        return self.width * self.height


def head(raw: bytes) -> Picture:
    """Read the head of a PNG, JPEG, GIF, WebP or BMP file; raises ValueError that says what is wrong with it."""
    try:
        found = _read(raw)
    except (struct.error, IndexError):
        raise ValueError("is cut short: its size is not there") from None
    if found.width < 1 or found.height < 1:
        raise ValueError(f"says it is {found.width} x {found.height} pixels large")
    return found


def media_type(raw: bytes) -> str:
    """Return the media type of an image by its first bytes; raises ValueError."""
    return f"image/{_format(raw)}"


def blank(side: int = 32) -> bytes:
    """Return a small grey picture as a PNG file."""
    line = b"\0" + b"\x80" * (3 * side)
    parts = ((b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(line * side)))
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (*parts, (b"IEND", b""))
    ]
    return _PNG + b"".join(chunks)


def _format(raw: bytes) -> str:
    if not raw:
        raise ValueError("is empty")
    if raw.startswith(_PNG):
        return "png"
    if raw.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if raw.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if raw.startswith(b"RIFF") and raw[8:12] == b"WEBP":
        return "webp"
    if raw.startswith(b"BM") and len(raw) > 14:
        return "bmp"
    raise ValueError("is no PNG, JPEG, GIF, WebP or BMP")


def _read(raw: bytes) -> Picture:
    return {"png": _png, "jpeg": _jpeg, "gif": _gif, "webp": _webp, "bmp": _bmp}[_format(raw)](raw)


def _png(raw: bytes) -> Picture:
    width, height, bits, colour = struct.unpack_from(">IIBB", raw, 16)
    if raw[12:16] != b"IHDR" or colour not in _PNG_CHANNELS:
        raise ValueError("is no right PNG")
    return Picture("png", width, height, _PNG_CHANNELS[colour], bits, _png_frames(raw))


def _png_frames(raw: bytes) -> int:
    """Return the frames that a chunk before the first data declares."""
    place = 8
    while place + 12 <= len(raw):
        (length,) = struct.unpack_from(">I", raw, place)
        kind = raw[place + 4 : place + 8]
        if kind == b"acTL":
            return max(1, int(struct.unpack_from(">I", raw, place + 8)[0]))
        if kind == b"IDAT":
            break
        place += 12 + length
    return 1


def _jpeg(raw: bytes) -> Picture:
    for marker, place in _segments(raw):
        if 0xC0 <= marker <= 0xCF and marker not in _NO_SIZE:
            bits, height, width, channels = struct.unpack_from(">BHHB", raw, place + 2)
            return Picture("jpeg", width, height, channels, bits)
    raise ValueError("is cut short: its size is not there")


def _segments(raw: bytes) -> Iterator[tuple[int, int]]:
    """Yield the segments of a JPEG: marker, and where its length stands."""
    place = 2
    while place + 4 <= len(raw):
        if raw[place] != 0xFF:
            raise ValueError("is no right JPEG")
        marker = raw[place + 1]
        if marker == 0xFF:  # padding
            place += 1
            continue
        if marker in _BARE:
            place += 2
            continue
        yield marker, place + 2
        (length,) = struct.unpack_from(">H", raw, place + 2)
        if length < 2:
            raise ValueError("is no right JPEG")
        place += 2 + length


def _gif(raw: bytes) -> Picture:
    width, height = struct.unpack_from("<HH", raw, 6)
    return Picture("gif", width, height, 3)


def _webp(raw: bytes) -> Picture:
    kind = raw[12:16]
    if kind == b"VP8X":
        flags = raw[20]
        width, height = (int.from_bytes(raw[place : place + 3], "little") + 1 for place in (24, 27))
        if len(raw) < 30:
            raise IndexError
        return Picture("webp", width, height, 4 if flags & 0x10 else 3, frames=2 if flags & 0x02 else 1)
    if kind == b"VP8L":
        (packed,) = struct.unpack_from("<I", raw, 21)
        alpha = packed >> 28 & 1
        return Picture("webp", (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1, 4 if alpha else 3)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", raw, 26)
        return Picture("webp", width & 0x3FFF, height & 0x3FFF, 3)
    raise ValueError("is no right WebP")


def _bmp(raw: bytes) -> Picture:
    (size,) = struct.unpack_from("<I", raw, 14)
    if size == 12:
        width, height, _, depth = struct.unpack_from("<HHHH", raw, 18)
    else:
        width, height, _, depth = struct.unpack_from("<iiHH", raw, 18)
    return Picture("bmp", width, abs(height), 4 if depth == 32 else 3 if depth > 8 else 1)
