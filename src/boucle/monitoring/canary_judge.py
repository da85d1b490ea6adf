"""The canary judge on counts: is the challenger, interval by interval, no worse than the champion?

Needs nothing but how many requests each version answered and how many of them were wrong. It may be asked after every
interval: both judgements hold however often they are made. Without data the answer is "hold", never "promote".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import msgspec

from boucle.core.errors import Conflict, RequestError, StoreError
from boucle.core.json import dumps, loads
from boucle.core.verdict import Check, Status, Verdict
from boucle.formats.files import write_atomic
from boucle.measures.contrasts import Arm, Contrast
from boucle.measures.sequences import LEVEL, UNKNOWN, Band, rows_until

RELATIVE_MARGIN = 0.1
LEAST_MARGIN = 1e-3
GUARD_MARGIN = 0.01
"""How much larger the share of slow or failed requests may be."""
FEWEST = 30
"""Rows of either version under which the asymptotic bound says nothing."""

NARROWEST = 10.0
"""The bound is narrowest at this many times the fewest rows: a tenth of an error rate needs thousands of them."""

Decision = Literal["promote", "rollback", "hold"]
Counts = tuple[float, float]
"""(how many of them were wrong, requests)"""


@dataclass(frozen=True, slots=True)
class Decided(Verdict):
    """A verdict about a challenger with what follows. ``needed`` estimates the challenger rows still to come."""

    decision: Decision = "hold"
    needed: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one metric: the difference of losses, challenger minus champion, and rows of each version.

    ``proof`` is the e-value of "the challenger is worse", None for losses that are not 0/1: for them the lower end of
    the band proves it. Only more than ``harm`` (default: ``margin``) is held against it. ``missing`` says why nothing
    can be judged now, ``planned`` at how many challenger rows the band is narrowest, ``unit`` what those are to people.
    """

    name: str
    band: Band
    margin: float
    required: int
    rows: int
    champion_rows: int
    champion_loss: float
    planned: float
    proof: float | None = None
    missing: str = ""
    harm: float | None = None
    unit: str = "labels"

    @property
    def asymptotic(self) -> Band:
        return self.band if min(self.rows, self.champion_rows) >= FEWEST else UNKNOWN

    def worse(self, level: float) -> bool:
        """Say whether the challenger is surely worse: at most ``level`` of equal ones ever are."""
        if self.proof is None:
            return self.asymptotic.low > self.margin
        return self.proof >= 1.0 / level and self.band.estimate > (self.margin if self.harm is None else self.harm)

    @property
    def fine(self) -> bool:
        return not self.missing and self.rows >= self.required and self.asymptotic.high < self.margin

    @property
    def needed(self) -> int | None:
        """Estimate the challenger rows that decide, if the difference stays; None when none would."""
        short = max(0, self.required - self.rows)
        band = self.band
        if not band.rows or not band.estimate < self.margin:
            return short or None
        share = band.rows / self.rows
        wanted = rows_until(band, self.margin, self.planned * share)
        return (short or None) if wanted is None else max(short, math.ceil(wanted / share) - self.rows, 1)


def conclude(
    subject: str, found: Sequence[Evidence], level: float = LEVEL, pace: float | None = None, unit: str = ""
) -> Decided:
    """Decide about a challenger: roll back if any metric is surely worse, promote if all are surely fine, else hold.

    Of k metrics each may accuse at ``level`` / k, so that an equal challenger is rolled back in at most ``level`` of
    the rollouts; promotion needs every bound, which no number of metrics makes easier. ``pace`` is how many challenger
    rows come in a second, or in what ``unit`` names.
    """
    worse = [one.worse(level / len(found)) for one in found]
    fine = not any(worse) and all(one.fine for one in found)
    waits = [one.needed for one in found if not one.fine]
    needed = None if fine or any(worse) or None in waits else max((w for w in waits if w is not None), default=None)
    odds = len(found) / level
    checks = [_check(one, bad, odds, pace, unit) for one, bad in zip(found, worse, strict=True)]
    status: Status = "fail" if any(worse) else "pass" if fine else "inconclusive"
    decision: Decision = "rollback" if any(worse) else "promote" if fine else "hold"
    inputs = {"required": max(one.required for one in found), "needed": needed, "pace": None if unit else pace}
    return Decided(subject, "rollout", status, tuple(checks), inputs, decision=decision, needed=needed)


def _check(one: Evidence, worse: bool, odds: float, pace: float | None, unit: str) -> Check:
    band = one.asymptotic
    status: Status = "fail" if worse else "pass" if one.fine else "inconclusive"
    if worse:
        note = "the challenger is worse than the champion"
    elif one.fine:
        note = f"the challenger's is at most {one.margin:.3g} above the champion's"
    else:
        note = one.missing or _waiting(one, pace, unit)
    evidence = {
        "champion_loss": told(one.champion_loss), "champion_rows": one.champion_rows, "e_value": one.proof,
        "ends_at": odds, "needed": None if one.fine or worse else one.needed, "required": one.required,
        "unit": one.unit,
    }  # fmt: skip
    bound = f"< {one.margin:.4g}" if math.isfinite(one.margin) else ""
    low, high = told(band.low), told(band.high)
    return Check(one.name, status, told(one.band.estimate), bound, low, high, one.rows, note, evidence)


def _waiting(one: Evidence, pace: float | None, unit: str) -> str:
    for who, rows in (("challenger", one.rows), ("champion", one.champion_rows)):
        if not rows:
            what = "labelled rows" if one.unit == "labels" else one.unit
            return f"no {what} of the {who} yet; {one.required} of the challenger are needed"
    if one.needed is None:
        return f"the difference is not below the margin of {one.margin:.3g}, and not surely above zero"
    return f"needs about {one.needed} more {one.unit}" + (f", {_lasting(one.needed / pace, unit)}" if pace else "")


def _lasting(time: float, unit: str) -> str:
    if unit:
        return f"about {math.ceil(time)} {unit}{'s' * (time > 1)} at this rate"
    for size, name in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if time >= 2 * size:
            return f"about {time / size:.0f} {name} at this rate"
    return f"about {math.ceil(time)} seconds at this rate"


def told(value: float) -> float | None:
    return value if math.isfinite(value) else None


def default_margin(champion_rate: float) -> float:
    """Return the rise of the error rate that is let through where none is declared: a tenth, 1/1000 at least."""
    return max(RELATIVE_MARGIN * champion_rate, LEAST_MARGIN)


class CanaryJudge:
    """Judges a canary by the counts of each interval, of any length and at any share of the traffic.

    ``margin`` is how much larger the challenger's error rate may be (default: a tenth of the champion's, and 1/1000 at
    least). ``level`` bounds either error: an equal challenger rolled back, a worse one promoted. ``least`` challenger
    rows are needed to promote. ``past`` are (errors, requests) of the champion from before the rollout, if known.
    """

    def __init__(
        self, margin: float | None = None, level: float = LEVEL, least: int = 200, past: Counts | None = None
    ) -> None:
        if not (0 < level < 0.5) or least < 1 or (margin is not None and not 0 <= margin < 1):
            raise RequestError(
                f"A judge of margin {margin}, level {level} and least {least} cannot be.",
                hint="margin in [0, 1), level in (0, 0.5), least from 1 on",
            )
        self.margin = margin
        self.level = level
        self.least = least
        self._contrasts = {"errors": Contrast(past=Arm() if past is None else _arm(past, "past"))}
        self._intervals = 0
        self._seconds = 0.0

    def update(
        self,
        champion: Counts,
        challenger: Counts,
        slow: tuple[Counts, Counts] | None = None,
        *,
        seconds: float | None = None,
    ) -> Decided:
        """Count one more interval and judge: (errors, requests) of each version in it.

        ``slow`` are (requests slower than the champion's usual p99, requests) of champion and challenger: a guardrail.
        ``seconds`` is how long the interval was, to say when a decision is near. An interval without data, or with NaN
        from a query that failed, counts for nothing: hold. Raises RequestError for counts that cannot be.
        """
        given = {"errors": (champion, challenger), **({"slow": slow} if slow is not None else {})}
        missing = ""
        for name, (first, second) in given.items():
            missing = missing or _missing(name, first, second)
        if not missing:
            arms = {name: (_arm(a, name), _arm(b, name)) for name, (a, b) in given.items()}
            for name, both in arms.items():
                self._contrasts.setdefault(name, Contrast()).add(*both)
            self._intervals += 1
            self._seconds = self._seconds + seconds if seconds is not None else math.nan
        return self._conclude(missing)

    def _conclude(self, missing: str) -> Decided:
        found = [self._evidence(name, one, missing) for name, one in self._contrasts.items()]
        rows = self._contrasts["errors"].second.rows
        timed = self._seconds > 0
        pace = rows / (self._seconds if timed else max(self._intervals, 1))
        return conclude("challenger", found, self.level, pace or None, "" if timed else "more interval")

    def _evidence(self, name: str, one: Contrast, missing: str) -> Evidence:
        rate = (one.past + one.first).mean
        if name != "errors":
            margin = GUARD_MARGIN
        else:
            margin = default_margin(rate) if self.margin is None else self.margin
        aimed = NARROWEST * self.least
        rows, champion_rows = one.second + one.waiting_second, one.first + one.waiting_first
        return Evidence(
            name, one.band(aimed, self.level), margin, self.least, int(rows.rows), int(champion_rows.rows),
            champion_rows.mean, aimed, one.best, missing,
        )  # fmt: skip

    def merge(self, other: CanaryJudge) -> CanaryJudge:
        """Return both as one judge, as if it had seen the intervals of both; raises Conflict for other questions."""
        if (self.margin, self.level, self.least) != (other.margin, other.level, other.least):
            raise Conflict("These judges differ in margin, level or least.", hint="merge judges made the same way")
        found = CanaryJudge(self.margin, self.level, self.least)
        names = {**self._contrasts, **other._contrasts}
        found._contrasts = {
            name: self._contrasts.get(name, Contrast()) + other._contrasts.get(name, Contrast()) for name in names
        }
        found._intervals = self._intervals + other._intervals
        found._seconds = self._seconds + other._seconds
        return found

    def save(self, path: str | Path) -> None:
        """Write the judge's counts as JSON; raises StoreError."""
        kept = _Saved(self.margin, self.level, self.least, self._contrasts, self._intervals, told(self._seconds))
        write_atomic(Path(path), dumps(kept))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a saved judge, which goes on where that stood; raises StoreError."""
        try:
            kept = loads(Path(path).read_bytes(), _Saved)
        except (OSError, msgspec.MsgspecError) as error:
            raise StoreError(f"{path} holds no canary judge: {error}.", hint="judge.save(path) writes one") from error
        found = cls(kept.margin, kept.level, kept.least)
        found._contrasts = kept.contrasts
        found._intervals = kept.intervals
        found._seconds = math.nan if kept.seconds is None else kept.seconds
        return found


@dataclass(frozen=True, slots=True)
class _Saved:
    margin: float | None
    level: float
    least: int
    contrasts: dict[str, Contrast]
    intervals: int
    seconds: float | None


def _missing(name: str, champion: Counts, challenger: Counts) -> str:
    """Say what is not there to be counted, empty when all is."""
    for who, (wrong, rows) in (("champion", champion), ("challenger", challenger)):
        if _absent(wrong) or _absent(rows):
            return f"the {name} of the {who} are no number: nothing is known of this interval"
    if not champion[1] and not challenger[1]:
        return "no data in this interval"
    return ""


def _absent(value: object) -> bool:
    """Say whether a value is no number: None, NaN, pandas' NA, an error's text."""
    try:
        return math.isnan(float(value))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return True


def _arm(counts: Counts, name: str) -> Arm:
    wrong, rows = float(counts[0]), float(counts[1])
    if not (0 <= wrong <= rows < math.inf):
        raise RequestError(f"{name}: {wrong:g} of {rows:g} requests cannot be.", hint="counts are (errors, requests)")
    return Arm.counted(wrong, rows)
