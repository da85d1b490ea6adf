"""What is said about a model in one sentence: by the command line, the alerts, the API and the console alike."""

from __future__ import annotations

from boucle.views.models import ModelStatus

WORDS = {"quality": "quality", "drift": "drift", "fault": "data faults", "slo": "service"}


def headline(model: ModelStatus) -> str:
    """Say where the model stands, in one line."""
    if model.champion is None:
        return f"{model.name}: no champion yet. Train one with: boucle train"
    who = f"{model.name}/{model.champion['version']}"
    if not model.enabled:
        return f"{who} is disabled. Enable it with: boucle enable {model.name}"
    if model.challenger is not None and model.rollout is not None:
        share = model.rollout["share"]
        return (
            f"{who} answers; {model.name}/{model.challenger} is {model.rollout['phase']} at {share:.0%} of the traffic."
        )
    worst = [w for kind, w in WORDS.items() if getattr(model, kind)["status"] == "fail"]
    state = f"needs a look: {', '.join(worst)}." if worst else "answers all traffic."
    return f"{who} {state}"
