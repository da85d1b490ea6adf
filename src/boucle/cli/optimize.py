"""boucle optimize."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from boucle.cli.output import JsonOption, Output, ProjectOption, number
from boucle.cli.train import show
from boucle.core.json import to_data
from boucle.loop.deriving import Derived
from boucle.loop.optimizing import AGREEMENT, DEFAULT
from boucle.loop.optimizing import optimize as make
from boucle.loop.project import Project


def optimize(
    ref: Annotated[str, typer.Argument(metavar="REF", help="NAME, NAME/7 or NAME@champion.")],
    target: Annotated[
        str,
        typer.Option(
            help="onnx: no torch where it is served; int8: the quickest on a CPU; bf16: half the size; int4: the "
            "smallest; openvino: bfloat16 without torch."
        ),
    ] = DEFAULT,
    agreement: Annotated[
        float, typer.Option(help="The share of rows it has to answer as the version it is made from.")
    ] = AGREEMENT,
    project: ProjectOption = None,
    json: JsonOption = False,
) -> None:
    """Make a quicker version of a model of texts or images, judged beside the one it is made from.

    Exit 1 when its gate does not pass; the version is kept, marked.
    """
    output = Output(json)
    opened = Project.open(project)
    made = make(opened, ref, target, output.progress, agreement=agreement)
    output.result(plain(made), lambda: tell(output, made))
    opened.close()
    raise typer.Exit(0 if made.turn.verdict.status == "pass" else 1)


def plain(made: Derived) -> dict[str, Any]:
    """Return what ``--json`` prints: the turn, and how the version stands beside its parent."""
    beside = {**to_data(made.beside), "faster": made.beside.faster, "smaller": made.beside.smaller}
    told = {"parent": made.parent, "beside": beside, "against": to_data(made.against), "notes": list(made.notes)}
    return {**to_data(made.turn), **told}


def tell(output: Output, made: Derived) -> None:
    """Print the version as after a training, and how it stands beside its parent."""
    show(output, made.turn)
    found, same = made.beside, made.beside.agreement
    output.line(
        f"{same.value:.1%} of {same.n} rows are answered as by {made.parent} "
        f"(95 % interval {same.low:.1%} … {same.high:.1%})"
    )
    rows = [
        ("CPU ms a row, one by one", number(found.before.one_by_one_ms), number(found.after.one_by_one_ms)),
        ("CPU ms a row, together", number(found.before.together_ms), number(found.after.together_ms)),
        ("size in MB", number(found.before.size_bytes / 1e6), number(found.after.size_bytes / 1e6)),
    ]
    if made.against is not None:
        told = made.against
        rows += [(name, number(told.champion[name]), number(told.challenger[name])) for name in told.differences]
    output.table(("", made.parent, f"{made.turn.model}/{made.turn.version}"), rows)
