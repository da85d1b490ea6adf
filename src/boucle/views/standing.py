"""Where a model stands: one of five words, why, and whether it needs a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from boucle.core.verdict import Check, Verdict
from boucle.loop.telling.said import Said, said
from boucle.loop.wording import TITLES, title
from boucle.views.newest import Newest, bound_of

State = Literal["fine", "watching", "early", "below", "stopped"]
RANKS = ("alarm", "approval", "rollout", "watched", "fine")


@dataclass(frozen=True, slots=True)
class Standing:
    """``needs`` says that an alarm is open that nobody has acknowledged; ``rank`` orders lists, 0 first."""

    state: State
    why: Said
    needs: bool
    rank: int


def standing(seen: Newest) -> Standing:
    """Say where a model stands, from what is newest about it."""
    state, why = _state(seen)
    unseen = [one for one in seen.alarms if one.state == "open"]
    if any(one.cause != "approval" for one in unseen):
        return Standing(state, why, True, 0)
    if unseen:
        return Standing(state, why, True, 1)
    if seen.held.challenger is not None:
        return Standing(state, why, False, 2)
    return Standing(state, why, False, 4 if state == "fine" else 3)


def _state(seen: Newest) -> tuple[State, Said]:
    held = seen.held
    if held.champion is None:
        return "early", said("why.none", model=held.model)
    if not held.enabled:
        return "stopped", said("why.disabled")
    broken = _broken(seen)
    if broken is not None:
        return "below", broken
    watched = _watched(seen)
    if watched is not None:
        return "watching", watched
    if held.challenger is not None:
        return "early", rolling(seen)
    return _otherwise(seen)


def _broken(seen: Newest) -> Said | None:
    for kind in ("floor", "slo", "quality"):
        verdict = seen.verdict(kind)
        if verdict is not None and verdict.status == "fail":
            check = verdict.failed[0]
            return _lost(verdict, check) if kind == "quality" else said(f"why.{kind}", check=check.name)
    return None


def _lost(verdict: Verdict, check: Check) -> Said:
    bound, labels = bound_of(check)[0], int(check.n or verdict.inputs.get("labels", 0))
    if check.observed is None or bound is None:
        return said("why.quality.plain", metric=check.name, n=labels)
    return said("why.quality", metric=check.name, value=check.observed, bound=bound, n=labels)


def _watched(seen: Newest) -> Said | None:
    fault, drift, quality = (seen.verdict(kind) for kind in ("fault", "drift", "quality"))
    if fault is not None and fault.status == "fail":
        columns = list(dict.fromkeys(str(c.evidence.get("column", c.name)) for c in fault.failed))
        return _columns("why.fault", columns)
    if drift is not None and drift.status == "fail":
        worst = max(drift.failed, key=lambda c: c.observed or 0.0)
        return _columns("why.drift", [worst.name, *drift.failed[1:]], effect=worst.observed or 0.0)
    approval = next((one for one in seen.alarms if one.cause == "approval"), None)
    if approval is not None:
        return said("why.approval", version=f"{seen.held.model}/{approval.version}")
    if seen.alarms:
        return said("why.alarm", title=caused(seen.alarms[0].cause))
    first = quality.checks[0] if quality is not None and quality.checks else None
    if first is not None and first.status == "inconclusive" and first.observed is not None:
        bound, greater = bound_of(first)
        if bound is not None and (first.observed < bound) == greater:
            return said("why.unsure", metric=first.name, value=first.observed, bound=bound)
    return None


def caused(cause: str) -> Said:
    """Name an alarm's cause; one from outside carries its own name."""
    return said(f"cause.{cause}") if cause in TITLES else said("cause.outside", name=title(cause, "en"))


def _columns(key: str, columns: Sequence[object], **values: float) -> Said:
    more = len(columns) - 1
    told = {"column": str(columns[0]), **values}
    return said(f"{key}.more", more=more, **told) if more else said(key, **told)


def rolling(seen: Newest) -> Said:
    """Say how far the rollout under way has come."""
    rollout = seen.held.rollout
    assert rollout is not None
    version = f"{seen.held.model}/{rollout.challenger}"
    if rollout.phase == "holding":
        return said("why.holding", version=version)
    needed = seen.rollout[1].inputs.get("needed") if seen.rollout else None
    key = "why.shadow" if rollout.phase == "shadow" else "why.rollout"
    told = {"version": version, "share": rollout.share}
    return said(key, needed=int(needed), **told) if needed else said(f"{key}.open", **told)


def _otherwise(seen: Newest) -> tuple[State, Said]:
    quality, drift = seen.status("quality"), seen.status("drift")
    if quality == "pass":
        quiet = seen.now - seen.released.time if seen.released is not None else 0.0
        return "fine", said("why.quiet", quiet=quiet) if quiet > 0.0 else said("why.fine")
    if seen.labels:
        return "early", said("why.labels", n=seen.labels)
    found = seen.verdict("drift")
    if drift == "inconclusive" and found is not None and found.checks:
        return "early", said("why.rows", n=int(found.checks[0].observed or 0), needed=200)
    return "early", said("why.unlabelled")
