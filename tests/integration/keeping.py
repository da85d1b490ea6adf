"""Run by the fault tests in a process of its own: a keeper that only holds the lease and counts.

python keeping.py URL ROOT MODEL NAME    prints "waiting", then "took", then counts up until it is killed or has "lost"
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from boucle.adapters.stores.sql import SqlState
from boucle.core.event import Event
from boucle.loop.lease import Fenced, Lease, LeaseLost


def main(url: str, root: str, model: str, name: str) -> None:
    plain = SqlState(url or None, Path(root))
    lease = Lease(plain, model)
    lease.me = name
    state = Fenced(plain, lease)
    say("waiting")
    with lease.beating():
        while True:
            if not lease.try_take():
                time.sleep(0.1)
                continue
            say("took")
            act(state, model, name)


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def act(state: Fenced, model: str, name: str) -> None:
    """Write events that count up, as long as the lease is ours."""
    while True:
        try:
            with state.begin() as tx:
                count = int(tx.settings.get(f"count:{model}") or 0) + 1
                tx.settings.put(f"count:{model}", count)
                tx.journal.append(Event("acted", time.time(), str(count), model, None, name))
        except LeaseLost:
            say("lost")
            return
        time.sleep(0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
