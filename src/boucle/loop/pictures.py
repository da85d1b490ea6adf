"""A small picture of two distributions as PNG, drawn here: mail clients show no SVG, and a plotting library is large.

PNG: ISO/IEC 15948; one palette of four colours, one byte a pixel, each row without a filter.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT, EDGE = 360, 120, 4
MOST_BINS = (WIDTH - 2 * EDGE) // 3
_PALETTE = bytes((255, 255, 255, 190, 190, 190, 40, 90, 180, 60, 60, 60))
"""Paper, reference, now, axis."""


def histogram(reference: Sequence[float], current: Sequence[float]) -> bytes:
    """Draw the shares of two histograms over the same bins: the reference as bars, the current ones as bars within.

    Returns b"" when there is nothing to draw: no bins, other lengths, numbers that are no counts, or too many bins.
    """
    before, now = _shares(reference), _shares(current)
    if before is None or now is None or len(before) != len(now) or len(before) > MOST_BINS:
        return b""
    pixels = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    floor = HEIGHT - EDGE - 1
    tallest = max(before.max(), now.max())
    ends = np.linspace(EDGE, WIDTH - EDGE, len(before) + 1).round().astype(int)
    for left, right, old, new in zip(ends[:-1], ends[1:], before, now, strict=True):
        inset = max(1, (right - left) // 4)
        _bar(pixels, left, right - 1, old / tallest, floor, 1)
        _bar(pixels, left + inset, max(left + inset + 1, right - 1 - inset), new / tallest, floor, 2)
    pixels[floor, EDGE : WIDTH - EDGE] = 3
    return _png(pixels)


def _shares(counts: Sequence[float]) -> NDArray[np.float64] | None:
    try:
        found = np.asarray(counts, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    if found.ndim != 1 or not len(found) or not np.isfinite(found).all() or (found < 0).any() or not found.any():
        return None
    scaled = found / found.max()  # so that the sum of huge counts stays finite
    return np.asarray(scaled / scaled.sum())


def _bar(pixels: NDArray[np.uint8], left: int, right: int, share: float, floor: int, colour: int) -> None:
    height = round(share * (floor - EDGE))
    pixels[floor - height : floor, left:right] = colour


def _png(pixels: NDArray[np.uint8]) -> bytes:
    height, width = pixels.shape
    rows = np.hstack([np.zeros((height, 1), dtype=np.uint8), pixels]).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"PLTE", _PALETTE), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
