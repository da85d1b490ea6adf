"""boucle doctor."""

from __future__ import annotations

import typer

from boucle.cli.output import JsonOption, Output, ProjectOption
from boucle.loop.doctor import examine
from boucle.loop.machine import Machine

_SIGNS = {"ok": "✓", "warning": "!", "broken": "✗"}


def doctor(project: ProjectOption = None, json: JsonOption = False) -> None:
    """Look for the usual traps of an installation, and for what the project file asks. Exit 1 when one is broken."""
    output = Output(json)
    found = examine(project, Machine.here())
    ok = all(finding.level != "broken" for finding in found)

    def show() -> None:
        for finding in found:
            output.line(f"{_SIGNS[finding.level]} {finding.name}: {finding.note}")
            if finding.hint:
                output.line(f"    hint: {finding.hint}")

    output.result({"ok": ok, "findings": found}, show)
    raise typer.Exit(0 if ok else 1)
