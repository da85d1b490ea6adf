"""boucle init."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from boucle.cli.output import JsonOption, Output
from boucle.core.errors import RequestError
from boucle.demo import templates
from boucle.loop.begin import Begun, begin


class Template(StrEnum):
    wine = "wine"


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Where; made if absent.")] = Path(),
    data: Annotated[str | None, typer.Option(help="The table to learn from: a file, folder, glob or URL.")] = None,
    target: Annotated[str | None, typer.Option(help="The column to predict.")] = None,
    name: Annotated[str | None, typer.Option(help="Of the model; default: the file's name.")] = None,
    template: Annotated[Template | None, typer.Option(help="Start from a shipped example instead.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a boucle.yaml that is there.")] = False,
    json: JsonOption = False,
) -> None:
    """Write boucle.yaml, with the contract read off the data."""
    output = Output(json)
    if template is not None:
        data, target, name = templates.lay_out(directory, template.value)
    if data is None or target is None:
        raise RequestError(
            "The data and the target are needed.", hint="boucle init --data FILE --target COLUMN, or --template wine"
        )
    begun = begin(directory, data, target, name, force)
    output.result(begun, lambda: _show(output, begun))


def _show(output: Output, begun: Begun) -> None:
    output.line(f"{begun.path} is written: {begun.task} of '{begun.target}' from {len(begun.fields)} columns.")
    for column, why in begun.dropped.items():
        output.line(f"  left out: {column} ({why})")
    for note in begun.notes:
        output.line(f"  note: {note}")
    output.line("next: boucle train, then boucle up")
