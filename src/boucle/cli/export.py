"""boucle export."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from boucle.cli.output import JsonOption, Output, ProjectOption
from boucle.core.errors import RequestError
from boucle.loop import archived
from boucle.loop import hub as hubs
from boucle.loop.project import Project
from boucle.project.values import seconds

export = typer.Typer(help="Write what was observed, or a model, for other tools.", no_args_is_help=True)


@export.callback()
def _only() -> None:
    """Write what was observed, or a model, for other tools."""


@export.command()
def observations(
    ref: Annotated[str, typer.Argument(metavar="REF", help="NAME for all its versions, NAME/7 or NAME@champion.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, Parquet or JSONL, by its ending.")],
    since: Annotated[str, typer.Option(help="Requests from then on: an ISO time, or a duration ago such as 7d.")] = "",
    until: Annotated[str, typer.Option(help="Requests before then: an ISO time, or a duration ago.")] = "",
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Write requests, answers and what came back about them, one row a row: from the archive, and the newest too."""
    opened, output = Project.open(project), Output(json)
    now = opened.clock.now()
    start = _time(since, now, "since") if since else 0.0
    end = _time(until, now, "until") if until else now + 1.0
    done = archived.export(opened, ref, start, end, file)
    told = f"{done.rows} rows of {done.requests} requests, {done.labelled} with their truth, written to {done.output}"
    output.result(done, lambda: output.line(told))
    opened.close()


@export.command()
def hub(
    ref: Annotated[str, typer.Argument(metavar="REF", help="NAME, NAME/7 or NAME@champion.")],
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="A new or empty one; hf upload takes it from there.")],
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Write a model of texts or images as a folder of the Hugging Face hub, with a card that is made from its run."""
    opened, output = Project.open(project), Output(json)
    done = hubs.export_hub(opened, ref, hubs.required_folder(folder))

    def show() -> None:
        output.line(f"{done.version} is written to {done.folder}: {', '.join(done.files)}")
        output.line(f"read back, it answers {done.proof['rows']} rows as before")
        output.line(f"upload it with: hf upload ORG/NAME {done.folder}")

    output.result(done, show)
    opened.close()


def _time(text: str, now: float, option: str) -> float:
    """Read an ISO time (UTC without a zone) or a duration before now."""
    try:
        return now - seconds(text)
    except ValueError:
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise RequestError(
            f"'{text}' is no time.", hint="write an ISO time (2027-01-31T18:00) or a duration ago (7d)", field=option
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
