"""boucle drill."""

from __future__ import annotations

from typing import Annotated

import typer

from boucle.cli.output import JsonOption, Output, ProjectOption
from boucle.drill.report import Report, Result
from boucle.drill.run import FEWEST_WINDOWS, WINDOWS, run_drill
from boucle.drill.scenarios import SCENARIOS
from boucle.loop.project import Project

_SIGNS = {"pass": "✓ pass", "fail": "✗ FAIL", "not applicable": "– n/a"}
_NAMES = ", ".join(scenario.name for scenario in SCENARIOS)


def drill(
    project: ProjectOption = None,
    only: Annotated[list[str] | None, typer.Option("--only", help=f"Only this one, may stand again: {_NAMES}.")] = None,
    windows: Annotated[
        int, typer.Option("--windows", help=f"Windows a scenario lasts, {FEWEST_WINDOWS} at least.")
    ] = WINDOWS,
    seed: Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same drill.")] = 0,
    json: JsonOption = False,
) -> None:
    """Break things on purpose, in a copy of the loop: is it noticed, and is the right thing done? Exit 1 if not."""
    output = Output(json)
    opened = Project.open(project)
    try:
        report = run_drill(opened, seed, only or (), windows, output.say)
    finally:
        opened.close()
    view = {
        "ok": report.ok,
        "project": report.project,
        "version": report.version,
        "seed": report.seed,
        "windows": report.windows,
        "rows": report.rows,
        "notes": report.notes,
        "scenarios": report.results,
    }
    output.result(view, lambda: _show(output, report))
    raise typer.Exit(0 if report.ok else 1)


def _show(output: Output, report: Report) -> None:
    output.line(
        f"{report.project}/{report.version}: {report.windows} windows of {report.rows} rows each, seed {report.seed}"
    )
    for note in report.notes:
        output.line(f"for the drill: {note}")
    output.line("")
    lines = [("scenario", "", "delay", "false alarms", "done", "right"), *map(_cells, report.results)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for cells in lines:  # as wide as it has to be: a log that wraps is better than names cut off
        output.line("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())
    output.line("")
    for result in report.results:
        if result.why:
            output.line(f"{result.name}: {result.why}")
    held = [result for result in report.results if result.status != "not applicable"]
    output.line(f"{sum(result.status == 'pass' for result in held)} of {len(held)} scenarios passed")


def _cells(result: Result) -> tuple[str, ...]:
    if result.status == "not applicable":
        return result.name, _SIGNS[result.status], "", "", "", ""
    delay = "" if result.delay is None else str(result.delay)
    done, right = (", ".join(words) or "nothing" for words in (result.actions, result.right))
    return result.name, _SIGNS[result.status], delay, str(result.false_alarms), done, right
