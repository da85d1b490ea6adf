"""boucle demo."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from boucle.cli.output import JsonOption, Output
from boucle.demo import chart
from boucle.demo.story import Demo, Story

SMOOTH = 80


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the service running.")] = False,
    directory: Annotated[
        Path, typer.Option("--dir", help="Folder for the demo's project; replaced if it is one.")
    ] = Path("boucle-demo"),
    json: JsonOption = False,
) -> None:
    """Watch the whole loop turn on the wine data: real training, real HTTP, real decisions; offline, about a minute."""
    output = Output(json)
    teller = Demo(directory, output.say, keep)
    try:
        story = teller.run()
    except BaseException:
        teller.stop()
        raise
    view = {
        "story": story.chapters,
        "champion": story.champion,
        "turns": story.turns,
        "errors": story.errors,
        "seconds": round(story.seconds, 1),
        "report": story.report,
        "console": story.console if keep else None,
        "history": {"events": story.events, "ok": story.verified},
    }
    output.result(view, lambda: _show(output, story, keep))
    raise typer.Exit(0 if story.champion > 1 and story.verified else 1)


def _show(output: Output, story: Story, keep: bool) -> None:
    output.line("")
    output.line(f"RMSE of the service's answers, mean of {SMOOTH} (W white wines, R retraining, C canary, P promotion)")
    errors = [(a.predicted - a.truth) ** 2 for a in story.answers]
    rolling = [_root_mean(errors[max(0, i - SMOOTH) : i + 1]) for i in range(len(errors))]
    for line in chart.draw(rolling, story.marks):
        output.line(line)
    output.line("")
    before, after = story.errors["before"], story.errors["after"]
    output.table(
        ("RMSE on wines it never saw", f"champion then: /{1}", f"champion now: /{story.champion}"),
        [
            ("200 red wines", f"{before['red']:.3f}", f"{after['red']:.3f}"),
            ("1000 white wines", f"{before['white']:.3f}", f"{after['white']:.3f}"),
        ],
    )
    output.line("")
    chain = "its chain holds" if story.verified else "ITS CHAIN IS BROKEN"
    output.line(f"{story.turns} turns in {story.seconds:.0f} s; {story.events} events in the history, {chain}.")
    output.line(f"report: {story.report}")
    output.line(f"look round: boucle status --project {story.directory}; boucle history --project {story.directory}")
    if keep:
        output.line(f"the service runs on; see it in a browser: {story.console}")


def _root_mean(values: list[float]) -> float:
    return math.sqrt(sum(values) / len(values))
