"""Numbers of few bits: a matrix in blocks with a scale and a zero each, a table of vectors with a scale for each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK = 32
"""Weights that share a scale: they lie along what is summed up."""
SHRUNK = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75)
"""Ranges that are tried for a block, as shares of its own: the largest weights may be cut off for finer steps."""
Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Blocks:
    """A matrix of shape (height, width) in ``bits`` bits, as ONNX Runtime's MatMulNBits takes it.

    ``weights`` has the shape (width, blocks, bytes of a block), the first of two 4-bit numbers in the lower half of
    their byte; ``scales`` (width, blocks); ``zeros`` (width, bytes of a column's zeros), packed likewise.
    """

    bits: int
    height: int
    weights: Bytes
    scales: Floats
    zeros: Bytes

    def whole(self) -> Floats:
        """Return the matrix it stands for."""
        blocks = self.scales.shape[1]
        numbers = _unpacked(self.weights, self.bits).astype(np.float32)
        zeros = _unpacked(self.zeros, self.bits)[:, :blocks].astype(np.float32)
        found = (numbers - zeros[:, :, None]) * self.scales[:, :, None]
        return np.ascontiguousarray(found.reshape(len(found), -1)[:, : self.height].T)


def rounded(matrix: Floats, bits: int) -> Blocks:
    """Return a matrix of shape (height, width) in blocks of ``bits`` bits, 4 or 8."""
    height, width = matrix.shape
    count = -(-height // BLOCK)
    columns = np.zeros((width, count * BLOCK), dtype=np.float32)
    columns[:, :height] = matrix.T
    numbers, scales, zeros = fitted(columns.reshape(width, count, BLOCK), bits)
    return Blocks(bits, height, packed(numbers, bits), scales, packed(zeros, bits))


def table(vectors: Floats) -> tuple[NDArray[np.int8], Floats]:
    """Return vectors, shape (rows, width), in 8 bits, and the scale of each, shape (rows, 1)."""
    scales = np.abs(vectors).max(1, keepdims=True) / 127
    scales[scales == 0] = 1.0
    return np.rint(vectors / scales).astype(np.int8), scales.astype(np.float32)


def fitted(blocks: Floats, bits: int) -> tuple[Bytes, Floats, Bytes]:
    """Return the numbers, scales and zeros of blocks of shape (width, count, BLOCK).

    The range of each is the one of ``SHRUNK`` that loses least, in squares.
    """
    most, shares = 2**bits - 1, SHRUNK if bits < 8 else (1.0,)
    low, high = np.minimum(blocks.min(-1), 0), np.maximum(blocks.max(-1), 0)
    best = np.full(low.shape, np.inf, dtype=np.float32)
    numbers = np.zeros(blocks.shape, dtype=np.uint8)
    scales, zeros = np.ones(low.shape, dtype=np.float32), np.zeros(low.shape, dtype=np.uint8)
    for share in shares:
        scale = ((high - low) * share / most).astype(np.float32)
        scale[scale == 0] = 1.0
        zero = np.rint(-low * share / scale).clip(0, most)
        tried = (np.rint(blocks / scale[..., None]) + zero[..., None]).clip(0, most)
        lost = np.square((tried - zero[..., None]) * scale[..., None] - blocks).sum(-1)
        better = lost < best
        best[better], scales[better], zeros[better] = lost[better], scale[better], zero[better]
        numbers[better] = tried[better]
    return numbers, scales, zeros


def packed(numbers: Bytes, bits: int) -> Bytes:
    """Return two numbers of 4 bits in each byte, along the last axis; those of 8 as they are."""
    if bits == 8:
        return numbers
    if numbers.shape[-1] % 2:
        numbers = np.concatenate([numbers, np.zeros((*numbers.shape[:-1], 1), dtype=np.uint8)], axis=-1)
    found: Bytes = np.bitwise_or(numbers[..., ::2], numbers[..., 1::2] << 4, dtype=np.uint8)
    return found


def _unpacked(held: Bytes, bits: int) -> Bytes:
    if bits == 8:
        return held
    return np.stack([held & 15, held >> 4], axis=-1).reshape(*held.shape[:-1], -1)
