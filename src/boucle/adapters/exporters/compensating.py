"""Round a matrix row by row, each row making up for what the rows before it have lost.

What a rounded row gets wrong is taken from the rows not yet rounded, as far as the numbers they are multiplied with
go along with its own: Frantar and others, GPTQ (2022). With blocks, a block's scale is found when its turn comes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from boucle.adapters.exporters.blocks import BLOCK, Blocks, Bytes, Floats, fitted, packed

DAMPING = 0.01
"""What is added to the squares of each channel, as a share of their mean: few rows say little of the rare ones."""


def compensated(matrix: Floats, bits: int, together: Floats) -> Blocks:
    """Return a matrix of shape (height, width) in blocks of ``bits`` bits.

    ``together`` is how its rows are used together, shape (height, height): the products of each two channels that are
    multiplied with it, added up over rows that show what flows there.
    """
    height, width = matrix.shape
    count = -(-height // BLOCK)
    left = np.zeros((count * BLOCK, width), dtype=np.float32)
    left[:height] = matrix
    passed = _passed_on(together, len(left))
    numbers = np.zeros((len(left), width), dtype=np.uint8)
    scales, zeros = np.zeros((count, width), dtype=np.float32), np.zeros((count, width), dtype=np.uint8)
    for place in range(count):
        rows = slice(place * BLOCK, (place + 1) * BLOCK)
        _, scale, zero = fitted(left[rows].T[:, None, :], bits)
        scales[place], zeros[place] = scale[:, 0], zero[:, 0]
        numbers[rows], lost = _rounded(left[rows], passed[rows, rows], scales[place], zeros[place], 2**bits - 1)
        left[rows.stop :] -= passed[rows, rows.stop :].T @ lost
    columns = np.ascontiguousarray(numbers.T).reshape(width, count, BLOCK)
    return Blocks(bits, height, packed(columns, bits), scales.T.copy(), packed(zeros.T.copy(), bits))


def _rounded(left: Floats, passed: Floats, scale: Floats, zero: Bytes, most: int) -> tuple[Bytes, Floats]:
    """Round the rows of one block, in their order; returns the numbers and what was lost, to be passed on."""
    left = left.copy()
    numbers, lost = np.zeros(left.shape, dtype=np.uint8), np.zeros(left.shape, dtype=np.float32)
    for row in range(len(left)):
        tried = (np.rint(left[row] / scale) + zero).clip(0, most)
        numbers[row] = tried
        lost[row] = (left[row] - (tried - zero) * scale) / passed[row, row]
        left[row + 1 :] -= np.outer(passed[row, row + 1 :], lost[row])
    return numbers, lost


def _passed_on(together: Floats, size: int) -> Floats:
    """Return how much of a row's loss each later row makes up for: the root of the inverse, upper half."""
    full = np.eye(size)
    height = len(together)
    full[:height, :height] = together
    squares = full.diagonal()[:height]
    mean = float(squares.mean())
    full[np.diag_indices(height)] += DAMPING * mean if mean > 0 else 1.0
    upper: NDArray[np.float32] = np.linalg.cholesky(np.linalg.inv(full)).T.astype(np.float32)
    return upper
