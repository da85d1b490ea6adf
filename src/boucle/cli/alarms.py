"""boucle alarms, ack, mute."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from boucle.cli.output import JsonOption, Output, ProjectOption
from boucle.core.errors import RequestError
from boucle.loop import alarms as loop_alarms
from boucle.loop import messages
from boucle.loop.project import Project
from boucle.project.values import seconds


def alarms(
    number: Annotated[int | None, typer.Argument(metavar="[ID]", help="Only this one, with all that was told.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Resolved ones too.")] = False,
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """List alarms: open, acknowledged, resolved."""
    opened, output = Project.open(project), Output(json)
    with opened.state.begin() as tx:
        one = None if number is None else tx.alarms.get(number)
        found = [one] if one else tx.alarms.all() if every else tx.alarms.unresolved()

    def show() -> None:
        if one:
            message = messages.compose(opened, one)
            output.line(f"{message.title} ({one.state})\n\n{message.text.rstrip()}")
            return
        if not found:
            output.line("No alarm is open.")
            return
        for alarm in found:
            output.line(f"{alarm.id}  {alarm.state} since {_when(alarm.opened)}  {alarm.model}: {alarm.reason}")

    output.result({"alarms": found}, show)
    opened.close()


def ack(
    number: Annotated[int, typer.Argument(metavar="ID", help="As listed by: boucle alarms")],
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Acknowledge an alarm: it stays open, and people know somebody looks."""
    opened, output = Project.open(project), Output(json)
    alarm = loop_alarms.acknowledge(opened, number)
    output.result(alarm, lambda: output.line(f"Alarm {alarm.id} ({alarm.model}, {alarm.cause}) is acknowledged."))
    opened.close()


def mute(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The model.")],
    until: Annotated[str, typer.Option(help="An ISO time, or a duration from now such as 2h.")],
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Send no messages about a model until a time; alarms are still kept and shown."""
    opened, output = Project.open(project), Output(json)
    end = _time(until, opened.clock.now())
    loop_alarms.mute(opened, opened.check_name(name), end)
    output.result({"model": name, "until": end}, lambda: output.line(f"No messages about {name} until {_when(end)}."))
    opened.close()


def _time(text: str, now: float) -> float:
    try:
        return now + seconds(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text).astimezone(UTC).timestamp()
    except ValueError:
        raise RequestError(
            f"'{text}' is no time.", hint="write an ISO time (2027-01-31T18:00) or a duration (2h)", field="until"
        ) from None


def _when(stamp: float) -> str:
    return datetime.fromtimestamp(stamp).strftime("%Y-%m-%d %H:%M:%S")
