"""The project's settings, made fit for a drill: nothing leaves the folder, and a window is small enough to be sent."""

from __future__ import annotations

from boucle.project.answering import Serve
from boucle.project.settings import Settings, Store, Tracking

MOST_ROWS, ROWS_BY_TIME = 1_000, 500


def fit(settings: Settings, windows: int) -> tuple[Settings, int, tuple[str, ...]]:
    """Return the settings for a drill, the rows of a window, and what was changed that bears on the judgement."""
    monitor, react, notes = settings.monitor, settings.react, []
    rows = monitor.window if isinstance(monitor.window, int) else ROWS_BY_TIME
    if rows > MOST_ROWS:
        notes.append(f"windows of {MOST_ROWS} rows instead of {rows}")
        rows = MOST_ROWS
        monitor = monitor.model_copy(update={"window": rows})
    labels = rows * (windows // 3 - 1)
    if react.min_labels > labels:
        notes.append(f"react.min_labels {labels} instead of {react.min_labels}")
        react = react.model_copy(update={"min_labels": labels})
    if react.dry_run:
        notes.append("react.dry_run is off")
    react = react.model_copy(update={"dry_run": False, "schedule": None})
    serve = Serve.model_validate({}).model_copy(
        update={"fallback": settings.serve.fallback, "refuse": settings.serve.refuse}
    )
    if settings.release.require_approval:
        notes.append("release.require_approval is off")
    release = settings.release.model_copy(update={"require_approval": False})
    here = {"store": Store.model_validate({}), "tracking": Tracking.model_validate({}), "alerts": []}
    changed = {**here, "serve": serve, "monitor": monitor, "react": react, "release": release}
    return settings.model_copy(update=changed), rows, tuple(notes)
