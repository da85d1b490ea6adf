"""boucle rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from boucle.cli.output import JsonOption, Output, ProjectOption
from boucle.formats.files import write_atomic
from boucle.loop import alerting
from boucle.loop import rules as loop_rules
from boucle.loop.project import Project

_HEADER = "# Written by `boucle rules` from boucle.yaml. After a change there, write it again.\n"


def rules(
    out: Annotated[Path | None, typer.Option(help="Folder for the three files; default: the rules on stdout.")] = None,
    host: Annotated[str, typer.Option(help="Where Prometheus and Alertmanager find the project.")] = "127.0.0.1",
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Write Prometheus rules and Alertmanager routes from what boucle.yaml promises."""
    opened, output = Project.open(project), Output(json)
    settings = opened.settings
    found = {
        alerting.RULES: loop_rules.rules(settings),
        "alertmanager.yml": alerting.alertmanager(settings, host),
        "prometheus.yml": alerting.prometheus(settings, host),
    }
    written = [] if out is None else [_write(out / name, config) for name, config in found.items()]
    if left := alerting.untranslated(settings.alerts):
        output.say(f"Alertmanager has no receiver of the kind {', '.join(left)}: add yours to `people`.")
    elif not settings.alerts:
        output.say("The project names nobody in `alerts`: add a receiver to `people` in alertmanager.yml.")

    def show() -> None:
        if not written:
            output.line(_yaml(found[alerting.RULES]).rstrip())
        for path in written:
            output.line(str(path))

    output.result({"files": written, **{name.removesuffix(".yml"): config for name, config in found.items()}}, show)
    opened.close()


def _write(path: Path, config: dict[str, Any]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, _yaml(config).encode())
    return str(path)


def _yaml(config: dict[str, Any]) -> str:
    return _HEADER + yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=1000)
