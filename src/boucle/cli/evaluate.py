"""boucle evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from boucle.cli.output import JsonOption, Output, ProjectOption, number, sign
from boucle.evaluation.report import report_data
from boucle.loop import operations
from boucle.loop.project import Project


def evaluate(
    ref: Annotated[str, typer.Argument(metavar="REF", help="NAME, NAME/7 or NAME@champion.")],
    data: Annotated[
        str | None, typer.Option(help="Labelled rows to measure on; default: the version's test rows.")
    ] = None,
    against: Annotated[str | None, typer.Option(metavar="REF", help="Compare with; default: the champion.")] = None,
    report: Annotated[Path | None, typer.Option(metavar="FILE.html", help="Write the report there.")] = None,
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Measure a version, with intervals, slices, robustness and a comparison. Exit 1 when its gate does not pass."""
    opened, output = Project.open(project), Output(json)
    measured = operations.measure(opened, ref, data, against, report)
    evaluation = measured.evaluation

    def show() -> None:
        output.line(f"{measured.version.ref}: {sign(measured.verdict.status)}, {measured.verdict.reason}")
        output.table(
            ("metric", "value", "95 % interval", "rows"),
            [(k, number(e.value), f"{number(e.low)} … {number(e.high)}", e.n) for k, e in evaluation.metrics.items()],
        )
        output.table(
            ("check", "observed", "bound", "outcome"),
            [(c.name, number(c.observed), c.bound, sign(c.status)) for c in measured.verdict.checks],
        )
        if measured.report:
            output.line(f"report: {measured.report}")

    view = {**report_data(evaluation), "metrics": measured.metrics, "verdict": measured.verdict}
    view |= {"model": measured.version.name, "version": measured.version.number, "against": measured.against}
    output.result(view, show)
    opened.close()
    raise typer.Exit(0 if measured.verdict.status == "pass" else 1)
