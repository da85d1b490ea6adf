"""boucle check."""

from __future__ import annotations

import typer

from boucle.cli.output import JsonOption, Output, ProjectOption
from boucle.loop.checks import run_checks
from boucle.loop.project import Project


def check(project: ProjectOption = None, json: JsonOption = False) -> None:
    """Check now everything that would fail later: project file, data against the contract, extras, space, ports."""
    opened, output = Project.open(project), Output(json)
    found = run_checks(opened)
    ok = all(c.ok for c in found)

    def show() -> None:
        output.line("✓ project file: boucle.yaml is right")
        for item in found:
            output.line(f"{'✓' if item.ok else '✗'} {item.name}: {item.note}")
            for violation in item.details:
                shown = violation["examples"] or [f"row {row}" for row in violation["rows"]]
                examples = ", ".join(map(str, shown))
                output.line(
                    f"    {violation['column']}: {violation['rule']} ({violation['count']} rows, e.g. {examples})"
                )
            if item.hint:
                output.line(f"    hint: {item.hint}")

    output.result({"ok": ok, "checks": found}, show)
    opened.close()
    raise typer.Exit(0 if ok else 1)
