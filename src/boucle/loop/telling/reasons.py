"""Why something was decided, said from the numbers an event was written with, so that it reads in either language.

What was stored as text stays so for the record. An event without such numbers, or with words of a person, is told by
its text: ``why`` then returns None.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from boucle.core.alarm import Alarm
from boucle.core.event import Event
from boucle.core.ground import ground_of
from boucle.loop import alarms
from boucle.loop.telling.phrases import PHRASES
from boucle.loop.telling.said import Said, said

_SHOWN = 3
_ALARMS = ("alarm_opened", "alarm_acknowledged")
_APART = ", challenger minus champion"
_PLAIN = {"champion": "reason.gain", "prediction": "reason.prediction", "rows": "reason.rows"}
_TRAINED = ("trained", "adopted", "optimized", "distilled")


def why(event: Event) -> Said | None:
    """Return the reason of an event as a sentence; None where only its text tells it."""
    data, kind = event.data, event.kind
    if (grounded := _grounded(event)) is not None:
        return grounded
    if kind == "decision":
        return _decided(data)
    if kind == "retraining" or kind in _ALARMS:
        return _caused(data)
    if kind == "alarm_resolved" and data.get("quiet"):
        return said("reason.quiet", n=int(data["quiet"]))
    if kind == "alias_moved":
        return said("reason.alias")
    if kind == "gate_failed" and data.get("made"):
        return said("reason.again", failed=int(data["failed"]))
    if kind == "labels_asked" and data.get("count"):
        return said("reason.labels", n=int(data["count"]))
    if kind in ("key_added", "key_rotated", "key_revoked") and f"role.{data.get('role')}" in PHRASES:
        return said("reason.key", name=data.get("name"), role=said(f"role.{data['role']}"))
    if kind == "message_tested" and "sent" in data:
        return said("reason.sent" if data["sent"] else "reason.unsent", kind=data.get("kind"))
    if kind == "role_given" and f"role.{data.get('role')}" in PHRASES:
        return said("reason.role", **{name: said(f"role.{data.get(name, 'none')}") for name in ("role", "before")})
    if kind == "muted" and data.get("until", 0.0) > event.time:
        return said("reason.until", span=data["until"] - event.time)
    return _verdict(event)


def _grounded(event: Event) -> Said | None:
    """Tell the code that an event was written with; an older one, without it, is known by its text."""
    ground, ref = event.data.get("ground") or ground_of(event.reason, event.actor), f"{event.model}/{event.version}"
    code = str(ground.get("code", ""))
    if code in ("console", "by"):
        return said(f"reason.{code}", actor=event.actor)
    if code == "unsaid":
        return said("reason.asked")
    if code == "against":
        return said("reason.override", text=ground.get("words", event.reason))
    return _about_alarm(ground, ref)


def _about_alarm(ground: Mapping[str, Any], ref: str) -> Said | None:
    """Tell why an alarm that no verdict opened is there, or why it is over."""
    code = str(ground.get("code", ""))
    if code == "gates":
        return said("reason.gates", failed=int(ground.get("failed", 0)))
    plain = {"approval": "reason.approval", "released": "reason.released", "seen": "reason.seen",
             "passed": "reason.over", "outside": "reason.outside"}  # fmt: skip
    return said(plain[code], ref=ref) if code in plain else None


def _decided(data: Mapping[str, Any]) -> Said | None:
    told, held, note = _caused(data), data.get("waits"), f"note.{data.get('note')}"
    if told is None:
        return None
    if note in PHRASES:
        told = said("reason.note", told=told, note=said(note))
    if not held:
        return told
    waits = _held(held)
    return said("reason.held", held=waits, told=told) if waits is not None else None


def _held(held: Mapping[str, Any]) -> Said | None:
    """Say why something waits; None for what was written before the numbers were kept."""
    key = f"hold.{held['kind']}"
    values = {name: held[name] for name in ("n", "of") if held.get(name) is not None}
    if key not in PHRASES or any(f"{{{name}:" in PHRASES[key][0] and name not in values for name in ("n", "of")):
        return None
    return said(key, **values)


def why_alarm(alarm: Alarm) -> Said | None:
    """Return what an alarm is about, with its numbers; None where only its text tells it."""
    known = alarms.about(alarm)
    evidence = known["evidence"]
    if evidence:
        return checks(evidence["checks"], evidence["more"], evidence["kind"])
    return _about_alarm(known["ground"] or {}, f"{alarm.model}/{alarm.version}")


def done_about(alarm: Alarm) -> Said | None:
    """Return what was done about an alarm, or why nothing is; None where only its text tells it."""
    action, held = str(alarm.data.get("action") or ""), alarm.data.get("waits")
    if held and not alarm.data.get("undo"):
        waits = _held(held)
        return said("done.waits", action=said(f"act.{action}"), held=waits) if waits is not None else None
    older = not str(alarm.data.get("done", "")).startswith("rolled back")
    if action == "rollback" and alarm.data.get("rolling", older):
        return said("done.ended")
    code = str((alarm.data.get("ground") or {}).get("code", ""))
    if not action and f"done.{code}" in PHRASES:
        return said(f"done.{code}")
    return said(f"done.{action}") if f"done.{action}" in PHRASES else None


def _caused(data: Mapping[str, Any]) -> Said | None:
    """Tell a cause with its evidence, as a decision, a retraining and an alarm hold them."""
    cause, evidence = str(data.get("cause") or ""), data.get("evidence")
    if not evidence:
        plain = f"reason.{cause}"
        return said(plain) if plain in ("reason.follow_up", "reason.stale", "reason.schedule") else None
    kind = str(evidence.get("kind") or cause)
    told = checks(_checks(evidence.get("checks")), int(evidence.get("more") or 0), kind)
    title = f"cause.{cause}"
    return said("reason.because", cause=said(title), told=told) if told is not None and title in PHRASES else None


def _verdict(event: Event) -> Said | None:
    """Tell the checks that decided, of an event that holds a whole verdict."""
    verdict = event.data.get("verdict")
    known = _checks(verdict.get("checks")) if isinstance(verdict, Mapping) else []
    if not isinstance(verdict, Mapping) or not known:
        passed = event.actor == "keeper" and event.kind in ("rollout_started", "release")
        return said("reason.passed", ref=f"{event.model}/{event.version}") if passed and event.version else None
    status = str(verdict.get("status", ""))
    found = [check for check in known if check.get("status") == status] or known
    told = checks(found[:_SHOWN], max(0, len(found) - _SHOWN), str(verdict.get("kind", "")))
    if told is None:
        return None
    if event.kind in _TRAINED:
        return said("reason.gate", status=said(f"verdict.{status}"), told=told)
    if event.kind == "release" and verdict.get("kind") == "gate":
        return said("reason.first", told=told)
    if event.kind in ("rollout_started", "release") and event.actor == "keeper":
        return said("reason.passed", ref=f"{event.model}/{event.version}")
    return told


def checks(found: Sequence[Mapping[str, Any]], more: int = 0, kind: str = "") -> Said | None:
    """Tell checks of a ``kind`` of verdict with their numbers, one behind the other; None without a number."""
    told: Said | None = None
    for check in found:
        if check.get("observed") is not None:
            one = _check(check, kind)
            told = one if told is None else said("reason.and", first=told, then=one)
    return said("reason.more", told=told, n=more) if told is not None and more > 0 else told


def _checks(found: object) -> list[Mapping[str, Any]]:
    """Return what looks like checks: one entry that was written otherwise must not hide a page of them."""
    return (
        [one for one in found if isinstance(one, Mapping) and "name" in one] if isinstance(found, list | tuple) else []
    )


def named(check: Mapping[str, Any]) -> Said | str:
    """Name a check; columns and metrics keep the names that people gave them."""
    found = check.get("evidence")
    known = found if isinstance(found, Mapping) and found else check
    name = str(check.get("name", ""))
    if (fault := faulty(str(known.get("column", "")), str(known.get("kind", "")))) is not None:
        return fault
    if name.endswith(_APART):
        return said("reason.apart", check=titled(name.removesuffix(_APART)))
    return said(_PLAIN[name]) if name in _PLAIN else name


def _check(check: Mapping[str, Any], kind: str) -> Said:
    name = named(check)
    if kind == "drift" and check["name"] != "rows":
        name = said("reason.effect", name=name)
    values = {"name": name, "value": float(check["observed"])}
    if check.get("low") is not None and check.get("high") is not None:
        told = said("reason.between", low=float(check["low"]), high=float(check["high"]), **values)
    else:
        told = said("reason.value", **values)
    if check.get("bound"):
        told = said("reason.bound", told=told, bound=_bound(str(check["bound"])))
    return said("reason.n", told=told, n=int(check["n"])) if check.get("n") is not None else told


def faulty(column: str, kind: str) -> Said | None:
    """Say what is wrong with the values of a column; None for a kind of fault that there are no words for."""
    return said(f"fault.{kind}", column=column) if f"fault.{kind}" in PHRASES else None


def titled(name: str) -> Said:
    """Name what a rollout compares."""
    key = f"check.{name.partition(' ')[0]}"
    if name.startswith("requests without "):
        return said("check.without", event=name.removeprefix("requests without "))
    return said(key) if key in PHRASES else said("check.other", name=name)


def _bound(text: str) -> Said | str:
    """Read a bound such as ``>= 0.9`` as a sign and a number of the language."""
    sign, _, number = text.partition(" ")
    try:
        return said("reason.limit", sign={">=": "≥", "<=": "≤"}.get(sign, sign), value=float(number))
    except ValueError:
        return text
