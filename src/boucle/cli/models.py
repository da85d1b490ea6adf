"""boucle list, show, compare."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from boucle.cli.output import JsonOption, Output, ProjectOption, number, sign
from boucle.core.json import to_data
from boucle.loop.project import Project
from boucle.views import models as views

RefArgument = Annotated[str, typer.Argument(metavar="REF", help="NAME, NAME/7 or NAME@champion.")]


def list_models(project: ProjectOption = None, json: JsonOption = False) -> None:
    """List the models and their versions."""
    opened, output = Project.open(project), Output(json)
    found = views.listing(opened)

    def show() -> None:
        if not found:
            output.line("No model yet. Make one with: boucle train")
        for model in found:
            output.table(
                ("version", "alias", "gate", "trained", "runtime", "metrics"),
                [
                    (
                        f"{model['name']}/{v['version']}",
                        ", ".join(v["aliases"]),
                        _gate(v),
                        datetime.fromtimestamp(v["created"]).strftime("%Y-%m-%d %H:%M"),
                        v["runtime"],
                        ", ".join(f"{k} {number(m)}" for k, m in v["metrics"].items()),
                    )
                    for v in model["versions"]
                ],
            )

    output.result({"models": found}, show)
    opened.close()


def _gate(version: dict[str, Any]) -> str:
    """Return the gate's outcome; a version from elsewhere has been through none."""
    return sign("pass" if version["passed"] else "fail") if version["digest"] else "never gated"


def show(ref: RefArgument, project: ProjectOption = None, json: JsonOption = False) -> None:
    """Show one version with its lineage: data, run, version, release, what it answered."""
    opened, output = Project.open(project), Output(json)
    view = views.show(opened, ref)

    def tell() -> None:
        version = view.version
        output.line(f"{version.ref} · {', '.join(view.aliases) or 'no alias'} · runtime {version.runtime}")
        if view.verdict:
            output.line(f"gate: {sign(view.verdict['status'])}")
        output.line("metrics: " + ", ".join(f"{k} {number(v)}" for k, v in version.metrics.items()))
        commit = view.lineage.get("commit")
        output.line(
            f"lineage: data {version.fingerprint[:12] or '–'} + commit {commit[:12] if commit else '–'} → "
            f"run {version.run_id} → {version.ref} → {len(view.lineage['releases'])} releases → "
            f"{view.answered_rows} rows answered"
        )
        output.line(f"bundle: {version.digest}")
        if view.info.parity:
            output.line(f"served: {served(view.info.parity)}")
        output.table(
            ("input", "type", "range or categories", "optional"),
            [
                (
                    f.name,
                    f.dtype,
                    ", ".join(map(str, f.categories)) if f.categories else f"{number(f.minimum)} … {number(f.maximum)}",
                    "yes" if f.optional else "",
                )
                for f in view.info.signature.inputs
            ],
        )

    output.result({**to_data(view), "model": view.version.name, "number": view.version.number}, tell)
    opened.close()


def served(parity: dict[str, Any]) -> str:
    """Say in words in which form a model is served, and why."""
    if not parity["accepted"]:
        return f"the original, not compiled: {parity['why']}"
    rows = sum(parity["rows"].values())
    form = (
        f"half compiled: preprocessing as it is, model compiled ({parity['why']})" if parity.get("half") else "compiled"
    )
    return (
        f"{form}; {rows} known and strange rows answered as by the original "
        f"(largest difference {parity['worst']:.2g}, tolerance {parity['tolerance']:g})"
    )


def compare(left: RefArgument, right: RefArgument, project: ProjectOption = None, json: JsonOption = False) -> None:
    """Show two versions side by side."""
    opened, output = Project.open(project), Output(json)
    view = views.compare(opened, left, right)

    def tell() -> None:
        output.table(
            ("", view["left"], view["right"]),
            [(name, number(a), number(b)) for name, (a, b) in view["metrics"].items()]
            + [("data", *(f[:12] for f in view["fingerprints"])), ("runtime", *view["runtimes"])],
        )
        for difference in view["fields"]:
            output.line(f"contract differs: {difference['name']}")
        output.line(view["note"])

    output.result(view, tell)
    opened.close()
