"""boucle drill."""

from __future__ import annotations

from typing import Annotated

import typer

from boucle.cli.output import JsonOption, Output, ProjectOption
from boucle.drill.drill import FEWEST_WINDOWS, WINDOWS, Report, Result
from boucle.drill.drill import drill as hold
from boucle.drill.scenarios import SCENARIOS
from boucle.loop.project import Project

_LINE = "{:<22}{:<8}{:>5}  {:>5}  {:<52}{}"
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
        report = hold(opened, seed, only or (), windows, output.say)
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
    output.line(_LINE.format("scenario", "", "delay", "false", "done", "right"))
    for result in report.results:
        output.line(_line(result).rstrip())
    output.line("")
    for result in report.results:
        if result.why:
            output.line(f"{result.name}: {result.why}")
    held = [result for result in report.results if result.status != "not applicable"]
    output.line(f"{sum(result.status == 'pass' for result in held)} of {len(held)} scenarios passed")


def _line(result: Result) -> str:
    if result.status == "not applicable":
        return _LINE.format(result.name, _SIGNS[result.status], "", "", "", "")
    delay = "" if result.delay is None else result.delay
    done, right = (", ".join(words) or "nothing" for words in (result.actions, result.right))
    return _LINE.format(result.name, _SIGNS[result.status], delay, result.false_alarms, done, right)
