"""The report, section by section: numbers to HTML."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from boucle.core.verdict import Check, Status
from boucle.evaluation import plots
from boucle.evaluation.look import badge, figure, number, percent, rows_of, section, signed, span, table, text
from boucle.evaluation.result import Comparison, Curves, Evaluation, Fairness, Robustness, Slice
from boucle.evaluation.whiskers import balance, bars, scale, whisker
from boucle.measures.metrics import METRICS
from boucle.project.values import bound

TOP = 20
SLICES = 100


def gate(evaluation: Evaluation) -> str:
    rows = [
        (
            badge(c.status),
            text(c.name),
            number(c.observed),
            "–" if c.low is None or c.high is None else f"{number(c.low)} to {number(c.high)}",
            text(c.bound) or "–",
            "–" if c.n is None else f"{c.n:,}",
            text(c.note, 300),
        )
        for c in evaluation.verdict.checks
    ]
    heads = ("Outcome", "Check", "Observed", "95 % interval", "Bound", "Rows", "What it means")
    return section("The gate", table(heads, rows, numeric=(2, 3, 5)))


def metrics(evaluation: Evaluation) -> str:
    checks = {c.name: c for c in evaluation.verdict.checks}
    rows = []
    for name, estimate in evaluation.metrics.items():
        limit = evaluation.bounds.get(name, "")
        mark = bound(limit)[1] if limit else None
        check: Check | None = checks.get(name) if limit else None
        kind = METRICS[name]
        best = [kind.high] if kind.high == 1.0 else []
        axis = scale([0.0, *best, estimate.low, estimate.high, estimate.value, *([mark] if mark is not None else [])])
        rows.append(
            (
                text(kind.title) + (" (primary)" if name == evaluation.primary else ""),
                number(estimate.value),
                span(estimate),
                whisker(estimate, axis, check.status if check else None, mark),
                text(limit) or "–",
                f"{estimate.n:,}",
                "more is better" if kind.greater_is_better else "less is better",
            )
        )
    positive = f" Precision, recall and F1 are of the label {evaluation.positive}." if evaluation.positive else ""
    note = f"The line shows the 95 % interval, the dashed line the bound; 0 is always on the scale.{positive}"
    heads = ("Metric", "Value", "95 % interval", "", "Bound", "Rows", "")
    return section("Metrics", table(heads, rows, numeric=(1, 2, 5)), note)


def comparison(found: Comparison, rows_judged: int, title: str) -> str:
    rows = []
    for name, difference in found.differences.items():
        primary = name == found.primary
        rows.append(
            (
                text(METRICS[name].title) + (" (decides)" if primary else ""),
                number(found.champion[name]),
                number(found.challenger[name]),
                signed(difference.value),
                span(difference),
                balance(difference, found.margin if primary else 0.0, found.status if primary else None),
            )
        )
    heads = ("Metric", f"● {found.reference}", "◇ this version", "Improvement", "95 % interval", "worse ← 0 → better")
    margin = f", margin {number(found.margin)}" if found.margin else ""
    power = f" About {found.rows_needed:,} rows tell a difference of this size." if found.rows_needed else ""
    note = f"Both answered the same {rows_of(rows_judged)}{margin}. {found.note.capitalize()}.{power}"
    return section(f"{title} {found.reference}", table(heads, rows, numeric=(1, 2, 3, 4)), note)


def answers(curves: Curves, rows: int) -> str:
    """Lay out the plots of what was answered."""
    count = rows_of(rows)
    shown = []
    if curves.confusion:
        names = curves.confusion.labels
        numbers = table(
            ("true \\ answered", *names),
            [(text(n), *(f"{c:,}" for c in row)) for n, row in zip(names, curves.confusion.counts, strict=True)],
        )
        shown.append(figure("What was answered for what", count, plots.confusion(curves.confusion), numbers))
    if curves.calibration:
        c = curves.calibration
        numbers = table(
            ("told", "happened", "95 % interval", "rows"),
            [(number(t), number(e.value), span(e), f"{e.n:,}") for t, e in zip(c.told, c.happened, strict=True)],
        )
        title = f"Calibration of {c.of}"
        shown.append(figure(title, f"{count}, mean gap {number(c.error)}", plots.calibration(c), numbers))
    if curves.roc:
        shown.append(figure("ROC", f"{count}, area beside each label", plots.roc(curves.roc)))
    if curves.predicted_by_true:
        drawn = plots.cloud(curves.predicted_by_true, "true value", "answer", "equal")
        shown.append(figure("Answer against true value", f"{count}, darker is more", drawn))
    if curves.residual_by_predicted:
        drawn = plots.cloud(curves.residual_by_predicted, "answer", "true value − answer", "zero")
        shown.append(figure("What is left over", f"{count}, darker is more", drawn))
    return f'<div class="pair">{"".join(shown)}</div>' if shown else ""


def mistakes(evaluation: Evaluation) -> str:
    if not evaluation.mistakes:
        return ""
    rows = [
        (
            f"{m.row:,}",
            text(m.truth),
            text(m.told),
            "–" if m.sure is None else percent(m.sure),
            "<br>".join(text(part, 300) for part in m.shown),
        )
        for m in evaluation.mistakes
    ]
    count = len(evaluation.mistakes)
    note = f"{count} of the rows that were answered wrongly, the most certain first. Rows are counted from 0."
    return section("Where it was wrong", table(("Row", "True", "Answered", "Certainty", "What was asked"), rows), note)


def learning(curves: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Lay out what training measured along the way."""
    shown = []
    for name, points in curves.items():
        known = [(x, y) for x, y in points if math.isfinite(y)]
        if len(known) > 1:
            numbers = table(("epoch", name), [(number(x), number(y)) for x, y in known], numeric=(0, 1))
            shown.append(figure(f"{name} by epoch", f"{len(known)} points", plots.course(known, name), numbers))
    return f'<div class="pair">{"".join(shown)}</div>' if shown else ""


def importance(evaluation: Evaluation) -> str:
    if not evaluation.importance:
        return ""
    top = evaluation.importance[:TOP]
    title = METRICS[evaluation.primary].title
    numbers = table(
        ("column", f"loss of {title}", "95 % interval"),
        [(text(i.column), number(i.loss.value), span(i.loss)) for i in evaluation.importance],
        numeric=(1, 2),
    )
    more = f", the first {TOP} of {len(evaluation.importance)}" if len(evaluation.importance) > TOP else ""
    said = f"Loss of {title} when a column is shuffled; most for {top[0].column}"
    note = '<p class="soft small">Two columns that say the same thing share the credit, or hide each other.</p>'
    drawn = note + bars(top, said)
    return figure("What the answers rest on", f"{title} lost when a column is shuffled{more}", drawn, numbers)


def slices(evaluation: Evaluation) -> str:
    if not evaluation.slices:
        return ""
    shown = evaluation.slices[:SLICES]
    whole = evaluation.metrics[evaluation.primary].value
    axis = scale(
        [whole, *(v for s in shown if s.standing != "too few rows" for v in (s.estimate.low, s.estimate.high))]
    )
    rows = [
        (
            text(s.column),
            text(s.level),
            f"{s.estimate.n:,}",
            percent(s.share),
            number(s.estimate.value),
            span(s.estimate),
            "" if s.standing == "too few rows" else whisker(s.estimate, axis, _slice_status(s), whole),
            _standing(s),
        )
        for s in shown
    ]
    title = METRICS[evaluation.primary].title
    note = f"{title}, worst first; the dashed line is all rows, {number(whole)}. Fewer than 30 rows are not judged."
    heads = ("Column", "Level", "Rows", "Share", title, "95 % interval", "", "")
    return section("By slice", table(heads, rows, numeric=(2, 3, 4, 5)), note)


def _slice_status(part: Slice) -> Status | None:
    return "fail" if part.standing == "worse than all rows" else None


def _standing(part: Slice) -> str:
    marks: dict[str, Status] = {"worse than all rows": "fail", "too few rows": "inconclusive"}
    return badge(marks[part.standing], part.standing) if part.standing in marks else text(part.standing)


def robustness(found: Robustness, title: str) -> str:
    rows = [
        (
            text(p.name) + (f": {text(p.column)}" if p.column else ""),
            percent(p.flips),
            signed(p.loss),
            badge("fail", p.error or f"{p.broken:,} answers are NaN") if p.error or p.broken else "",
        )
        for p in found.perturbations
    ]
    count = found.perturbations[0].rows if found.perturbations else 0
    more = f" {found.left_out} more columns were not tried." if found.left_out else ""
    note = (
        f"{rows_of(count)}. A number counts as changed when it moves by more than the model's own typical error; "
        f"small noise may change {percent(found.limit)}.{more}"
    )
    lead = f"<p>{badge(found.status)} {text(found.note, 300)}</p>"
    heads = ("Change of the inputs", "Answers changed", f"{title} lost", "")
    return section("Under disturbance", lead + table(heads, rows, numeric=(1, 2)), note)


def fairness(found: Fairness) -> str:
    names = list(dict.fromkeys(name for g in found.groups for name in g.rates))
    rows = [
        (
            text(g.level),
            f"{g.n:,}",
            *(f'{number(g.rates[n].value)} <span class="soft">{span(g.rates[n])}</span>' for n in names),
            "" if g.counted else badge("inconclusive", "too few"),
        )
        for g in found.groups
    ]
    body = table(("Group", "Rows", *names, ""), rows, "Rates by group, with 95 % intervals", numeric=(1,))
    if found.gaps:
        gaps = [
            (
                badge(g.status),
                text(g.name),
                number(g.estimate.value),
                span(g.estimate),
                text(g.bound) or "no bound",
                f"{text(g.between[0], 40)} against {text(g.between[1], 40)}",
            )
            for g in found.gaps
        ]
        heads = ("Outcome", "Gap", "Observed", "95 % interval", "Bound", "Between")
        body += "<h3>Largest gaps</h3>" + table(heads, gaps, numeric=(2, 3))
    return section(
        f"Fairness by {found.column}", body, found.note and f"{found.note.capitalize()}: nothing is concluded."
    )


def cost(evaluation: Evaluation) -> str:
    latency = evaluation.latency_ms
    rows = [
        ("One row, median", f"{number(latency.get('p50'))} ms"),
        ("One row, p99", f"{number(latency.get('p99'))} ms"),
    ]
    if evaluation.size_bytes:
        rows.append(("Size on disk", f"{evaluation.size_bytes / 1e6:,.2f} MB"))
    note = f"{evaluation.timed_calls:,} calls in the evaluating process, without the network."
    return section("What an answer costs", table(("", ""), rows, numeric=(1,)), note)
