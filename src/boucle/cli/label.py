"""boucle label."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from boucle.cli.output import JsonOption, Output, ProjectOption
from boucle.core.json import to_data
from boucle.formats.files import write_atomic
from boucle.loop import labelling
from boucle.loop.project import Project


def label(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="The model.")] = None,
    count: Annotated[int, typer.Option(help="How many rows.")] = labelling.USUAL,
    output_file: Annotated[Path, typer.Option("--output", metavar="FILE", help="The sheet to fill in.")] = Path(
        "to-label.csv"
    ),
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Choose rows to label first, and write them as a sheet: fill in `truth`, then `boucle feedback FILE`."""
    opened, output = Project.open(project), Output(json)
    sheet = labelling.ask_for_labels(opened, opened.check_name(name), count)
    write_atomic(output_file, sheet.text.encode())
    told = {"model": sheet.model, "rows": to_data(sheet.rows), "event": sheet.event, "file": str(output_file)}

    def show() -> None:
        output.line(f"{len(sheet.rows)} rows to label are in {output_file}.")
        output.line(f"Fill in the column truth, then: boucle feedback {output_file}")

    output.result(told, show)
    opened.close()
