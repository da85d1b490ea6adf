"""boucle predict."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from boucle.cli.output import JsonOption, Output, ProjectOption
from boucle.core.errors import RequestError
from boucle.loop import operations, tables
from boucle.loop.project import Project
from boucle.loop.watched import WatchedFolder


def predict(
    ref: Annotated[str, typer.Argument(metavar="REF", help="NAME, NAME/7 or NAME@champion.")],
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE|FOLDER|-",
            help="CSV, Parquet or JSONL; texts, one a line (.txt); an image or a folder of images; "
            "- reads CSV, or texts one a line, from standard input.",
        ),
    ],
    output_: Annotated[
        Path | None, typer.Option("--output", help="CSV, Parquet or JSONL; default: CSV on stdout.")
    ] = None,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Predict each file that arrives in FOLDER once, answers beside it."),
    ] = False,
    every: Annotated[float, typer.Option("--every", min=0.05, help="Seconds between two looks at FOLDER.")] = 2.0,
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Predict a file of rows, texts or images with the checks and the runtime of the server."""
    opened, output = Project.open(project), Output(json)
    if watch:
        if output_ is not None:
            raise RequestError("With --watch answers are written beside the files.", field="output")
        _watched(WatchedFolder(opened, ref, Path(file)), every, output)
        opened.close()
        return
    if json and output_ is None:
        raise RequestError("With --json the rows need a file.", hint="add --output FILE", field="output")
    write: tables.Writer = tables.FileWriter(output_) if output_ else tables.CsvLines(sys.stdout)
    with tables.closing(write):
        rows = operations.predict_file(opened, ref, file, write, lambda n: output.progress(f"{n} rows predicted", 1.0))
    if output_ is not None:
        output.result({"rows": rows, "output": str(output_)}, lambda: output.line(f"{rows} rows written to {output_}"))
    opened.close()


def _watched(folder: WatchedFolder, every: float, output: Output) -> None:
    """Look again and again until a signal ends it; the file under way is finished first."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    files = failed = 0
    with folder.held():
        while not stop.is_set():
            for one in folder.step():
                files, failed = files + 1, failed + bool(one.error)
                said = one.error or f"{one.rows} rows written to {one.output}"
                output.progress(f"{one.file}: {said}", 1.0)
            stop.wait(every)
    output.result({"files": files, "failed": failed}, lambda: output.line(f"{files} files predicted, {failed} refused"))
