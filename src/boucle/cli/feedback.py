"""boucle feedback."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from boucle.cli.output import JsonOption, Output, ProjectOption
from boucle.loop import operations
from boucle.loop.project import Project


def feedback(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Columns id, truth (and row), or id, event, value.")],
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Import ground truth or business events; what comes before its observation is kept and joined later."""
    opened, output = Project.open(project), Output(json)
    counts = operations.import_feedback(opened, file)
    output.result(
        counts,
        lambda: output.line(
            f"{counts['received']} received, {counts['joined']} joined, {counts['unknown']} wait for their observation"
        ),
    )
    opened.close()
