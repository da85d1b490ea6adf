"""What a person can do about a model that needs one, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from boucle.loop.telling.said import Said, said
from boucle.views.newest import Newest

Place = Literal["rollout", "alarms", "drift", "model"]


@dataclass(frozen=True, slots=True)
class Advice:
    """``told`` is one sentence; ``place`` the page where it is done."""

    told: Said
    place: Place


def advice(seen: Newest) -> Advice | None:
    """Return what to do next, None where nobody is needed."""
    held, causes = seen.held, {one.cause for one in seen.alarms if one.state == "open"}
    if held.champion is not None and not held.enabled:
        return Advice(said("next.enable", model=held.model), "model")
    if not causes:
        return None
    if "fault" in causes:
        return Advice(said("next.fault"), "drift")
    rollout = held.rollout if held.challenger is not None else None
    if rollout is not None:
        version = f"{held.model}/{rollout.challenger}"
        if "approval" in causes or rollout.phase == "holding":
            return Advice(said("next.approve", version=version), "rollout")
        return Advice(said("next.rollout", version=version), "rollout")
    if "approval" in causes:
        return Advice(said("next.approval"), "alarms")
    if causes & {"quality", "slo", "floor"}:
        return Advice(said("next.retrain"), "model")
    return Advice(said("next.drift"), "drift") if "drift" in causes else Advice(said("next.alarm"), "alarms")
