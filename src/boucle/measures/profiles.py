"""The reference profile: the bins every window is counted in, and the reference's own counts, block by block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.core.profile import RATES, Column, Kind, Profile
from boucle.core.signature import Batch, Field
from boucle.core.signature import Column as Values
from boucle.measures.counting import (
    AT_ONCE,
    Bins,
    Coded,
    Counting,
    level,
    levels,
    numbers,
    threes_of,
)
from boucle.measures.derived import MEDIA, judged
from boucle.measures.keys import HIGHEST, LOWEST, centre_and_scale, key_counts
from boucle.measures.smooth import Basis, normal_scores

PREDICTION = "prediction"
OUTPUTS = (PREDICTION, "score")
LEVELS = 500
"""Levels kept of a categorical column, the most common ones; rows of the others are counted as unseen."""
MOST_BLOCKS = 400
_INNER = 125
_SAMPLE = 20_000
"""Rows, evenly spread, that centre and mode are taken from."""
_NOISE_ROWS, _LEAST_NOISE = 5000, 0.25
_FINE = 8

Floats = NDArray[np.float64]


def reference_profile(
    batch: Batch,
    fields: Sequence[Field],
    prediction: Values | None,
    probabilities: Floats | None = None,
    length: int | None = None,
    times: tuple[float, float] = (0.0, 0.0),
    watched: Mapping[str, Values] | None = None,
) -> Profile:
    """Profile the reference rows, and fix the bins that every window is counted in.

    Numeric columns get up to 127 bins: quantiles of the reference, one below its smallest and one above its largest
    value. Others get their levels, the 500 most common at most. The output is the column ``prediction``: the number,
    the probability of the last of two classes, or the label. Personal data has no profile: its levels would be
    written down in it. ``prediction`` has shape (rows,), ``probabilities`` (rows, classes). ``length`` is given when
    the rows are in order of time: the rows of one window, whose blocks cycles and bursts are learnt from. Texts and
    images are profiled by the columns derived of them, ``watched``.
    """
    kinds: dict[str, Kind] = {f.name: _kind(f) for f in fields if not f.pii and f.dtype not in MEDIA}
    held: dict[str, Any] = {name: batch[name] for name in kinds}
    for name, column in (watched or {}).items():
        held[name], kinds[name] = column, "categorical" if column.dtype == object else "numeric"
    if prediction is not None:
        held[PREDICTION] = output(prediction, probabilities)
        kinds[PREDICTION] = _output_kind(held[PREDICTION])
    return profile(held, kinds, length, times, {name: judged(name, column) for name, column in (watched or {}).items()})


def output(prediction: Values, probabilities: Floats | None) -> Values:
    """Return what stands for an answer: the probability of the last of two classes, else the prediction itself."""
    if probabilities is not None and probabilities.ndim == 2 and probabilities.shape[1] == 2:
        return np.asarray(probabilities[:, 1], dtype=np.float64)
    return np.asarray(prediction)


def profile(
    batch: dict[str, Values | Coded],
    kinds: dict[str, Kind],
    length: int | None = None,
    times: tuple[float, float] = (0.0, 0.0),
    rates: Mapping[str, tuple[str, ...]] | None = None,
) -> Profile:
    """Profile columns of the given kinds, all of the same length; ``times`` are those of the first and the last row.

    ``rates`` are those judged of a column, where they are not all that its kind has.
    """
    rows = max((len(values) for values in batch.values()), default=0)
    held = {name: numbers(batch[name]) if kinds[name] in ("numeric", "datetime") else batch[name] for name in kinds}
    columns = tuple(_column(name, kinds[name], values) for name, values in held.items())
    columns = tuple(replace(column, judged=(rates or {}).get(column.name)) for column in columns)
    block = _block(rows, length)
    made = _Reference(columns, held, rows, block)
    span = (times[1] - times[0]) * block / max(rows, 1)
    found = made.profile(length is not None, times[0], span)
    return found if length is None else replace(found, windows=max(1, block // length))


def _block(rows: int, length: int | None) -> int:
    """Return the rows of a block: a multiple of a window's, so that there are not too many blocks."""
    if length is None or rows < 2 * length:
        return max(rows, 1)
    return length * -(-rows // (length * MOST_BLOCKS))


def _kind(field: Field) -> Kind:
    if field.numeric:
        return "numeric"
    return "datetime" if field.dtype == "datetime" else "bool" if field.dtype == "bool" else "categorical"


def _output_kind(column: Values) -> Kind:
    return "numeric" if column.dtype.kind == "f" else "bool" if column.dtype.kind == "b" else "categorical"


def _column(name: str, kind: Kind, values: Any) -> Column:
    if kind in ("bool", "categorical"):
        found = levels(values, kind)
        kept = sorted(found, key=lambda level: (-found[level], level))[:LEVELS]
        return Column(name, kind, levels=tuple(sorted(kept)))
    some = values[:: max(1, len(values) // _SAMPLE)]
    centre, scale = centre_and_scale(some[np.isfinite(some)])
    counted = key_counts(values, centre, scale)
    counted[:LOWEST] = counted[HIGHEST + 1 :] = 0
    finite = np.isfinite(values)
    if not finite.any():
        return Column(name, kind)
    low, high = (float(end(values, where=finite, initial=far)) for end, far in ((np.min, np.inf), (np.max, -np.inf)))
    return Column(name, kind, centre, scale, _cuts(counted), low=low, high=high, common=_mode(some))


def _cuts(counted: NDArray[np.int64]) -> tuple[int, ...]:
    """Part keys into bins of about equal counts; one below the smallest key and one above the largest."""
    present = np.flatnonzero(counted)
    rows = counted[present]
    middle = np.cumsum(rows) - rows / 2.0
    bins = np.floor(middle / rows.sum() * _INNER).astype(np.int64)
    starts = present[np.concatenate(([True], bins[1:] != bins[:-1]))]
    return tuple(int(cut) for cut in (*starts, present[-1] + 1))


def _mode(values: Floats) -> float | None:
    """Return the most common value if it stands more than once."""
    found, many = np.unique(values[np.isfinite(values)], return_counts=True)
    return float(found[many.argmax()]) if len(many) and many.max() > 1 else None


class _Reference:
    """The reference's rows on their way to a profile."""

    def __init__(self, columns: tuple[Column, ...], held: dict[str, Any], rows: int, block: int) -> None:
        self.rows, self.block, self.columns, self.held = rows, block, columns, held
        self.counting = Counting(columns)
        self.blocks = [slice(start, start + block) for start in range(0, max(rows - block // 2, 1), block)]
        self.blocks[-1] = slice(self.blocks[-1].start, rows)  # a short rest belongs to the last block

    def profile(self, ordered: bool, origin: float, span: float) -> Profile:
        bins, rates = self._counted()
        total = bins.sum(axis=0)
        self.counting.scores = normal_scores(self.columns, self.counting.offsets, total)
        products = [self._products(block) for block in self.blocks]
        noise = self._noise()
        return Profile(
            self.columns,
            self.block,
            ordered,
            np.array([block.stop - block.start if self.rows else 0 for block in self.blocks]),
            bins,
            rates,
            np.array([pairs for pairs, _ in products]),
            np.array([triples for _, triples in products]),
            *noise,
            self._fine(total) if ordered and len(self.blocks) > 1 else np.ones(len(self.columns)),
            self._met(),
            origin,
            span,
        )

    def _part(self, name: str, block: slice) -> Any:
        values = self.held[name]
        return Coded(values.codes[block], values.levels) if isinstance(values, Coded) else values[block]

    def _counted(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Count column by column, each block by itself, and keep every row's bin where it is needed again."""
        many, counting = len(self.blocks), self.counting
        bins = np.zeros((many, int(counting.offsets[-1])), dtype=np.int64)
        rates = np.zeros((many, len(self.columns), len(RATES)), dtype=np.int64)
        self.placed: dict[int, Bins] = {}
        self.step = counting.step(self.rows) if many == 1 else 1
        for i, column in enumerate(self.columns):
            place = slice(int(counting.offsets[i]), int(counting.offsets[i + 1]))
            placed: list[Bins] = []
            for b, block in enumerate(self.blocks):
                part = self._part(column.name, block)
                if column.numeric:
                    bins[b, place], rates[b, i], some = counting.of_numbers(i, part, self.step)
                    placed.append(some)
                else:
                    bins[b, place], rates[b, i] = counting.of_levels(i, part)
            if placed:
                self.placed[i] = placed[0] if many == 1 else np.concatenate(placed)
        return bins, rates

    def _products(self, block: slice) -> tuple[Floats, Floats]:
        rows = block.stop - block.start
        step = 1 if self.step > 1 else self.counting.step(rows)
        placed = {i: p if self.step > 1 else p[block][::step] for i, p in self.placed.items()}
        return self.counting.products(placed, rows)

    def _noise(self) -> tuple[Floats, Floats]:
        """Return the variance of one row's Fisher-z influence for each pair, and of its product for each triple."""
        taken = len(range(0, self.rows, self.step))
        step = max(1, taken // _NOISE_ROWS)
        placed = {i: p[::step] for i, p in self.placed.items()}
        rows = len(range(0, taken, step))
        many, threes = len(self.counting.paired), len(self.counting.tripled)
        mean, crossed, cubes = (np.zeros((many, many)) for _ in range(3))
        fourths = np.zeros(many)
        triple, squared = np.zeros((threes, threes, threes)), np.zeros((threes, threes, threes))
        for start in range(0, rows, AT_ONCE):
            some = {i: p[start : start + AT_ONCE] for i, p in placed.items()}
            scores = self.counting.matrix(some, self.counting.paired, min(AT_ONCE, rows - start))
            squares, held = scores**2, scores[:threes]
            mean += scores @ scores.T / rows
            crossed += squares @ squares.T / rows
            cubes += scores**3 @ scores.T / rows
            fourths += (squares**2).sum(axis=1) / rows
            for i in range(threes - 2):
                product = held[i] * held[i + 1 :]
                triple[i, i + 1 :] += product @ held.T / rows
                squared[i, i + 1 :] += product**2 @ squares[:threes].T / rows
        # Delta method for a correlation of standardised scores: var(xy - r (x² + y²) / 2) / (1 - r²)².
        spread = crossed - mean * (cubes + cubes.T) + mean**2 / 4.0 * (np.add.outer(fourths, fourths) + 2.0 * crossed)
        within = np.maximum(1.0 - mean**2, 1e-6) ** 2
        pairs = np.maximum(spread / within, _LEAST_NOISE)[np.triu_indices(many, 1)]
        return pairs, np.maximum(squared - triple**2, _LEAST_NOISE)[threes_of(threes)]

    def _fine(self, total: NDArray[np.int64]) -> Floats:
        """Return each column's design effect over an eighth of a block."""
        length = max(self.block // _FINE, 1)
        many = self.rows // length
        found = np.ones(len(self.columns))
        for i, column in enumerate(self.columns):
            place = slice(self.counting.offsets[i], self.counting.offsets[i + 1])
            basis = Basis.of(column, total[place])
            if basis is None or many < 2:
                continue
            codes = self._codes(i, many * length)
            part = np.repeat(np.arange(many), length) * (column.bins + 1) + codes
            counted = np.bincount(part, minlength=many * (column.bins + 1)).reshape(many, -1)[:, : column.bins]
            found[i] = basis.design_effect(counted)
        return found

    def _codes(self, i: int, rows: int) -> NDArray[np.int64]:
        """Return the bin of each row, the number of bins for a row without one."""
        column = self.columns[i]
        if column.numeric:
            return np.minimum(self.placed[i][:rows].astype(np.int64), column.bins)
        known = {level: place for place, level in enumerate(column.levels)}
        values = self.held[column.name]
        if isinstance(values, Coded):
            table = [_code(value, column, known) for value in values.levels] + [column.bins]
            return np.asarray(np.array(table, dtype=np.int64)[values.codes[:rows]])
        seen: dict[Any, int] = {}
        for value in values[:rows].tolist():
            if value not in seen:
                seen[value] = _code(value, column, known)
        return np.array([seen[value] for value in values[:rows].tolist()], dtype=np.int64)

    def _met(self) -> Floats:
        """Return each level's rows whose level the rest of the reference would have kept: those of other blocks.

        A row's own block does not count, nor, without blocks, the row itself: levels met once stand for those still
        unmet (Good, 1953), and levels kept because they happened to repeat would else be missed in every window.
        """
        found = np.zeros(int(self.counting.offsets[-1]))
        for i, column in enumerate(self.columns):
            if column.numeric:
                continue
            every = levels(self.held[column.name], column.kind)
            kept = _kept(every)
            place = slice(int(self.counting.offsets[i]), int(self.counting.offsets[i + 1]))
            if len(self.blocks) < 2:
                found[place] = [every[name] * kept(every[name] - 1) for name in column.levels]
                continue
            parts = [levels(self._part(column.name, block), column.kind) for block in self.blocks]
            found[place] = [
                sum(n * kept(every[name] - n) for part in parts if (n := part.get(name, 0))) for name in column.levels
            ]
        return found


def _kept(every: Counter[str]) -> Callable[[int], float]:
    """Return how likely a level is among those kept, by how often it stands elsewhere."""
    if len(every) <= LEVELS:
        return lambda rows: float(rows > 0)
    counts = np.sort(np.fromiter(every.values(), dtype=np.int64))[::-1]
    cut = int(counts[LEVELS - 1])
    above, tied = int((counts > cut).sum()), int((counts == cut).sum())
    return lambda rows: 1.0 if rows > cut else (LEVELS - above) / tied if rows == cut else 0.0


def _code(value: Any, column: Column, known: dict[str, int]) -> int:
    if value is None or value != value:
        return column.bins
    return known.get(level(value, column.kind), column.bins)
