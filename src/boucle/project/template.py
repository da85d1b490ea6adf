"""Write a good boucle.yaml: the contract read off the data, and the few keys that matter, each explained."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from boucle.core.signature import KINDS, Field, Task
from boucle.project.quoting import comment, key, listing, mapping, scalar

SCHEMA = ".boucle/boucle.schema.json"
_WIDTH = 110
_DETECTED = "auto tries a few honest candidates; or sklearn.linear_model.Ridge, a list, or module:function"
_WEIGHED = "auto weighs words and tries linear models: seconds, without torch"
_SMALL = "auto looks at small grey pictures: seconds, without torch"
_TUNED = "instead of estimator: fine-tunes a checkpoint, hf://org/name or a folder"
CHECKPOINTS: dict[Task, str] = {
    "text-classification": "hf://sentence-transformers/all-MiniLM-L6-v2",
    "image-classification": "hf://google/vit-base-patch16-224-in21k",
    "token-classification": "hf://distilbert/distilbert-base-cased",
    "question-answering": "hf://distilbert/distilbert-base-cased",
    "summarization": "hf://google-t5/t5-small",
}
"""What a new project of a task is shown as a checkpoint: small ones that are widely used."""


@dataclass(frozen=True, slots=True)
class Options:
    """What else is known about the project; what is None or empty is left to the defaults and not written."""

    data: Mapping[str, Any] = field(default_factory=dict)
    """Further keys of ``data``: query, separator, encoding, duplicates."""
    split: Mapping[str, Any] = field(default_factory=lambda: {"test": 0.2, "seed": 42})
    metrics: Sequence[str] = ()
    """Metrics reported beside the primary one."""
    slices: Sequence[str] = ()
    class_weight: str | None = None
    threshold: float | str | None = None
    port: int = 8080
    window: int | str = 500
    min_feedback: int = 200


def render(
    name: str,
    task: Task,
    source: str,
    target: str,
    fields: Sequence[Field],
    dropped: Mapping[str, str],
    id: str | None,
    notes: Sequence[str],
    metric: str,
    require: Mapping[str, str],
    options: Options | None = None,
) -> str:
    """Return the text of a boucle.yaml that ``load`` accepts, whatever the columns are called.

    ``fields`` become ``data.checks``, in order; the target may be among them. ``dropped`` is column to reason.
    ``notes`` are findings about the data, written as comments. ``require`` is metric to bound (``"<= 0.75"``).
    """
    options = options or Options()
    blocks = [
        _header(),
        [f"name: {scalar(name)}", f"task: {task}"],
        _data(source, target, fields, dropped, id, notes, options),
        _model(options, task),
        _evaluate(metric, require, options),
        _rest(options),
    ]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _header() -> list[str]:
    return [
        f"# yaml-language-server: $schema={SCHEMA}",
        "# This file declares the whole loop: data, model, gates, serving, release, monitoring, reactions.",
        "# `boucle check` tests it, `boucle train` makes a model of it, `boucle up` keeps that model right.",
    ]


def _data(
    source: str,
    target: str,
    fields: Sequence[Field],
    dropped: Mapping[str, str],
    id: str | None,
    notes: Sequence[str],
    options: Options,
) -> list[str]:
    lines = [*(f"# {comment(note)}" for note in notes), "data:", f"  source: {scalar(source)}"]
    lines += [f"  {name}: {scalar(value)}" for name, value in options.data.items() if value is not None]
    lines.append(f"  target: {scalar(target)}  # what is predicted")
    if id is not None:
        lines.append(f"  id: {scalar(id)}  # names a row: never an input, never on both sides of the split")
    if dropped:
        lines.append("  drop:  # columns that are no inputs")
        lines += [f"    - {scalar(column)}  # {comment(reason)}" for column, reason in dropped.items()]
    if options.split:
        lines.append(f"  split: {_section(options.split)}  # the rows that test a model, never seen in training")
    if fields:
        lines.append("  checks:  # the contract, as read off the data: widen it where you know better")
        for one in fields:
            lines += _check(one)
    return lines


def _check(field: Field) -> list[str]:
    pairs: list[tuple[str, str]] = [("type", field.dtype)]
    for rule, value in (("min", field.minimum), ("max", field.maximum)):
        if value is not None and math.isfinite(value):
            pairs.append((rule, scalar(value)))
    if not field.optional:
        pairs.append(("missing", "0"))
    if field.pii:
        pairs.append(("pii", "true"))
    levels = listing(field.categories) if field.categories else ""
    name = key(field.name)
    if len(name) > 1000:  # YAML wants a long key on a line of its own
        return [f"    ? {name}", f"    : {mapping([*pairs, ('categories', levels)] if levels else pairs)}"]
    line = f"    {name}: {mapping([*pairs, ('categories', levels)] if levels else pairs)}"
    if not levels or len(line) <= _WIDTH:
        return [line]
    return [
        f"    {name}:",
        *(f"      {rule}: {value}" for rule, value in pairs),
        "      categories:",
        *(f"        - {scalar(level)}" for level in field.categories or ()),
    ]


def _model(options: Options, task: Task) -> list[str]:
    checkpoint = CHECKPOINTS.get(task)
    if KINDS[task] not in ("class", "quantity") and checkpoint is None:
        return ["model: {}  # taken in as it is; pretrained: hf://org/name would fine-tune one, where the task can be"]
    if KINDS[task] not in ("class", "quantity"):
        return ["model:", f"  pretrained: {checkpoint}  # the checkpoint to fine-tune, hf://org/name or a folder"]
    how = _WEIGHED if task == "text-classification" else _SMALL if task == "image-classification" else _DETECTED
    lines = ["model:", f"  estimator: auto  # {how}"]
    if checkpoint is not None:
        lines.append(f"  # pretrained: {checkpoint}  # {_TUNED}")
    if options.class_weight is not None:
        lines.append(f"  class_weight: {scalar(options.class_weight)}  # rare classes weigh as much as common ones")
    if options.threshold is not None:
        lines.append(f"  threshold: {scalar(options.threshold)}  # where a score becomes a yes")
    return [*lines, "  # search: {trials: 20}  # look for better parameters"]


def _evaluate(metric: str, require: Mapping[str, str], options: Options) -> list[str]:
    metrics = list(dict.fromkeys([metric, *options.metrics]))
    lines = [
        "# A version has to pass these gates before it may answer; the first metric decides comparisons.",
        "evaluate:",
    ]
    lines.append(f"  metrics: {listing(metrics)}")
    if require:
        lines.append(f"  require: {_section(require)}")
    lines.append("  champion: {margin: 0}  # how much worse than the champion is let through")
    if options.slices:
        lines.append(f"  slices: {listing(options.slices)}  # parts of the data judged by themselves")
    return lines


def _rest(options: Options) -> list[str]:
    return [
        f"serve: {{port: {options.port}}}",
        "",
        "# A new version takes 10, then 50 per cent of the traffic, and all of it when it proves no worse.",
        f"release: {{strategy: canary, steps: [10, 50], min_feedback: {options.min_feedback}}}",
        "",
        "monitor:",
        f"  window: {scalar(options.window)}  # rows judged at a time, or a duration such as 1h",
        "  # slo: {latency_p99_ms: 50, error_rate: 0.01}",
        "",
        "# What each verdict leads to: retrain, rollback, disable, alert or none.",
        "react: {quality_loss: retrain, data_fault: alert, slo_breach: rollback}",
        "",
        '# alerts: ["${ALERT_URL}"]  # Slack, mail, Teams, webhooks; the address stays in the environment',
    ]


def _section(pairs: Mapping[str, Any]) -> str:
    written: Iterable[tuple[str, str]] = ((name, scalar(value)) for name, value in pairs.items() if value is not None)
    return mapping(written)
