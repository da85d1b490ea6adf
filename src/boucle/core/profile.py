"""Profile: the mergeable counts of a set of rows, column by column.

A window of any length, over any number of workers, is the sum of its parts; the raw rows are not needed again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """Counts of one column over bins fixed by the reference.

    Numeric: ``edges`` has k-1 inner cut points, ``counts`` k bins. Categorical: ``levels`` and their ``counts``, then
    ``unseen`` for levels the reference did not have. ``outside`` counts values beyond the reference's range widened
    by 10 %, ``far`` those so far beyond it that no shift explains them. ``total`` and ``squares`` are sums of x and
    x², for mean and deviation.
    """

    name: str
    kind: str
    edges: tuple[float, ...] = ()
    levels: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    missing: int = 0
    unseen: int = 0
    outside: int = 0
    low: float | None = None
    high: float | None = None
    total: float = 0.0
    squares: float = 0.0
    far: int = 0

    @property
    def rows(self) -> int:
        return sum(self.counts) + self.missing + self.unseen

    def merged(self, other: ColumnProfile) -> ColumnProfile:
        """Add two profiles taken over the same bins; raises ValueError if the bins differ."""
        if (self.name, self.kind, self.edges, self.levels) != (other.name, other.kind, other.edges, other.levels):
            raise ValueError(f"profiles of '{self.name}' have different bins")
        return replace(
            self,
            counts=tuple(a + b for a, b in zip(self.counts, other.counts, strict=True)),
            missing=self.missing + other.missing,
            unseen=self.unseen + other.unseen,
            outside=self.outside + other.outside,
            total=self.total + other.total,
            squares=self.squares + other.squares,
            far=self.far + other.far,
        )


@dataclass(frozen=True, slots=True)
class Profile:
    """Profiles of all input columns, and of the prediction (named ``prediction``)."""

    rows: int
    columns: tuple[ColumnProfile, ...] = ()
    extra: dict[str, float] = field(default_factory=dict)

    def column(self, name: str) -> ColumnProfile:
        """Return one column's profile; raises KeyError."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def merged(self, other: Profile) -> Profile:
        return Profile(
            self.rows + other.rows,
            tuple(a.merged(b) for a, b in zip(self.columns, other.columns, strict=True)),
            {k: self.extra.get(k, 0.0) + other.extra.get(k, 0.0) for k in {**self.extra, **other.extra}},
        )
