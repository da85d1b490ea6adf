"""boucle serve, up, watch."""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer

from boucle.cli.output import JsonOption, Output, ProjectOption
from boucle.loop import service
from boucle.loop.keeper import Keeper, Looked
from boucle.loop.project import Project
from boucle.loop.supervisor import Service, Supervisor

HostOption = Annotated[str | None, typer.Option(help="Address to listen on; default: the project's, 127.0.0.1.")]
PortOption = Annotated[int | None, typer.Option(help="Of the data plane; 0 takes a free one.")]
InsecureOption = Annotated[
    bool, typer.Option("--insecure", help="Listen where others can reach it without asking who they are.")
]
WorkersOption = Annotated[int | None, typer.Option(help="Processes of the data plane.")]


def serve(
    host: HostOption = None,
    port: PortOption = None,
    workers: WorkersOption = None,
    insecure: InsecureOption = False,
    project: ProjectOption = None,
) -> None:
    """Run the data plane only: it needs nothing but the release state and the bundles."""
    opened, output = Project.open(project), Output(False)
    services = [service.data_plane(opened, host, port, workers, insecure)]
    service.publish(opened)
    opened.close()
    _run(opened, services, output, control=False)


def up(
    host: HostOption = None,
    port: PortOption = None,
    control_port: Annotated[int | None, typer.Option(help="Of the control plane; 0 takes a free one.")] = None,
    workers: WorkersOption = None,
    insecure: InsecureOption = False,
    project: ProjectOption = None,
) -> None:
    """Run data plane, control plane and keeper. SIGTERM drains and stops all."""
    opened, output = Project.open(project), Output(False)
    services = [
        service.data_plane(opened, host, port, workers, insecure),
        service.control_plane(opened, host, control_port, insecure),
        service.keeper(opened),
    ]
    service.publish(opened)
    opened.close()
    _run(opened, services, output, control=True)


def _run(opened: Project, services: list[Service], output: Output, control: bool) -> None:
    supervisor = Supervisor(services, output.say)
    service.forget_addresses(opened)
    supervisor.start()
    announcer = threading.Thread(target=service.announce, args=(opened, output.say, control), daemon=True)
    announcer.start()
    raise typer.Exit(supervisor.run())


def watch(
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
    interval: Annotated[float, typer.Option(help="Seconds between looks.")] = 1.0,
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Run the keeper only: it judges what was observed, and acts."""
    opened, output = Project.open(project, actor="keeper"), Output(json)
    keeper = Keeper(opened, output.say)
    if once:
        looked = keeper.once()
        output.result({"verdicts": looked.verdicts, "actions": looked.actions}, lambda: _show(output, looked))
        opened.close()
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    keeper.run(stop, interval)
    opened.close()


def _show(output: Output, looked: Looked) -> None:
    output.line(f"{looked.observations} new observations, {looked.feedback} feedback")
    for verdict in looked.verdicts:
        output.line(f"{verdict.kind}: {verdict.status}, {verdict.reason}")
    for action in looked.actions:
        output.line(f"done: {action.action} because of {action.reason}")
