"""Rollouts under way: judge the live evidence, then go on, stop, or wait."""

from __future__ import annotations

from boucle.core.deployment import Deployment
from boucle.core.verdict import Verdict
from boucle.loop.project import Project
from boucle.monitoring.canary import judge


def judge_rollout(project: Project, held: Deployment) -> Verdict | None:
    """Judge the rollout of one model and move it; returns the verdict when there is a new one."""
    rollout = held.rollout
    if rollout is None or not rollout.live or rollout.phase == "holding" or held.champion is None:
        return None
    with project.state.begin() as tx:
        champion = tx.observations.joined(held.model, held.champion, since=rollout.step_started)
        challenger = tx.observations.joined(held.model, rollout.challenger, since=rollout.step_started)
        before = tx.windows.verdicts(held.model, "rollout", limit=1)
    judged = judge(
        champion, challenger, project.settings, required=rollout.required, paired=rollout.phase == "shadow",
        subject=f"{held.model}/{rollout.challenger}",
    )  # fmt: skip
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
