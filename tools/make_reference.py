"""Write docs/reference/ from the code: every key of the project file, and every command.

``commands.md`` says what ``boucle COMMAND --help`` says, so a command has its help written once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from boucle.cli.main import COMMANDS, application
from boucle.project import keys
from boucle.project.settings import Settings
from boucle.project.values import Duration, Section

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"
PAGE = REFERENCE / "project-file.md"
COMMANDS_PAGE = REFERENCE / "commands.md"
HEAD = """\
# The project file

Every key of `boucle.yaml`. This page is written by `make docs` from the types that read the file.

A key that is not here is refused, with its line and the nearest name. Durations are a number and a unit: `90s`,
`15m`, `1h`, `30d`, `2w`. Values from elsewhere: `${NAME}` and `${NAME:-default}` read the environment,
`BOUCLE_SERVE__PORT=9000` goes before the file, `BOUCLE_STORE__URL_FILE=/path` reads a value from a file.
What was fetched so is never shown.
"""
COMMANDS_HEAD = """\
# The commands

This page is written by `make docs` from the command line's own help.

Exit code 0 means fine, 1 that a verdict says no, 2 misuse or an error. With `--json` standard output is one JSON
object, errors too.
The project is the nearest folder upward with a `boucle.yaml`; `--project DIR` names another one. `NAME/7` is a version,
`NAME@champion` the one an alias points to.
"""
DURATION = get_args(Duration)[1]
WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "anything"}


def page() -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *tables(Settings, "")])


def tables(model: type[Section], path: str) -> Iterator[str]:
    """Yield the table of a section and of those below it; a section used in several places is told at the first."""
    yield f"## `{path}`\n" if path else "## Top level\n"
    if model.__doc__ and model.__doc__ != Section.__doc__:
        yield f"{model.__doc__.strip()}\n"
    yield "| key | type | default | meaning |"
    yield "|---|---|---|---|"
    first: dict[type[Section], str] = {}
    for name, field in keys.fields(model).items():
        below = section_of(field)
        if below:
            first.setdefault(below, name + (".NAME" if keys.entries(field.annotation) else ""))
        as_above = below and first[below].removesuffix(".NAME") != name
        meaning = field.description or (f"as `{first[below]}`" if below and as_above else "")
        yield f"| `{name}` | {cell(kind(field.annotation, field.metadata))} | {default(field)} | {cell(meaning)} |"
    yield ""
    for below, name in first.items():
        yield from tables(below, f"{path}.{name}".lstrip("."))


def section_of(field: FieldInfo) -> type[Section] | None:
    return keys.section(field.annotation) or keys.section(keys.entries(field.annotation))


def kind(annotation: Any, metadata: Sequence[Any] = ()) -> str:
    """Name a type in the reader's words."""
    names = []
    if DURATION in metadata or any(DURATION in getattr(part, "__metadata__", ()) for part in get_args(annotation)):
        return "duration"
    for one in keys.members(annotation):
        if get_origin(one) is list:
            names.append(f"list of {kind(get_args(one)[0])}")
        elif get_origin(one) is dict:
            names.append("names with " + ("sections" if keys.section(get_args(one)[1]) else "values"))
        elif get_origin(one) is Literal:
            names += [f"`{value}`" for value in get_args(one)]
        elif isinstance(one, type) and issubclass(one, Section):
            names.append("section")
        elif one is not NoneType:
            names.append(WORDS.get(one, getattr(one, "__name__", str(one))))
    return ", ".join(dict.fromkeys(names))


def default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default()
    if isinstance(value, Section):
        value = value.model_dump(exclude_defaults=True)
        return f"`{json.dumps(value)}`" if value else ""
    return "" if value is None else f"`{value if isinstance(value, str) else json.dumps(value)}`"


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def commands_page() -> str:
    """Return the page of the commands."""
    return "\n".join([COMMANDS_HEAD, *(line for name in COMMANDS for line in command(name))])


def command(name: str) -> Iterator[str]:
    """Yield the section of one command: its usage, what it does, its arguments and options."""
    group: Any = typer.main.get_command(application(name))
    yield from section(f"boucle {name}", group.commands[name])


def section(name: str, found: Any) -> Iterator[str]:
    """Yield what a command is told in; one that only holds others is told by them."""
    if hasattr(found, "commands"):
        for below, one in found.commands.items():
            yield from section(f"{name} {below}", one)
        return
    shown = [one for one in found.params if not one.hidden]
    usage = [one.metavar if one.required else f"[{one.metavar}]" for one in shown if one.param_type_name == "argument"]
    yield f"## `{' '.join([name, *usage])}`\n"
    yield f"{found.help.strip()}\n"
    yield "| argument or option | meaning | default |"
    yield "|---|---|---|"
    for one in shown:
        yield f"| `{cell(spelled(one))}` | {cell(one.help or '')} | {preset(one)} |"
    yield ""


def spelled(parameter: Any) -> str:
    """Write an argument or option as it is typed."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar)
    names = ", ".join([*parameter.opts, *parameter.secondary_opts])
    if parameter.is_flag:
        return names
    kind = parameter.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        return f"{names} {'|'.join(choice.value for choice in kind)}"
    return f"{names} {parameter.metavar or parameter.opts[-1].strip('-').replace('-', '_').upper()}"


def preset(parameter: Any) -> str:
    if parameter.required:
        return "**required**"
    value = parameter.default
    return "" if value is None or value is False or value == 0.0 else f"`{value}`"


if __name__ == "__main__":
    REFERENCE.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    COMMANDS_PAGE.write_text(commands_page(), encoding="utf-8")
