"""Expected losses: their level in the reference, the cycle they follow, and how far rows repeat one another."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from boucle.core.expected import Expected
from boucle.measures.cycles import blocked, find_cycle
from boucle.measures.special import chi2_tail

Floats = NDArray[np.float64]

CUT = 0.995
"""Losses are cut at this quantile of the reference: a single one then decides nothing."""
_LEVEL = 0.01
_DAY, _WEEK = 86400.0, 604800.0
_FINER = 8


def expect(losses: Floats, window: int = 0, times: Floats | None = None) -> Expected:
    """Describe reference losses, shape (rows,), none below 0, in order of time; raises ValueError without a row.

    ``window`` is the rows of a look: blocks of this length are searched for a cycle (from eight blocks on), with
    phases of one block. ``times`` (Unix seconds, one a row) measure the blocks in time instead of rows; the length
    of a block is then made to divide a day, or a week. NaN losses are left out.
    """
    kept = np.isfinite(losses)
    values = np.asarray(losses, dtype=np.float64)[kept]
    if not len(values):
        raise ValueError("a reference needs at least one loss")
    if values.min() < 0.0:
        raise ValueError("a loss cannot be negative")
    errors = bool(np.isin(values, (0.0, 1.0)).all())
    cut = 1.0 if errors else float(np.quantile(values, CUT)) or float(values.max()) or 1.0
    values = np.minimum(values / cut, 1.0)
    mean, spread = float(values.mean()), max(float(values.std()), 1e-9)
    plain = Expected(mean, float(len(values)), spread, errors, cut)
    if window < 1:
        return plain
    place, span, origin = _places(len(losses), window, times)
    plain = replace(plain, span=span, origin=origin)
    if len(values) < 8 * window:
        return plain
    at = place[kept]
    number = np.floor(at).astype(np.int64)
    phases = find_cycle(blocked(values, number), mean, known=times is not None)
    told = np.array(phases or (mean,))
    left = values - told[number % len(told)]
    design = max(design_effect(left, np.floor(at * k)) for k in (1, _FINER))
    return replace(plain, design=design, phases=phases)


def phase_of(rows: int, window: int, times: Floats | None, whole: Expected) -> NDArray[np.int64] | None:
    """Return the phase of each reference row, shape (rows,), as ``expect`` has numbered them; None without a cycle."""
    if not whole.phases:
        return None
    place, _, _ = _places(rows, window, times)
    return np.floor(place).astype(np.int64) % len(whole.phases)


def _places(rows: int, window: int, times: Floats | None) -> tuple[Floats, float, float]:
    """Return each row's place in blocks before the reference's end (below 0), and a block's length and the end."""
    if times is None:
        return (np.arange(rows) + 0.5 - rows) / window, 1.0, 0.0
    end = math.nextafter(float(np.max(times)), math.inf)
    span = max(end - float(np.min(times)), 1e-9) * window / rows
    for whole in (_DAY, _WEEK):
        if span <= whole / 2.0:
            span = whole / round(whole / span)
            break
    return (np.asarray(times, dtype=np.float64) - end) / span, span, end


def design_effect(left: Floats, block: Floats) -> float:
    """Return the variance of block means over what independent rows would have (Kish, 1965), 1 unless surely more.

    ``left`` are losses less what was expected, ``block`` their blocks. Bursts of near-equal rows make it large.
    """
    blocks = blocked(left, block.astype(np.int64))
    freedom = len(blocks.number) - 1
    spread = float(np.mean(np.square(left)))
    if freedom < 7 or spread <= 0.0:
        return 1.0
    total = float(blocks.rows @ np.square(blocks.means - left.mean())) / spread
    return total / freedom if chi2_tail(total, freedom) < _LEVEL and total > freedom else 1.0
