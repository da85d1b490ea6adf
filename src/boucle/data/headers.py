"""What keeps the bytes of an image file from being used, as its head and its end tell, without decoding a pixel.

A file of a few kilobytes can hold billions of pixels, so its size is known before anything opens it.
"""

from __future__ import annotations

from boucle.measures.pictures import head

MOST_PIXELS = 50_000_000
LEAST_SIDE = 2
_ENDS = {"png": b"IEND", "jpeg": b"\xff\xd9", "gif": b";"}
_TAIL = 1024


def fault_of(raw: object) -> str:
    """Say what a value ought to be and is not; empty when it can be used as an image."""
    if not isinstance(raw, bytes | bytearray):
        return "is the bytes of an image file"
    raw = bytes(raw)
    try:
        found = head(raw)
    except ValueError:
        return "is a readable PNG, JPEG, GIF, WebP or BMP file"
    if found.pixels > MOST_PIXELS:
        return f"has at most {MOST_PIXELS // 1_000_000} million pixels"
    if min(found.width, found.height) < LEAST_SIDE:
        return "is larger than one pixel"
    return "" if _ENDS.get(found.format, b"") in raw[-_TAIL:] else "is a whole file"
