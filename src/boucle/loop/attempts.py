"""Failed attempts to be let in, counted by where they come from, in bounded memory."""

from __future__ import annotations

import ipaddress
import threading
from array import array
from collections import OrderedDict

from boucle.core.access import Rate
from boucle.serving.limits import Limit

ALLOWED = Rate(10, 60)
MOST = 4096


class Attempts:
    """Says how long an address that failed too often is to wait.

    Only failures count, and only they are put off: whoever has a valid key gets in, also from behind the address of
    somebody who keeps guessing. Guessing is hopeless anyhow; the limit keeps it cheap and out of the log.
    """

    def __init__(self, allowed: Rate = ALLOWED) -> None:
        self._allowed = allowed
        self._limits: OrderedDict[str, Limit] = OrderedDict()
        self._lock = threading.Lock()

    def failed(self, address: str, now: float) -> float:
        """Count a failure; returns 0.0, or the seconds to wait after too many."""
        place = _place(address)
        with self._lock:
            limit = self._limits.pop(place, None) or Limit(self._allowed, array("q", [0]))
            self._limits[place] = limit
            if len(self._limits) > MOST:
                self._limits.popitem(last=False)
            return limit.take(now)

    def __len__(self) -> int:
        return len(self._limits)


def _place(address: str) -> str:
    """Return what stands for one caller: an IPv4 address, or the network of an IPv6 one, which has countless."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))
