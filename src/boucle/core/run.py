"""Run: one execution of training or evaluation, and the environment it happened in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

RunStatus = Literal["running", "finished", "failed", "killed"]


@dataclass(frozen=True, slots=True)
class Environment:
    """Where a run happened, enough to rebuild it."""

    python: str
    platform: str
    requirements: tuple[str, ...] = ()
    git_commit: str | None = None
    git_dirty: bool | None = None
    cpu: str = ""
    cores: int = 0
    memory_bytes: int = 0
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """Parameters, metrics and environment of one execution; ``id`` is given by the registry."""

    experiment: str
    kind: Literal["train", "adopt", "evaluate", "optimize", "distill"]
    started: float
    id: str = ""
    status: RunStatus = "running"
    finished: float | None = None
    params: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    environment: Environment | None = None
    tags: dict[str, str] = field(default_factory=dict)
