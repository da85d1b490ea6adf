"""The evaluation as a page for people and as JSON for machines.

The page is one file: no script, no font, no address outside it, and a policy in its head that forbids them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from boucle.core.json import dumps
from boucle.evaluation import sections
from boucle.evaluation.look import STYLE, badge, number, rows_of, section, table, text
from boucle.evaluation.result import Evaluation
from boucle.measures.metrics import METRICS

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


@dataclass(frozen=True, slots=True)
class Context:
    """Where an evaluation stands: ``created`` is Unix time in seconds; ``scores`` are those of the candidates tried.

    ``curves`` are what training measured along the way: pairs of the epoch and the value, by name.
    """

    project: str
    subject: str
    fingerprint: str = ""
    run: str = ""
    created: float = 0.0
    scores: dict[str, float] = field(default_factory=dict)
    chosen: str = ""
    reason: str = ""
    curves: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)


def report_data(evaluation: Evaluation, context: Context | None = None) -> dict[str, Any]:
    """Return the evaluation as plain data; what is not known (NaN) is None."""
    data: dict[str, Any] = json.loads(dumps(evaluation))
    return data if context is None else {**data, "context": json.loads(dumps(context))}


def report_json(evaluation: Evaluation, context: Context | None = None) -> bytes:
    """Return the evaluation as JSON, keys sorted."""
    return dumps(report_data(evaluation, context))


def report_html(evaluation: Evaluation, context: Context) -> str:
    """Return one self-contained page that opens with the answer."""
    primary = METRICS[evaluation.primary].title
    body = [
        _opening(evaluation, context),
        sections.gate(evaluation),
        sections.metrics(evaluation),
        sections.comparison(evaluation.comparison, evaluation.rows, "Against") if evaluation.comparison else "",
        sections.answers(evaluation.curves, evaluation.rows),
        sections.mistakes(evaluation),
        sections.learning(context.curves),
        sections.importance(evaluation),
        sections.slices(evaluation),
        sections.robustness(evaluation.robustness, primary) if evaluation.robustness else "",
        *(sections.fairness(f) for f in evaluation.fairness),
        sections.comparison(evaluation.baseline, evaluation.rows, "Against") if evaluation.baseline else "",
        sections.cost(evaluation),
        _origin(evaluation, context),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{text(context.subject)}: {text(evaluation.verdict.status)}</title><style>{STYLE}</style></head>"
        f"<body><main>{''.join(body)}</main></body></html>\n"
    )


def answer(evaluation: Evaluation, subject: str) -> str:
    """Say the outcome in one sentence."""
    verdict = evaluation.verdict
    if verdict.status == "pass":
        return f"{subject} passes its gate."
    deciding = [c.name for c in verdict.checks if c.status == verdict.status]
    named = ", ".join(deciding[:3]) + (f" and {len(deciding) - 3} more" if len(deciding) > 3 else "")
    if verdict.status == "fail":
        return f"{subject} does not pass its gate: {named}."
    return f"{subject}: too early to say" + (f", for {named}." if named else ".")


def _opening(evaluation: Evaluation, context: Context) -> str:
    estimate = evaluation.metrics[evaluation.primary]
    said = (
        f"{METRICS[evaluation.primary].title} is {number(estimate.value)}, between {number(estimate.low)} and "
        f"{number(estimate.high)}, on {rows_of(evaluation.rows)} it has not seen."
    )
    if evaluation.comparison:
        said += f" Against {evaluation.comparison.reference}, on the same rows: {evaluation.comparison.note}."
    worse = [s for s in evaluation.slices if s.standing == "worse than all rows"]
    if worse:
        said += f" It is worse where {worse[0].column} is {worse[0].level}."
    if evaluation.left_out:
        said += f" {rows_of(evaluation.left_out)} without a target were left out."
    sentence = text(answer(evaluation, context.subject), 400)
    return f'<h1>{badge(evaluation.verdict.status)}{sentence}</h1><p class="lead">{text(said, 800)}</p>'


def _origin(evaluation: Evaluation, context: Context) -> str:
    when = datetime.fromtimestamp(context.created, UTC).strftime("%Y-%m-%d %H:%M UTC") if context.created else ""
    facts = {
        "project": context.project,
        "made": when,
        "because": context.reason,
        "data": context.fingerprint,
        "run": context.run,
        "estimator": context.chosen,
        "evaluated in": f"{evaluation.seconds:.1f} s",
    }
    body = "<dl>" + "".join(f"<dt>{k}</dt><dd>{text(v, 200)}</dd>" for k, v in facts.items() if v) + "</dl>"
    if context.scores:
        tried = [(text(name), number(score)) for name, score in list(context.scores.items())[:50]]
        body += "<h3>Candidates tried, by cross-validation</h3>" + table(("Estimator", "Score"), tried, numeric=(1,))
    return section("Where it comes from", body)
