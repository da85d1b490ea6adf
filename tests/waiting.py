"""Waiting for what other processes and threads do: with patience for a slow machine, and no longer than it takes."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import time
from collections.abc import Callable
from typing import Any

PATIENCE = 120.0
"""Seconds after which what has not come about will not."""
_DOZEN = 12
_OWN = itertools.cycle(range(20_000 + os.getpid() % 1000 * _DOZEN, 20_000 + (os.getpid() % 1000 + 1) * _DOZEN))


def until(
    holds: Callable[[], object], process: subprocess.Popen[Any] | None = None, patience: float = PATIENCE
) -> None:
    """Wait until ``holds``; fail when it does not come about, or ``process``, which should see to it, has ended."""
    end = time.monotonic() + patience
    while not holds():
        if process is not None and process.poll() is not None:
            raise AssertionError(f"the process has ended with {process.returncode}")
        assert time.monotonic() < end, f"it did not come about within {patience:.0f} s"
        time.sleep(0.02)


def free_ports(many: int) -> list[int]:
    """Return ports on which nobody listens, of a dozen that are this process's own.

    They lie below those that the kernel gives away, so no test beside gets one before the server that is meant to.
    """
    return [next(port for port in itertools.islice(_OWN, _DOZEN) if _is_free(port)) for _ in range(many)]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
