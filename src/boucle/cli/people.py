"""boucle people list, give."""

from __future__ import annotations

from typing import Annotated

import typer

from boucle.cli.keys import open_as_person
from boucle.cli.output import JsonOption, Output, ProjectOption
from boucle.core.access import Role
from boucle.core.errors import RequestError
from boucle.core.person import Person
from boucle.loop import people as loop_people

people = typer.Typer(no_args_is_help=True, help="List who has signed in through a provider, and give them roles.")
NONE = "none"


@people.command("list")
def list_people(project: ProjectOption = None, json: JsonOption = False) -> None:
    """List everybody who has signed in through a provider, with their roles."""
    opened, output = open_as_person(project), Output(json)
    found = loop_people.listing(opened)

    def show() -> None:
        if not found:
            output.line("Nobody has signed in through a provider yet.")
            return
        rows = [(one.name, one.role.value if one.role else NONE, one.given, one.subject) for one in found]
        output.table(("name", "role", "given by", "subject"), rows)

    output.result({"people": [_told(one) for one in found]}, show)
    opened.close()


@people.command()
def give(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As listed by: boucle people list")],
    role: Annotated[str, typer.Option(help="viewer, operator, approver, admin; or none.")],
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Give a person a role; it counts above what the provider says."""
    opened, output = open_as_person(project), Output(json)
    wanted = role.strip().lower()
    if wanted != NONE and wanted not in {one.value for one in Role}:
        known = ", ".join([*(one.value for one in Role), NONE])
        raise RequestError(f"'{role}' is no role.", hint=f"one of {known}", field="role")
    person, before = loop_people.give(opened, name, None if wanted == NONE else Role(wanted))
    undo = f"boucle people give {person.name} --role {before.value if before else NONE}"
    output.result(_told(person) | {"undo": undo}, lambda: output.line(f"{person.name} has the role {wanted}."))
    output.say(f"undo with: {undo}")
    opened.close()


def _told(one: Person) -> dict[str, object]:
    return {
        "name": one.name,
        "subject": one.subject,
        "role": one.role.value if one.role else None,
        "given": one.given,
        "last": one.last,
    }
