"""Run by the fault tests in a process of its own: does things in children that are killed half way.

python dying.py deliver ROOT                every action, killed at every step, each in ROOT/ACTION/POINT
python dying.py append ROOT NAME [COUNT]    appends events, printing the number of each one committed
python dying.py fill ROOT                   appends until it may not write any more, prints the error
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from boucle.adapters.stores.sql import SqlState, SqlTransaction
from boucle.core.deployment import Target
from boucle.core.errors import StoreError
from boucle.core.event import Event
from boucle.delivery.release import Change, Delivery
from boucle.ports.clock import SystemClock

POINTS = ("change-open", "change-kept", "aliases-before", "aliases-half", "aliases-after", "note-open", "note-kept")
ACTIONS: dict[str, Callable[[Delivery], Change]] = {
    "promote": lambda delivery: delivery.promote("wine", 3, "direct"),
    "canary": lambda delivery: delivery.promote("wine", 3, "canary"),
    "rollback": lambda delivery: delivery.rollback("wine"),
}


class Dying:
    """A world that kills this process when it comes to ``point``."""

    def __init__(self, root: Path, point: str = "") -> None:
        self.root = root
        self.point = point
        self.routes = root / "routes.json"
        self.state = SqlState(None, root)
        self.delivery = Delivery(self, SystemClock(), self.routes, self.target, self.move)
        self._writes = iter(("change", "note"))

    def reach(self, point: str) -> None:
        if point == self.point:
            os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def begin(self, write: bool = True) -> Iterator[SqlTransaction]:
        name = next(self._writes, "later") if write else "read"
        with self.state.begin(write) as tx:
            yield tx
            self.reach(f"{name}-open")
        self.reach(f"{name}-kept")

    def stamp(self) -> int:
        return self.state.stamp()

    def close(self) -> None:
        self.state.close()

    def target(self, name: str, version: int) -> Target:
        return Target(version, self.root.anchor, str(version))

    def move(self, name: str, champion: int | None, challenger: int | None, previous: int | None) -> None:
        self.reach("aliases-before")
        now = self.aliases()
        for alias, version in (("champion", champion), ("challenger", challenger), ("previous", previous)):
            now[alias] = version
            (self.root / "aliases.json").write_text(json.dumps(now))
            self.reach("aliases-half")
        self.reach("aliases-after")

    def aliases(self) -> dict[str, int | None]:
        path = self.root / "aliases.json"
        found: dict[str, int | None] = json.loads(path.read_text()) if path.exists() else {}
        return found


def deliver(root: Path) -> None:
    (root / "ready").mkdir()
    ready = Dying(root / "ready")
    ready.delivery.promote("wine", 1)
    ready.delivery.promote("wine", 2, "direct")
    ready.close()
    for action, act in ACTIONS.items():
        for point in POINTS:
            place = root / action / point
            shutil.copytree(ready.root, place)
            child = os.fork()
            if not child:
                act(Dying(place, point).delivery)
                os._exit(0)
            assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL, (action, point)


def append(root: Path, name: str, count: str = "100000") -> None:
    state = SqlState(None, root)
    for _ in range(int(count)):
        with state.begin() as tx:
            kept = tx.journal.append(Event("release", 1.0, name, data={"text": "x" * 500}))
        _tell(kept.seq)


def fill(root: Path) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
    try:
        append(root, "filler")
    except StoreError as error:
        _tell(error)


def _tell(word: object) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    commands: dict[str, Callable[..., None]] = {"deliver": deliver, "append": append, "fill": fill}
    commands[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
