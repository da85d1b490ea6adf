"""boucle.yaml as types: strict, every key with its default and its meaning. The JSON Schema is made from here."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from boucle.core.signature import Task
from boucle.project.answering import Fallback, Release, Serve
from boucle.project.learning import Data, Evaluate, Model
from boucle.project.values import NAME, Section
from boucle.project.watching import Monitor, React


class Store(Section):
    """Where state is kept."""

    directory: str = Field(".boucle", description="where bundles, snapshots and state are kept")
    url: str | None = Field(None, description="SQLAlchemy URL of the live state; default: SQLite in the directory")


class Tracking(Section):
    """Where runs and versions are recorded."""

    uri: str | None = Field(None, description="MLflow tracking server; default: SQLite in the directory")
    experiment: str | None = Field(None, description="default: the project's name")


class Settings(Section):
    """A whole project."""

    name: str = Field(pattern=NAME, description="of the model")
    task: Task = Field(description="what is predicted")
    data: Data
    model: Model = Model()  # type: ignore[call-arg]
    evaluate: Evaluate = Evaluate()  # type: ignore[call-arg]
    serve: Serve = Serve()  # type: ignore[call-arg]
    release: Release = Release()  # type: ignore[call-arg]
    monitor: Monitor = Monitor()  # type: ignore[call-arg]
    alerts: list[str] = Field([], description="Apprise URLs; keep secrets out: ${NAME} reads the environment")
    language: Literal["en", "fr"] = Field("en", description="of messages to people")
    react: React = React()  # type: ignore[call-arg]
    store: Store = Store()  # type: ignore[call-arg]
    tracking: Tracking = Tracking()  # type: ignore[call-arg]

    @model_validator(mode="after")
    def _known(self) -> Settings:
        measured = {"errors", "latency", *self.monitor.business}
        for name in self.release.guardrails:
            if name not in measured:
                known = ", ".join(sorted(measured))
                raise ValueError(f"`release.guardrails` names '{name}'; there are: {known}, and `monitor.business`")
        fallback = self.serve.fallback
        asked = [rule.when.column for rule in fallback.rules] if isinstance(fallback, Fallback) else []
        for column in asked:
            if column == self.data.target or (self.data.features is not None and column not in self.data.features):
                raise ValueError(f"`serve.fallback` asks column '{column}', which is no input")
        return self
