"""boucle keys add, list, rotate, revoke."""

from __future__ import annotations

import getpass
from datetime import datetime
from typing import Annotated

import typer

from boucle.cli.output import JsonOption, Output, ProjectOption
from boucle.core.access import Key, Rate, Role
from boucle.core.errors import RequestError
from boucle.loop import access
from boucle.loop.project import Project
from boucle.project.values import seconds

keys = typer.Typer(no_args_is_help=True, help="Make, list, rotate and revoke the keys that callers use.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Who uses the key; the history calls them so.")]
ExpiresOption = Annotated[str | None, typer.Option(metavar="DURATION", help="How long it works, such as 90d.")]


@keys.command()
def add(
    name: NameArgument,
    role: Annotated[Role, typer.Option(help="What its holder may do.")],
    model: Annotated[list[str] | None, typer.Option(help="A model it is limited to; repeat it for more.")] = None,
    rate: Annotated[str | None, typer.Option(help="Most requests: 20/s, 600/min or 5000/h.")] = None,
    expires: ExpiresOption = None,
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Make a key and print it, once: only its digest is kept."""
    opened, output = open_as_person(project), Output(json)
    made = access.add(opened, name, role, model, Rate.parse(rate) if rate else None, _duration(expires, "expires"))
    _tell(opened, output, made)


@keys.command()
def rotate(
    name: NameArgument,
    grace: Annotated[str, typer.Option(metavar="DURATION", help="How long the old secret still works.")] = "24h",
    expires: ExpiresOption = None,
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Make a new secret for a key and print it, once; the old one works a little longer."""
    opened, output = open_as_person(project), Output(json)
    _tell(opened, output, access.rotate(opened, name, _duration(grace, "grace") or 0.0, _duration(expires, "expires")))


@keys.command()
def revoke(name: NameArgument, project: ProjectOption = None, json: JsonOption = False) -> None:
    """End a key now: within two seconds it works nowhere any more."""
    opened, output = open_as_person(project), Output(json)
    ended = access.revoke(opened, name)
    output.result({"revoked": [key.about() for key in ended]}, lambda: output.line(f"The key {name} is revoked."))
    opened.close()


@keys.command("list")
def list_keys(
    every: Annotated[bool, typer.Option("--all", help="Revoked and expired ones too.")] = False,
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """List the keys; the secrets are known to their holders only."""
    opened, output = open_as_person(project), Output(json)
    found = access.listing(opened, every)
    now = opened.clock.now()

    def show() -> None:
        if not found:
            output.line("There is no key. Make one with: boucle keys add NAME --role viewer")
            return
        headings = ("name", "role", "models", "rate", "made", "state", "fingerprint")
        output.table(headings, [_row(key, now) for key in found])

    output.result({"keys": [key.about() for key in found]}, show)
    opened.close()


def _row(key: Key, now: float) -> tuple[str, ...]:
    models = "all" if key.models is None else ", ".join(key.models)
    if key.revoked is not None:
        state = f"revoked {_when(key.revoked)}"
    elif key.expires is None:
        state = "works"
    else:
        state = f"{'works until' if key.live(now) else 'expired'} {_when(key.expires)}"
    rate = str(key.rate) if key.rate else "no limit"
    return key.name, key.role.value, models, rate, _when(key.created), state, key.digest[:12]


def _tell(opened: Project, output: Output, made: access.Made) -> None:
    output.result(made.key.about() | {"key": made.secret}, lambda: output.line(made.secret))
    output.say("Keep it now: it is not shown again. Callers send it as the header x-api-key.")
    if not opened.settings.serve.auth.on:
        output.say("hint: nobody is asked for a key yet; set serve.auth.required to true and start anew")
    opened.close()


def open_as_person(project: ProjectOption) -> Project:
    """Open a project in the name of who types."""
    opened = Project.open(project, actor=_person())
    opened.prepare()
    return opened


def _person() -> str:
    """Return who types, for the history: a change of keys is a person's."""
    try:
        return f"cli:{getpass.getuser()}"
    except (OSError, KeyError):
        return "cli"


def _duration(text: str | None, option: str) -> float | None:
    try:
        return None if text is None else seconds(text)
    except ValueError as error:
        raise RequestError(str(error), hint=f"for example: --{option} 90d", field=option) from None


def _when(stamp: float) -> str:
    return datetime.fromtimestamp(stamp).strftime("%Y-%m-%d %H:%M")
