"""boucle train."""

from __future__ import annotations

from typing import Annotated

import typer

from boucle.cli.output import JsonOption, Output, ProjectOption, number, sign
from boucle.loop.project import Project
from boucle.loop.registering import TurnResult
from boucle.loop.turn import run_turn
from boucle.project.load import with_overrides


def train(
    project: ProjectOption = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting for this turn; repeatable.")
    ] = None,
    with_feedback: Annotated[
        bool, typer.Option("--with-feedback", help="Add the labelled rows the service has seen.")
    ] = False,
    since: Annotated[float, typer.Option(help="With feedback: only rows since this Unix time.")] = 0.0,
    until: Annotated[float | None, typer.Option(help="With feedback: only rows up to this Unix time.")] = None,
    alone: Annotated[
        bool, typer.Option("--alone", help="With feedback: learn from these rows alone, if there are enough.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why; kept in the history.")] = "asked for",
    json: JsonOption = False,
) -> None:
    """Do one turn: data, train, evaluate, register. Exit 1 when the gate does not pass; the version is kept, marked."""
    output = Output(json)
    opened = Project.open(project)
    if set_:
        opened.settings = with_overrides(opened.settings, set_)
    result = run_turn(
        opened, output.progress, with_feedback=with_feedback, since=since, until=until, alone=alone, reason=reason
    )
    output.result(result, lambda: show(output, result))
    opened.close()
    raise typer.Exit(0 if result.verdict.status == "pass" else 1)


def show(output: Output, result: TurnResult) -> None:
    name = f"{result.model}/{result.version}"
    outcome = f"{name} is registered" + (f" and is {result.alias}" if result.alias else "; it answers nothing")
    output.line(f"{outcome}: gate {sign(result.verdict.status)}.")
    output.table(
        ("metric", "value", "bound", "gate"),
        [(c.name, number(c.observed), c.bound, sign(c.status)) for c in result.verdict.checks],
    )
    output.line("metrics: " + ", ".join(f"{k} {number(v)}" for k, v in result.metrics.items()))
    if result.scores:
        scores = ", ".join(f"{k} {number(v)}" for k, v in result.scores.items())
        output.line(f"estimator: {result.chosen} (cross-validation: {scores})")
    output.line(f"data: {result.data.rows} rows, fingerprint {result.data.fingerprint[:12]} · run {result.run}")
    output.line(f"report: {result.report}")
    for warning in result.warnings[:5]:
        output.say(f"warning: {warning}")
    if result.alias == "challenger":
        output.line(f"release it with: boucle promote {name}")
