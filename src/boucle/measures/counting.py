"""Count rows in a reference's bins: a few passes over each column, whatever its range."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.core.profile import RATES, Column, Counts
from boucle.core.signature import Column as Values
from boucle.core.signature import missing
from boucle.measures.keys import HIGHEST, KEYS, LOWEST, keys

Floats = NDArray[np.float64]
Bins = NDArray[np.uint8]
Places = NDArray[np.uint16]

PAIRED, TRIPLED = 64, 24
"""Numeric columns, the first ones, whose pairs and triples are counted: their number grows with its square and cube."""
OUTSIDE = 0.1
"""Values further than this share of the reference's width beyond its ends are outside."""
FAR = 10.0
"""Values further than this many times the reference's scale beyond its ends are far: another unit, not another law."""
SMALL, LARGE = 0.05, 20.0
"""Multiples of the reference's median that most values of a quantity stay above, and below."""
_LARGEST = 1e149
_FLAGS = {"missing": 1, "outside": 2, "far": 4, "small": 8, "large": 16}
_BINS, _COMBINATIONS = 128, 32
_MULTIPLIED = 20_000
"""Rows of a batch whose products are taken, at least; of twice as many on, an even part of them stands for all.

Their error is then under 0.01, and no product counts as changed by less than 0.1: more rows would tell no more.
"""
_MANY = 256
"""Columns from which on no table of all keys is kept for each."""
AT_ONCE = 1024
"""Rows that are multiplied at once: few enough for the linear algebra not to start threads, which costs more."""
_IN_CACHE = 32_768
"""Rows that are counted at once: what is made of them on the way stays in the cache, and takes no memory."""
_RATE = {name: place for place, name in enumerate(RATES)}


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of levels as codes into ``levels``, shape (rows,); -1 is missing."""

    codes: NDArray[np.signedinteger[Any]]
    levels: Sequence[Any]

    def __len__(self) -> int:
        return len(self.codes)


class Counting:
    """Counts batches in the bins of ``columns``. ``scores`` has every bin's normal score, shape (bins,), for pairs."""

    def __init__(self, columns: Sequence[Column], scores: Floats | None = None) -> None:
        self.columns = tuple(columns)
        self.offsets = np.concatenate(([0], np.cumsum([c.bins for c in columns]))).astype(np.int64)
        self.scores = scores
        numeric = [i for i, c in enumerate(columns) if c.kind == "numeric"]
        self.paired, self.tripled = numeric[:PAIRED], numeric[:TRIPLED]
        self._upper = np.triu_indices(len(self.paired), 1)
        self._threes = threes_of(len(self.tripled))
        self._tables: dict[int, NDArray[np.uint16]] = {}
        self._known = [{level: i for i, level in enumerate(c.levels)} for c in columns]

    def count(self, batch: Mapping[str, Values | Coded], rows: int) -> Counts:
        """Count a batch; a column that is not there is all missing."""
        bins = np.zeros(self.offsets[-1], dtype=np.int64)
        rates = np.zeros((len(self.columns), len(RATES)), dtype=np.int64)
        placed: dict[int, Bins] = {}
        step = self.step(rows)
        for i, column in enumerate(self.columns):
            values, place = batch.get(column.name), slice(self.offsets[i], self.offsets[i + 1])
            if values is None:
                rates[i, _RATE["missing"]] = rows
            elif column.numeric:
                bins[place], rates[i], placed[i] = self.of_numbers(i, numbers(values), step)
            else:
                bins[place], rates[i] = self.of_levels(i, values)
        return Counts(rows, bins, rates, *self.products(placed, rows))

    def step(self, rows: int) -> int:
        """Return which rows are multiplied: each, or of very many every so manieth, as more would tell no more."""
        return max(1, rows // _MULTIPLIED)

    def place(self, i: int, values: Floats) -> NDArray[np.uint16]:
        """Return for each number its bin, and what else is to be counted of it from bit 7 on."""
        column = self.columns[i]
        found = keys(values, column.centre, column.scale)
        table = self._tables.get(i)
        if table is None:
            if len(self.columns) > _MANY and len(values) < KEYS:
                return _placed(column, found)
            table = self._tables[i] = _placed(column, np.arange(KEYS, dtype=np.uint16))
        return np.take(table, found)

    def products(self, placed: Mapping[int, Bins], rows: int) -> tuple[Floats, Floats]:
        """Return the sums over rows of products of two, and of three, normal scores; missing values have none.

        ``placed`` are the bins of every ``step``-th row, whose sums stand for all.
        """
        many, threes = len(self.paired), len(self.tripled)
        two, three = np.zeros((many, many)), np.zeros((threes, threes, threes))
        if self.scores is not None and placed:
            taken = len(range(0, rows, self.step(rows)))
            for start in range(0, taken, AT_ONCE):
                some = {i: found[start : start + AT_ONCE] for i, found in placed.items()}
                scores = self.matrix(some, self.paired, min(AT_ONCE, taken - start))
                two += scores @ scores.T
                held = scores[:threes]
                for i in range(threes - 2):
                    three[i, i + 1 :] += (held[i] * held[i + 1 :]) @ held.T
            if taken < rows:
                two, three = two * (rows / taken), three * (rows / taken)
        return two[self._upper], three[self._threes]

    def matrix(self, placed: Mapping[int, Bins], chosen: Sequence[int], rows: int) -> Floats:
        """Return normal scores, shape (chosen, rows)."""
        found = np.zeros((len(chosen), rows))
        for place, i in enumerate(chosen):
            if i in placed:
                np.take(self._scores_of[i], placed[i], out=found[place])
        return found

    @cached_property
    def _scores_of(self) -> dict[int, Floats]:
        """Every column's normal scores by bin, none for the bin of what is missing."""
        assert self.scores is not None
        gap = np.zeros(_BINS)
        return {i: np.append(self.scores[self.offsets[i] : self.offsets[i + 1]], gap)[:_BINS] for i in self.paired}

    @cached_property
    def pair_places(self) -> NDArray[np.intp]:
        """The columns of each pair, shape (pairs, 2)."""
        return np.array(list(combinations(self.paired, 2)), dtype=np.intp).reshape(-1, 2)

    @cached_property
    def triple_places(self) -> NDArray[np.intp]:
        """The columns of each triple, shape (triples, 3)."""
        return np.array(list(combinations(self.tripled, 3)), dtype=np.intp).reshape(-1, 3)

    @cached_property
    def pairs(self) -> list[tuple[str, str]]:
        """The names of each pair."""
        return list(combinations([self.columns[i].name for i in self.paired], 2))

    @cached_property
    def triples(self) -> list[tuple[str, str, str]]:
        """The names of each triple."""
        return list(combinations([self.columns[i].name for i in self.tripled], 3))

    def of_numbers(self, i: int, values: Floats, step: int = 1) -> tuple[Any, Any, Bins]:
        """Return the counts of a numeric column's bins, its rates, and the bin of every ``step``-th row."""
        column = self.columns[i]
        both = np.zeros(_BINS * _COMBINATIONS, dtype=np.int64)
        placed = np.empty(-(-len(values) // step), dtype=np.uint8)
        whole = common = 0
        for start in range(0, len(values), _IN_CACHE):
            some = values[start : start + _IN_CACHE]
            found = self.place(i, some)
            both += np.bincount(found, minlength=len(both))
            taken = bins_of(found[-start % step :: step])
            first = -(-start // step)
            placed[first : first + len(taken)] = taken
            whole += int(np.count_nonzero(some == np.rint(some)))
            if column.common is not None:
                common += int(np.count_nonzero(some == column.common))
        counts = both.reshape(_COMBINATIONS, _BINS)
        flagged = counts.sum(axis=1)
        rates = np.zeros(len(RATES), dtype=np.int64)
        rates[_FLAGGED] = _HAS @ flagged
        rates[_RATE["whole"]], rates[_RATE["common"]] = whole, common
        return (_KNOWN @ counts)[: column.bins], rates, placed

    def of_levels(self, i: int, values: Values | Coded) -> tuple[Any, Any]:
        """Return the counts of a column's levels, and its rates."""
        column, known = self.columns[i], self._known[i]
        bins, rates = np.zeros(column.bins, dtype=np.int64), np.zeros(len(RATES), dtype=np.int64)
        rates[_RATE["missing"]] = len(values)
        for name, count in levels(values, column.kind).items():
            rates[_RATE["missing"]] -= count
            place = known.get(name)
            if place is None:
                rates[_RATE["unseen"]] += count
            else:
                bins[place] = count
        return bins, rates


_FLAGGED = [_RATE[name] for name in _FLAGS]
_HAS = np.array([[int(bool(i & bit)) for i in range(_COMBINATIONS)] for bit in _FLAGS.values()])
_KNOWN = 1 - _HAS[list(_FLAGS).index("missing")]
"""Which combinations of flags have each of them, shape (flags, combinations), and which are of known values."""


def bins_of(found: Places) -> Bins:
    """Return the bins alone of what ``Counting.place`` returns."""
    return np.bitwise_and(found, _BINS - 1).astype(np.uint8)


def threes_of(many: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return where the triples i < j < k stand in a cube."""
    found = np.array(list(combinations(range(many), 3)), dtype=np.intp).reshape(-1, 3)
    return found[:, 0], found[:, 1], found[:, 2]


def _placed(column: Column, found: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Return bins and flags of keys."""
    flags = np.zeros(len(found), dtype=np.uint16)
    strange = (found < LOWEST) | (found > HIGHEST)
    flags[strange] = _FLAGS["missing"]
    cuts = np.array(column.cuts, dtype=np.uint16)
    bins: NDArray[np.uint16] = np.searchsorted(cuts, found, side="right").astype(np.uint16)
    for name, (low, high) in _ranges(column).items():
        ends = keys(np.array([low, high]), column.centre, column.scale)
        flags[~strange & ((found < ends[0]) | (found > ends[1]))] |= _FLAGS[name]
    if column.kind == "numeric" and column.low is not None and column.low >= 0.0 and column.centre > 0.0:
        with np.errstate(over="ignore"):
            bounds = np.array([SMALL, LARGE]) * column.centre
        small, large = keys(bounds, column.centre, column.scale)
        flags[~strange & (found <= small)] |= _FLAGS["small"]
        flags[~strange & (found >= large)] |= _FLAGS["large"]
    bins[strange] = _BINS - 1  # no bin of any column, so it has no normal score
    return np.asarray(bins | (flags << 7), dtype=np.uint16)


def _ranges(column: Column) -> dict[str, tuple[float, float]]:
    if column.low is None or column.high is None:
        return {}
    width = column.high - column.low
    scale = max(width, abs(column.low), abs(column.high))
    # A reference of nothing but zeros has no scale: nothing but infinity is far from it.
    reach = FAR * scale if scale else _LARGEST
    slack = OUTSIDE * width
    return {
        "outside": (column.low - slack, column.high + slack),
        "far": (column.low - reach, column.high + reach),
    }


def numbers(column: Values | Coded) -> Floats:
    """Return a column as float64, times as seconds; what is no number is NaN."""
    if isinstance(column, Coded):
        table = np.array([_number(level) for level in column.levels] + [np.nan])
        return np.asarray(table[column.codes])
    if column.dtype.kind == "M":
        seconds = column.astype("datetime64[ns]").astype(np.int64) / 1e9
        return np.where(np.isnat(column), np.nan, seconds)
    if column.dtype.kind in "fiub":
        return column.astype(np.float64, copy=False)
    return np.fromiter((_number(v) for v in column.tolist()), dtype=np.float64, count=len(column))


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def levels(column: Values | Coded, kind: str) -> Counter[str]:
    """Count the known values of a column by their text."""
    if isinstance(column, Coded):
        counts = np.zeros(len(column.levels) + 1, dtype=np.int64)
        for start in range(0, len(column.codes), _IN_CACHE):
            codes = column.codes[start : start + _IN_CACHE].astype(np.intp)
            counts += np.bincount(codes + 1, minlength=len(counts))
        counts = counts[1:]
        raw: Counter[Any] = Counter(
            {level: int(n) for level, n in zip(column.levels, counts.tolist(), strict=True) if n}
        )
    elif column.dtype.kind in "OUST":
        plain: Iterable[Any] = column.tolist()
        raw = Counter(plain)
    else:
        distinct, many = np.unique(column[~missing(column)], return_counts=True)
        raw = Counter(dict(zip(distinct.tolist(), many.tolist(), strict=True)))
    found: Counter[str] = Counter()
    for value, count in raw.items():
        if value is not None and value == value:
            found[level(value, kind)] += count
    return found


def level(value: Any, kind: str = "categorical") -> str:
    """Return the text a level is known by: 3, 3.0 and "3" are one, and so are 1 and True of a truth value."""
    if kind == "bool" and value in (0, 1):
        return str(bool(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
