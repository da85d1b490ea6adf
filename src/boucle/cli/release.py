"""boucle promote, rollback, disable, enable, pause, resume."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from boucle.cli.output import JsonOption, Output, ProjectOption
from boucle.core.deployment import Strategy
from boucle.core.json import from_data, to_data
from boucle.core.verdict import Verdict
from boucle.delivery.release import Change
from boucle.loop import operations
from boucle.loop.project import Project

NameArgument = Annotated[str | None, typer.Argument(metavar="NAME", help="The model; default: the project's.")]
ReasonOption = Annotated[str, typer.Option(help="Why; kept in the history.")]


class StrategyName(StrEnum):
    canary = "canary"
    shadow = "shadow"
    blue_green = "blue-green"
    direct = "direct"


_STRATEGIES: dict[StrategyName, Strategy] = {
    StrategyName.canary: "canary",
    StrategyName.shadow: "shadow",
    StrategyName.blue_green: "blue-green",
    StrategyName.direct: "direct",
}


def promote(
    ref: Annotated[str, typer.Argument(metavar="REF", help="NAME/7 or NAME@challenger.")],
    strategy: Annotated[StrategyName | None, typer.Option(help="Default: the project's.")] = None,
    override: Annotated[bool, typer.Option("--override", help="Release it although its gate did not pass.")] = False,
    reason: ReasonOption = "asked for",
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Roll a version out; it becomes champion if it proves itself."""
    opened = Project.open(project)
    chosen = _STRATEGIES[strategy] if strategy else None
    _tell(opened, operations.promote(opened, ref, chosen, reason, override), json)


def rollback(
    name: NameArgument = None,
    reason: ReasonOption = "asked for",
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Go back to the previous champion, or end the rollout under way."""
    opened = Project.open(project)
    _tell(opened, opened.delivery.rollback(opened.check_name(name), reason), json)


def disable(
    name: NameArgument = None,
    reason: ReasonOption = "asked for",
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Let a model answer nothing but its declared fallback."""
    opened = Project.open(project)
    _tell(opened, opened.delivery.disable(opened.check_name(name), reason), json)


def enable(
    name: NameArgument = None,
    reason: ReasonOption = "asked for",
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Let a disabled model answer again."""
    opened = Project.open(project)
    _tell(opened, opened.delivery.enable(opened.check_name(name), reason), json)


def pause(
    name: NameArgument = None,
    reason: ReasonOption = "asked for",
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Let a rollout stand still at its share."""
    opened = Project.open(project)
    _tell(opened, opened.delivery.pause(opened.check_name(name), reason), json)


def resume(
    name: NameArgument = None,
    reason: ReasonOption = "asked for",
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Let a paused rollout go on."""
    opened = Project.open(project)
    _tell(opened, opened.delivery.resume(opened.check_name(name), reason), json)


def _tell(project: Project, change: Change, as_json: bool) -> None:
    output = Output(as_json)
    held = change.deployment
    view: dict[str, Any] = {
        "model": held.model,
        "champion": held.champion,
        "enabled": held.enabled,
        "rollout": to_data(held.rollout),
        "undo": change.undo,
    }

    def show() -> None:
        for event in change.events:
            output.line(f"{event.model}/{event.version}: {event.kind.replace('_', ' ')} ({event.reason})")
            verdict = event.data.get("verdict") or {}
            if verdict.get("kind") == "replay":
                output.line(f"replayed: {from_data(verdict, Verdict).reason}")
        if change.undo:
            output.line(f"undo with: {change.undo}")

    output.result(view, show)
    project.close()
