"""Expected losses: their level in the reference, the cycle they follow, and how far rows repeat one another."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from boucle.core.expected import Expected
from boucle.measures.special import beta_share, chi2_tail

Floats = NDArray[np.float64]

CUT = 0.995
"""Losses are cut at this quantile of the reference: a single one then decides nothing."""
_LEVEL = 0.01
_CYCLES = 3
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
    if window < 1 or len(values) < 8 * window:
        return plain
    place, span, origin = _places(len(losses), window, times)
    blocks = _blocked(values, np.floor(place[kept]).astype(np.int64))
    phases = _cycle(blocks, mean)
    told = (
        np.full(len(values), mean) if not phases else np.array(phases)[np.floor(place[kept]).astype(int) % len(phases)]
    )
    design = max(design_effect(values - told, np.floor(place[kept] * k)) for k in (1, _FINER))
    return replace(plain, design=design, phases=phases, span=span, origin=origin)


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


@dataclass(frozen=True, slots=True)
class _Blocks:
    number: NDArray[np.int64]
    rows: Floats
    means: Floats


def _blocked(values: Floats, block: NDArray[np.int64]) -> _Blocks:
    number, of = np.unique(block, return_inverse=True)
    rows = np.bincount(of).astype(np.float64)
    return _Blocks(number, rows, np.bincount(of, weights=values) / rows)


def _cycle(blocks: _Blocks, mean: float) -> tuple[float, ...]:
    """Return the means by phase of the cycle that explains the blocks best, empty if none surely does.

    An F test for each period of 2 blocks to a third of them (Fisher, 1925), Bonferroni over the periods; of those
    that pass, the least generalised cross-validation error (Craven and Wahba, 1979). The means are drawn to the
    overall one by 1 - 1/F, as far as chance explains them (James and Stein, 1961).
    """
    many = len(blocks.number)
    periods = range(2, many // _CYCLES + 1)
    best: tuple[float, tuple[float, ...]] = (math.inf, ())
    for period in periods:
        phase = blocks.number % period
        rows = np.bincount(phase, weights=blocks.rows, minlength=period)
        if (rows == 0).any():
            continue
        means = np.bincount(phase, weights=blocks.rows * blocks.means, minlength=period) / rows
        between = float(rows @ np.square(means - mean))
        within = float(blocks.rows @ np.square(blocks.means - means[phase]))
        ratio = between / (period - 1) / max(within / (many - period), 1e-300)
        if f_tail(ratio, period - 1, many - period) * len(periods) >= _LEVEL:
            continue
        error = within / (1.0 - period / many) ** 2
        if error < best[0]:
            drawn = mean + max(0.0, 1.0 - 1.0 / ratio) * (means - mean)
            best = error, tuple(drawn.tolist())
    return best[1]


def f_tail(ratio: float, above: int, below: int) -> float:
    """Return P(F >= ratio) with these degrees of freedom (Abramowitz and Stegun, 1964, 26.6.2)."""
    return beta_share(below / 2.0, above / 2.0, below / (below + above * ratio))


def design_effect(left: Floats, block: Floats) -> float:
    """Return the variance of block means over what independent rows would have (Kish, 1965), 1 unless surely more.

    ``left`` are losses less what was expected, ``block`` their blocks. Bursts of near-equal rows make it large.
    """
    blocks = _blocked(left, block.astype(np.int64))
    freedom = len(blocks.number) - 1
    spread = float(np.mean(np.square(left)))
    if freedom < 7 or spread <= 0.0:
        return 1.0
    total = float(blocks.rows @ np.square(blocks.means - left.mean())) / spread
    return total / freedom if chi2_tail(total, freedom) < _LEVEL and total > freedom else 1.0
