"""boucle distill."""

from __future__ import annotations

from typing import Annotated

import typer

from boucle.cli.optimize import plain, tell
from boucle.cli.output import JsonOption, Output, ProjectOption
from boucle.loop.distilling import distill as teach
from boucle.loop.project import Project


def distill(
    ref: Annotated[str, typer.Argument(metavar="REF", help="The teacher: NAME, NAME/7 or NAME@champion.")],
    student: Annotated[
        str,
        typer.Option(help="layers=0,5: these layers of the teacher, from 0; or a checkpoint, hf://NAME or a folder."),
    ],
    unlabelled: Annotated[
        str | None, typer.Option(metavar="FILE", help="More rows without labels: the teacher answers them.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the rows; default: 4.")] = None,
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Teach a smaller model what a version answers. Exit 1 when its gate does not pass; the version is kept, marked."""
    output = Output(json)
    opened = Project.open(project)
    made = teach(opened, ref, student, unlabelled, output.progress, epochs=epochs)
    output.result(plain(made), lambda: tell(output, made))
    opened.close()
    raise typer.Exit(0 if made.turn.verdict.status == "pass" else 1)
