"""Profiles: mergeable counts of a set of rows, column by column, over bins that a reference fixes.

A window of any length, over any number of workers, is the sum of its parts; the raw rows are not needed again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]
else:
    Array = np.ndarray

Kind = Literal["numeric", "datetime", "categorical", "bool"]
RATES = ("missing", "unseen", "outside", "far", "small", "large", "whole", "common")
"""What is counted of each column besides its bins, in this order.

``unseen``: levels that are not among the reference's. ``outside``: beyond the reference's range widened by 10 %,
``far`` so far beyond that no shift explains it. ``small`` and ``large``: a twentieth and twenty times the reference's
median, of quantities. ``whole``: whole numbers; ``common``: the reference's most common value.
"""


@dataclass(frozen=True, slots=True)
class Column:
    """The bins of one column. Numbers: keys by ``centre`` and ``scale``, parted at ``cuts``; others: one a level.

    ``judged`` are the rates that mean something for it; None for all that its kind has.
    """

    name: str
    kind: Kind
    centre: float = 0.0
    scale: float = 1.0
    cuts: tuple[int, ...] = ()
    levels: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    common: float | None = None
    judged: tuple[str, ...] | None = None

    @property
    def numeric(self) -> bool:
        return self.kind in ("numeric", "datetime")

    @property
    def bins(self) -> int:
        return len(self.cuts) + 1 if self.numeric else len(self.levels)


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Counts of ``rows`` rows.

    ``bins``: all columns' bins behind one another, shape (bins,). ``rates``: shape (columns, 8), see RATES. ``pairs``
    and ``triples``: sums of products of normal scores of the numeric columns. ``extra`` has counts of other kinds.
    """

    rows: int
    bins: Array
    rates: Array
    pairs: Array
    triples: Array
    extra: dict[str, float] = field(default_factory=dict)

    def __add__(self, other: Counts) -> Counts:
        if self.bins.shape != other.bins.shape or self.rates.shape != other.rates.shape:
            raise ValueError(f"profiles of {len(self.bins)} and {len(other.bins)} bins cannot be added")
        extra = {k: self.extra.get(k, 0.0) + other.extra.get(k, 0.0) for k in {**self.extra, **other.extra}}
        return Counts(
            self.rows + other.rows,
            self.bins + other.bins,
            self.rates + other.rates,
            self.pairs + other.pairs,
            self.triples + other.triples,
            extra,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The reference: its columns, and its counts in ``blocks`` of ``length`` rows, in order of time if ``ordered``.

    ``bins`` has shape (blocks, bins), ``rates`` (blocks, columns, 8), ``pairs`` (blocks, pairs), ``triples`` (blocks,
    triples), ``block_rows`` (blocks,). ``pair_noise`` and ``triple_noise`` are variances of a single row's product.
    ``fine`` (columns,) is the design effect over an eighth of a block, ``met`` (bins,) how many rows of a level there
    would be if each row met only the levels of other blocks. ``origin`` is the time of the first row (Unix seconds)
    and ``span`` the seconds of a block, both 0 where times are not known. ``windows`` are those of a block: of a long
    reference several stand together.
    """

    columns: tuple[Column, ...]
    length: int
    ordered: bool
    block_rows: Array
    bins: Array
    rates: Array
    pairs: Array
    triples: Array
    pair_noise: Array
    triple_noise: Array
    fine: Array
    met: Array
    origin: float = 0.0
    span: float = 0.0
    windows: int = 1

    @property
    def rows(self) -> int:
        return int(self.block_rows.sum())

    @property
    def total(self) -> Counts:
        """The counts of all rows."""
        sums = (a.sum(axis=0) for a in (self.bins, self.rates, self.pairs, self.triples))
        return Counts(self.rows, *sums)

    def column(self, name: str) -> Column:
        """Return one column; raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)
