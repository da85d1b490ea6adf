"""Verdict: the one type that gates, drift, quality, SLOs and canaries speak."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison: what was observed, against which bound, on how much evidence.

    ``low`` and ``high`` are the ends of the interval of ``observed``, ``n`` the number of rows or labels behind it.
    """

    name: str
    status: Status
    observed: float | None = None
    bound: str = ""
    low: float | None = None
    high: float | None = None
    n: int | None = None
    note: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The conclusion about ``subject`` with its checks. Too little data is never "pass"."""

    subject: str
    kind: str
    status: Status
    checks: tuple[Check, ...] = ()
    inputs: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, subject: str, kind: str, checks: Iterable[Check], **inputs: Any) -> Verdict:
        """Conclude: any failed check fails; else any inconclusive one, or none at all, is inconclusive."""
        checks = tuple(checks)
        states = {c.status for c in checks}
        status: Status = "fail" if "fail" in states else "pass" if states == {"pass"} else "inconclusive"
        return cls(subject, kind, status, checks, inputs)

    @property
    def failed(self) -> tuple[Check, ...]:
        return tuple(c for c in self.checks if c.status == "fail")

    @property
    def reason(self) -> str:
        """One line for people: the checks that decided, with their numbers."""
        deciding = [c for c in self.checks if c.status == self.status] or list(self.checks)
        if not deciding:
            return "no data yet"
        shown = "; ".join(_line(c) for c in deciding[:3])
        return shown + (f"; and {len(deciding) - 3} more" if len(deciding) > 3 else "")


def _line(check: Check) -> str:
    text = check.name
    if check.observed is not None:
        text += f" {check.observed:.4g}"
    if check.low is not None and check.high is not None:
        text += f" [{check.low:.4g}, {check.high:.4g}]"
    if check.bound:
        text += f" (bound {check.bound})"
    if check.n is not None:
        text += f", n={check.n}"
    return text + (f": {check.note}" if check.note else "")
