"""A model of Boucle's inside another application: the same answers, captured the same way, without a server.

It follows promotions and rollbacks by itself.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import msgspec

from boucle.core.errors import NotFound, RequestError
from boucle.core.json import loads
from boucle.serving.app import App
from boucle.serving.batcher import late
from boucle.serving.desk import Question, answer
from boucle.serving.feedback import receive
from boucle.serving.messages import Answer, Raw, check_id
from boucle.serving.options import ServeOptions
from boucle.serving.plane import EMBEDDED, Plane, assemble, remaining
from boucle.serving.protocols import objects
from boucle.serving.protocols.friendly import summary


class EmbeddedModel:
    """One released model. Safe for threads; ``close`` finishes what waits, and so does the end of a ``with`` block."""

    def __init__(self, plane: Plane, name: str) -> None:
        self._plane = plane
        self._lock = threading.Lock()
        self.name = name

    def predict(
        self, rows: dict[str, Any] | list[Any], id: str | None = None, key: str | None = None
    ) -> dict[str, Any]:
        """Answer one row, a list of rows or a dict of columns, as ``POST /predict`` does.

        ``id`` names the answer for feedback to come; ``key`` keeps a caller on one version while a rollout is under
        way. Raises RequestError for rows that break the contract and Overloaded when there is no room.
        """
        question = Question(
            self.name,
            objects,
            Raw(b"", table=rows),
            id="" if id is None else check_id(id, "id"),
            key="" if key is None else check_id(key, "key"),
        )
        return summary(self._ask(question))

    def feedback(self, id: str, truth: Any) -> None:
        """Say what was right: one value, or a list with one value a row. Raises RequestError."""
        receive({"id": id, "truth": truth}, self._plane.capture)

    def close(self) -> None:
        self._plane.close()

    def __enter__(self) -> EmbeddedModel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, question: Question) -> Answer:
        answered, metrics, job = threading.Event(), self._plane.metrics, None
        self._plane.engine.follow()
        metrics.add("requests_in_progress")
        try:
            with self._lock:
                job = self._plane.desk.ask(question, lambda _: answered.set())
                self._plane.desk.flush()
            if not answered.wait(remaining(job)):
                job.given_up = True
                raise late()
            return answer(job)
        except RequestError as error:
            if job is None:
                self._plane.refused(self.name, error)
            raise
        finally:
            metrics.add("requests_in_progress", value=-1)


def attach(directory: str | Path = ".", name: str | None = None) -> EmbeddedModel:
    """Load the released model of a project into this process; ``name`` may be left out where there is only one.

    ``directory`` is the project's, or its ``.boucle``; what the project file says under ``serve`` holds. Raises
    NotFound when nothing is released or the model is unknown, and BundleError's message as NotFound when its bundle
    cannot be loaded.
    """
    plane = _plane(directory)
    plane.engine.start()
    try:
        found = name or plane.engine.snapshot.only()
        served = plane.engine.snapshot.find(found)
        why = plane.engine.snapshot.problems.get((found, served.route.champion.version))
        if served.champion is None and why is not None:
            raise NotFound(f"{found} has no version that can answer: {why}", name=found)
    except BaseException:
        plane.close()
        raise
    return EmbeddedModel(plane, found)


def asgi(directory: str | Path = ".") -> App:
    """Return the whole data plane as an ASGI application, to be mounted in another one. It is loaded at once."""
    plane = _plane(directory)
    plane.engine.start()
    return App(plane)


def _plane(directory: str | Path) -> Plane:
    given = Path(directory).resolve()
    state = given if given.name == ".boucle" or (given / "serving").is_dir() else given / ".boucle"
    if not state.is_dir():
        raise NotFound(
            f"There is no Boucle project in {given}.", hint="give the folder that holds boucle.yaml and .boucle"
        )
    return assemble(_options(ServeOptions(str(state))), EMBEDDED)


def _options(options: ServeOptions) -> ServeOptions:
    """Return what the loop has published of the project file for this state directory, wherever it was moved to."""
    try:
        return replace(loads(options.published.read_bytes(), ServeOptions), state=options.state)
    except (FileNotFoundError, msgspec.MsgspecError):  # never published, or by another version of Boucle
        return options
