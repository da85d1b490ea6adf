"""Keeps the versions the release state names loaded, and swaps routes without refusing a request.

New versions are loaded while the old route answers; then one reference is exchanged. A version that cannot be loaded
leaves its model as it was. Knows nothing of HTTP.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from boucle.core.deployment import Route, RouteTable, Target
from boucle.core.errors import BoucleError, NotFound, RequestError
from boucle.formats.routes import read_routes
from boucle.serving.capture import Capture
from boucle.serving.metrics import Metrics
from boucle.serving.options import ServeOptions
from boucle.serving.residency import Residency, resident, size_of
from boucle.serving.router import Served
from boucle.serving.slots import Series
from boucle.serving.versions import AfterFork, LoadedVersion, Loader

log = logging.getLogger("boucle.serving")
RETRY = 10.0
Key = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is served at one moment; replaced whole. ``problems`` says per (model, version) why it is not loaded.

    ``asleep`` are models that are loaded when they are asked.
    """

    generation: int = 0
    served: Mapping[str, Served[LoadedVersion]] = field(default_factory=dict)
    problems: Mapping[tuple[str, int], str] = field(default_factory=dict)
    asleep: frozenset[str] = frozenset()

    def find(self, model: str) -> Served[LoadedVersion]:
        """Return a model's route; raises NotFound with near names."""
        if model not in self.served:
            raise NotFound.of("model", model, self.served, listing="GET /openapi.json")
        return self.served[model]

    def only(self) -> str:
        """Return the name of the one model there is; raises RequestError when there are several or none."""
        if len(self.served) == 1:
            return next(iter(self.served))
        if not self.served:
            raise NotFound("No model is released yet.", hint="train one: boucle train", code="not_ready")
        raise RequestError(
            f"Several models are served: {', '.join(self.served)}.",
            hint="name one: POST /predict/NAME",
            code="no_model",
        )

    @property
    def ready(self) -> bool:
        """Whether there is something to answer and everything that is released can answer."""
        return bool(self.served) and all(
            served.champion is not None or name in self.asleep
            for name, served in self.served.items()
            if served.route.enabled
        )


class Engine:
    """Follows the release state. ``start`` loads what it names and goes on looking; ``close`` finishes what waits.

    ``also`` is called at every look.
    """

    def __init__(
        self, options: ServeOptions, loader: Loader, metrics: Metrics, also: Callable[[], None] = lambda: None
    ) -> None:
        self._also = also
        self._options = options
        self._loader = loader
        self._metrics = metrics
        self._stamp: tuple[int, ...] | None = None
        self._tried = 0.0
        self._unreadable = ""
        self._stop = threading.Event()
        self._watcher: threading.Thread | None = None
        self.residency = Residency(options.memory)
        self.snapshot = Snapshot()

    def start(self) -> None:
        """Load what is released, then follow the release state."""
        self.look()
        self.follow()

    def follow(self) -> None:
        """Watch the release state if nothing does: after a fork, threads are left behind in the parent."""
        if self._watcher is None or not (self._watcher.is_alive() or self._stop.is_set()):
            self._watcher = threading.Thread(target=self._watch, name="release state", daemon=True)
            self._watcher.start()

    def close(self, timeout: float = 30.0) -> None:
        """Stop looking, let every version finish what waits, and end its thread."""
        self._stop.set()
        self.residency.wanted.set()
        if self._watcher is not None:
            self._watcher.join(timeout)
        for version in _versions(self.snapshot):
            version.batcher.close(timeout)

    def record(self, capture: Capture, metrics: Metrics) -> None:
        """Record into these from now on."""
        self._loader.record(capture, metrics)
        self._metrics = metrics

    def look(self, forking: bool = False) -> None:
        """Apply the release state if it has changed, or if something could not be loaded a while ago.

        ``forking`` leaves out models that do not survive a fork; the next look loads them.
        """
        stamp = self._read_stamp()
        again = bool(self.snapshot.problems) and time.monotonic() - self._tried > RETRY
        if self.residency.wanted.is_set():
            self.residency.wanted.clear()
            again = True
        if stamp is None or (stamp == self._stamp and not again):
            return  # a file that is gone changes nothing: what is loaded goes on answering
        try:
            table = read_routes(self._options.routes)
        except BoucleError as error:
            if str(error) != self._unreadable:
                log.error("%s", error)
            self._unreadable = str(error)
            return
        self._unreadable = ""
        self._loader.forking = forking
        self.apply(table)
        self._stamp = None if forking else stamp

    def apply(self, table: RouteTable) -> None:
        """Load what ``table`` needs, then switch to it at once; drop what nothing needs any more."""
        old = self.snapshot
        loaded = {_key(version.model, version.target): version for version in _versions(old)}
        problems: dict[tuple[str, int], str] = {}
        served: dict[str, Served[LoadedVersion]] = {}
        for route in table.routes:
            awake = {name for name, one in served.items() if one.versions}
            if self._stays(route.model, old, awake):
                served[route.model] = self._serve(route, loaded, problems, old)
            else:
                served[route.model] = Served(route, {}, None)
        self._make_room(served)
        asleep = frozenset(name for name, one in served.items() if not one.versions and not _has(problems, name))
        self._tried = time.monotonic()
        self.snapshot = Snapshot(table.generation, served, problems, asleep)
        kept = set(map(id, _versions(self.snapshot)))
        for version in _versions(old):
            if id(version) not in kept:
                version.batcher.close()
        for model, number in {(one.model, one.number) for one in _versions(old)} | set(problems):
            self._metrics.set("model_ready", model, str(number), value=0.0)
        for version in _versions(self.snapshot):
            self._metrics.set("model_ready", version.model, str(version.number), value=1.0)

    @property
    def waiting(self) -> int:
        """Rows that wait for slow models."""
        return sum(version.batcher.waiting for version in _versions(self.snapshot))

    @property
    def saturation(self) -> float:
        """The share of what may wait for the busiest model that waits for it; it refuses from 1 on."""
        return max((version.batcher.saturation for version in _versions(self.snapshot)), default=0.0)

    def series(self) -> Iterator[Series]:
        """Describe the loaded versions for the metrics."""
        for version in _versions(self.snapshot):
            labels = (version.model, str(version.number), version.info.runtime, version.target.digest[:12])
            yield Series("model_info", labels, (1.0,))

    def _stays(self, model: str, old: Snapshot, awake: set[str]) -> bool:
        """Say whether a model is to be in memory: it is, it was asked, or there is room."""
        known = old.served.get(model)
        return bool(known and known.versions) or self.residency.is_wanted(model) or self.residency.fits(model, awake)

    def _make_room(self, served: dict[str, Served[LoadedVersion]]) -> None:
        """Let the models asked longest ago sleep, until the others are within the limit."""
        while name := self.residency.gives_way([name for name, one in served.items() if one.versions]):
            served[name] = Served(served[name].route, {}, None)
            self.residency.sleep(name)
            log.info("%s sleeps until it is asked again", name)

    def _serve(
        self,
        route: Route,
        loaded: dict[Key, LoadedVersion],
        problems: dict[tuple[str, int], str],
        old: Snapshot,
    ) -> Served[LoadedVersion]:
        found: dict[int, LoadedVersion] = {}
        for target in _targets(route):
            version = loaded.get(_key(route.model, target)) or self._load(route.model, target, problems, old)
            if version is not None:
                loaded[_key(route.model, target)] = version
                found[target.version] = version
        before = old.served.get(route.model)
        if route.champion.version not in found and before is not None and before.champion is not None:
            # The kill switch works all the same; all else stays as it was.
            told = {"fallback": route.fallback, "rules": route.rules, "standby": route.standby}
            kept = replace(before.route, enabled=route.enabled, **told)
            return replace(before, route=kept, versions={**found, **before.versions})
        challenger = found.get(route.challenger.version) if route.challenger else None
        return Served(route, found, found.get(route.champion.version), challenger)

    def _load(
        self, model: str, target: Target, problems: dict[tuple[str, int], str], old: Snapshot
    ) -> LoadedVersion | None:
        place = (model, target.version)
        try:
            begun, before = time.perf_counter(), resident()
            version = self._loader.load(model, target)
            if self.residency.limit:
                self.residency.weigh(model, resident() - before, size_of(Path(target.bundle)))
        except AfterFork:
            return None
        except Exception as error:  # noqa: BLE001 - whatever a runtime raises, the old route has to go on
            problems[place] = str(error) or type(error).__name__
            if old.problems.get(place) != problems[place]:
                log.error("%s/%s cannot answer: %s", model, target.version, problems[place])
            self._metrics.add("model_load_failures_total", model, str(target.version))
            return None
        log.info("%s/%s loaded in %.2f s", model, target.version, time.perf_counter() - begun)
        return version

    def _read_stamp(self) -> tuple[int, ...] | None:
        try:
            found = self._options.routes.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def _watch(self) -> None:
        while not self._stop.is_set():
            self.residency.wanted.wait(self._options.poll)
            if self._stop.is_set():
                return
            try:
                self.look()
                self._also()
                self._loader.keep_up()
            except Exception:  # the watcher has to live on
                log.exception("the release state could not be applied")


def _targets(route: Route) -> Iterator[Target]:
    yield route.champion
    if route.challenger is not None:
        yield route.challenger
    yield from route.warm


def _versions(snapshot: Snapshot) -> Iterator[LoadedVersion]:
    for served in snapshot.served.values():
        yield from served.versions.values()


def _has(problems: Mapping[tuple[str, int], str], model: str) -> bool:
    return any(name == model for name, _ in problems)


def _key(model: str, target: Target) -> Key:
    return model, target.version, target.digest
