"""boucle predict."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from boucle.cli.output import JsonOption, Output, ProjectOption
from boucle.core.errors import RequestError
from boucle.loop import operations, tables
from boucle.loop.project import Project


def predict(
    ref: Annotated[str, typer.Argument(metavar="REF", help="NAME, NAME/7 or NAME@champion.")],
    file: Annotated[
        str, typer.Argument(metavar="FILE|-", help="CSV, Parquet or JSONL; - reads CSV from standard input.")
    ],
    output_: Annotated[
        Path | None, typer.Option("--output", help="CSV, Parquet or JSONL; default: CSV on stdout.")
    ] = None,
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Predict a file of rows with the checks and the runtime of the server."""
    opened, output = Project.open(project), Output(json)
    if json and output_ is None:
        raise RequestError("With --json the rows need a file.", hint="add --output FILE", field="output")
    frame = tables.from_stdin() if file == "-" else None
    write: tables.Writer = tables.FileWriter(output_) if output_ else tables.CsvLines(sys.stdout)
    with tables.closing(write):
        rows = operations.predict_file(
            opened, ref, file, frame, write, lambda n: output.progress(f"{n} rows predicted", 1.0)
        )
    if output_ is not None:
        output.result({"rows": rows, "output": str(output_)}, lambda: output.line(f"{rows} rows written to {output_}"))
    opened.close()
