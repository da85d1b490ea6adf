"""A model card from what is recorded of a version; what has no source is left out, and nothing is made up."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from boucle.core.dataset import Snapshot
from boucle.core.model import BundleInfo, ModelVersion
from boucle.core.signature import SEEING

HUB = "hf://"
MOST_LABELS = 50
_LEFT_OUT = ("checkpoint", "signature")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a card is written from. ``report`` is the evaluation as plain data, empty where it is not here.

    ``origin`` is the checkpoint a training started from, ``files`` are names in the folder.
    """

    version: ModelVersion
    info: BundleInfo
    target: str
    snapshot: Snapshot | None = None
    report: Mapping[str, Any] = field(default_factory=dict)
    origin: str = ""
    revision: str = ""
    pooled: bool = False


def card(facts: Facts) -> str:
    """Return the card as Markdown with its YAML head."""
    parts = [_head(facts), _what(facts), _use(facts), _learned(facts), _measured(facts), _limits(facts), _made(facts)]
    return "\n".join(part for part in parts if part).rstrip() + "\n"


def _head(facts: Facts) -> str:
    lines = ["---", "library_name: transformers", f"pipeline_tag: {facts.info.signature.task}"]
    if facts.origin.startswith(HUB):
        lines += [f"base_model: {facts.origin.removeprefix(HUB)}"]
    if names := _metric_names(facts):
        lines += ["metrics:", *(f"- {name}" for name in names)]
    return "\n".join([*lines, "tags:", "- boucle", "---", ""])


def _what(facts: Facts) -> str:
    signature = facts.info.signature
    lines = [f"# {facts.version.name}, version {facts.version.number}", ""]
    inputs = " and ".join(f"`{field.name}` ({field.dtype})" for field in signature.inputs)
    lines.append(f"A model for {signature.task}: {inputs} in, `{facts.target}` out.")
    labels = signature.classes or ()
    if labels:
        shown = ", ".join(f"`{label}`" for label in labels[:MOST_LABELS])
        lines.append(f"Labels: {shown}{', …' if len(labels) > MOST_LABELS else ''}.")
    if facts.info.threshold is not None and len(labels) == 2:
        lines.append(f"`{labels[1]}` is answered from a probability of {facts.info.threshold:.4g} on.")
    return "\n".join([*lines, ""])


def _use(facts: Facts) -> str:
    """Show the two lines that answer a row; they are right for every task."""
    task = facts.info.signature.task
    lines = ["## Use", "", "```python", "import boucle", "", f'model = boucle.load("FOLDER", task="{task}")']
    row = '"photo.jpg"' if task in SEEING else '"..."'
    lines += [f"print(model.predict({row}))", "```"]
    if facts.pooled:
        lines += [
            "",
            "The head (`head.safetensors`: `weight`, `bias`) stands on the mean of the encoder's last vectors.",
        ]
    elif task == "text-classification":
        lines += ["", "or with transformers:", "", "```python", "from transformers import pipeline", ""]
        lines += ['classify = pipeline("text-classification", model="FOLDER", top_k=None)']
        lines += ['print(classify("...", truncation=True))', "```"]
    return "\n".join([*lines, ""])


def _learned(facts: Facts) -> str:
    lineage, rows = facts.info.lineage, []
    if facts.origin.startswith(HUB):
        rows.append(("started from", facts.origin + (f"@{facts.revision}" if facts.revision else "")))
    for kind in ("optimized", "distilled"):
        if kind in lineage:
            rows.append((f"{kind} from", str(lineage[kind]["parent"])))
    if facts.snapshot is not None:
        rows.append(("rows, those for testing included", f"{facts.snapshot.rows:,}"))
        rows.append(("columns", ", ".join(facts.snapshot.columns)))
    if facts.version.fingerprint:
        rows.append(("fingerprint of the data", facts.version.fingerprint))
    params: Mapping[str, Any] = lineage.get("params") or {}
    rows += [(name.replace("_", " "), _value(value)) for name, value in params.items() if name not in _LEFT_OUT]
    return _table("Training", ("", ""), rows)


def _measured(facts: Facts) -> str:
    report = facts.report
    if report:
        measured = [
            (name, _value(e["value"]), f"{_value(e['low'])} … {_value(e['high'])}", str(e["n"]))
            for name, e in report["metrics"].items()
        ]
        text = _table("Evaluation", ("metric", "value", "95 % interval", "rows"), measured)
        unseen = "" if "adopted" in facts.info.lineage else " that it has not learned from"
        text = f"{text}\nMeasured on {report['rows']:,} rows{unseen}."
        beaten = report.get("baseline")
        if beaten:
            primary = beaten["primary"]
            text += f" A constant answer has {primary} {_value(beaten['champion'][primary])}."
        return f"{text} Gate: {report['verdict']['status']}.\n"
    rows = [(name, _value(value)) for name, value in facts.version.metrics.items()]
    return _table("Evaluation", ("metric", "value"), rows)


def _limits(facts: Facts) -> str:
    """List the parts it is worse on, and what small changes of the inputs do."""
    worse = [one for one in facts.report.get("slices") or () if one["standing"] == "worse than all rows"]
    lines = [
        f"- worse where {one['column']} is {one['level']}: {_value(one['estimate']['value'])} "
        f"on {one['estimate']['n']} rows"
        for one in worse
    ]
    for one in (facts.report.get("robustness") or {}).get("perturbations", ()):
        if not one.get("error") and one["column"]:
            lines.append(f"- {one['name']} in {one['column']}: {one['flips']:.1%} of {one['rows']} answers change")
    return "\n".join(["## Limits", "", *lines, ""]) if lines else ""


def _made(facts: Facts) -> str:
    lineage = facts.info.lineage
    rows = [("date", datetime.fromtimestamp(facts.version.created, UTC).strftime("%Y-%m-%d"))]
    rows += [(name, str(lineage[name])) for name in ("commit", "python") if lineage.get(name)]
    rows += [("packages", ", ".join(facts.info.requirements))] if facts.info.requirements else []
    rows += [("bundle", facts.version.digest)]
    return _table("How it was made", ("", ""), rows)


def _metric_names(facts: Facts) -> list[str]:
    return list((facts.report.get("metrics") or facts.version.metrics).keys())


def _table(title: str, headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    lines = [f"## {title}", "", _line(headings), _line("---" for _ in headings), *map(_line, rows), ""]
    return "\n".join(lines)


def _line(cells: Any) -> str:
    found: Iterator[str] = (str(cell).replace("|", "\\|").replace("\n", " ") for cell in cells)
    return f"| {' | '.join(found)} |"


def _value(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "–" if value is None else str(value)
    return "–" if isinstance(value, float) and math.isnan(value) else f"{value:.4g}"
