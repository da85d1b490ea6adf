"""Rollouts under way: judge the live evidence, then go on, stop, or wait."""

from __future__ import annotations

from collections.abc import Sequence

from boucle.core.deployment import Deployment
from boucle.core.signature import Label
from boucle.core.verdict import Verdict
from boucle.loop.project import Project
from boucle.monitoring.canary import judge
from boucle.monitoring.guard import judge_errors


def judge_rollout(project: Project, held: Deployment, classes: Sequence[Label] | None) -> Verdict | None:
    """Judge the rollout of one model and move it; returns the verdict when there is a new one.

    The evidence of all steps counts, one sequence over the whole rollout; each step asks for its own labels on top.

    ``classes`` are the labels in the order of the probabilities. A challenger that fails to answer gets no labels, so
    its failed requests are judged first.
    """
    rollout = held.rollout
    if rollout is None or not rollout.live or rollout.phase == "holding" or held.champion is None:
        return None
    subject = f"{held.model}/{rollout.challenger}"
    with project.state.begin() as tx:
        errors = judge_errors(tx, held.model, held.champion, rollout.challenger, subject)
        champion = tx.observations.joined(held.model, held.champion, since=rollout.started)
        challenger = tx.observations.joined(held.model, rollout.challenger, since=rollout.started)
        before = tx.windows.verdicts(held.model, "rollout", limit=1)
    if errors.status == "fail":
        project.delivery.abort(held.model, errors.reason, errors)
        return errors
    judged = judge(
        champion,
        challenger,
        project.settings,
        required=rollout.required * max(1, rollout.step),
        paired=rollout.phase == "shadow",
        subject=subject,
        classes=classes,
    )
    verdict = judged.verdict
    if before and before[-1][2].checks == verdict.checks and judged.decision == "hold":
        return None
    with project.state.begin() as tx:
        tx.windows.record(held.model, rollout.challenger, "rollout", project.clock.now(), verdict)
    if judged.decision == "promote":
        project.delivery.advance(held.model, verdict)
    elif judged.decision == "rollback":
        project.delivery.abort(held.model, verdict.reason, verdict)
    return verdict
