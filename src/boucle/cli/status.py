"""boucle status, history."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from boucle.cli.output import JsonOption, Output, ProjectOption, sign
from boucle.loop.project import Project
from boucle.views import models as views
from boucle.views import sentences


def status(project: ProjectOption = None, json: JsonOption = False) -> None:
    """Show the loop at a glance."""
    opened, output = Project.open(project), Output(json)
    view = views.status(opened)

    def show() -> None:
        for model in view.models:
            output.line(sentences.headline(model))
            for kind in ("quality", "drift", "fault", "slo"):
                found = getattr(model, kind)
                output.line(f"  {sentences.WORDS[kind]:<12} {sign(found['status'])}: {found['reason']}")
            if model.estimate is not None and model.estimate["status"] == "pass":
                output.line(f"  {'estimate':<12} {model.estimate['reason']}")
            output.line(f"  {'traffic':<12} {model.traffic['rows']} rows, {model.traffic['labels']:.0f} labelled")
            for alarm in model.alarms:
                output.line(f"  alarm {alarm.id}     {alarm.state}: {alarm.reason}")

    output.result(view, show)
    opened.close()


def history(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Only this model.")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Check the hash chain of the whole history.")] = False,
    kind: Annotated[list[str] | None, typer.Option(help="Only events of this kind; repeatable.")] = None,
    limit: Annotated[int, typer.Option(help="The newest so many; 0 shows all.")] = 50,
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Show what happened and why, oldest first. With --verify, exit 1 when the chain is broken."""
    opened, output = Project.open(project), Output(json)
    if verify:
        outcome = views.verify_history(opened)
        says = f"The chain holds: {outcome['events']} events." if outcome["ok"] else _broken(outcome["broken_at"])
        output.result(outcome, lambda: output.line(says))
        opened.close()
        raise typer.Exit(0 if outcome["ok"] else 1)
    events = views.history(opened, name, kind or [], limit)

    def show() -> None:
        if not events:
            output.line("Nothing has happened yet. Begin with: boucle train")
        for event in events:
            when = datetime.fromtimestamp(event.time).strftime("%Y-%m-%d %H:%M:%S")
            output.line(f"{event.seq:>5}  {when}  {event.kind:<18} {event.reason}  ({event.actor})")

    output.result({"events": events}, show)
    opened.close()


def _broken(position: int) -> str:
    return f"The chain breaks at event {position}: it or the one before was changed, removed or moved."
