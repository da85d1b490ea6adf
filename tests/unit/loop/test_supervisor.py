"""The supervisor keeps processes running and ends them all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest


def wait_for(path: Path, times: int = 1) -> list[str]:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if path.exists() and len(path.read_text().splitlines()) >= times:
            return path.read_text().splitlines()
        time.sleep(0.02)
    pytest.fail(f"{path.name} was not written {times} times")


def supervise(folder: Path, child: str) -> subprocess.Popen[bytes]:
    """Run a supervisor over one child that appends its pid to ``pids`` when it is up."""
    (folder / "child.py").write_text(textwrap.dedent(child))
    (folder / "parent.py").write_text(
        textwrap.dedent(f"""
        import sys
        from boucle.loop.supervisor import Service, Supervisor
        s = Supervisor([Service("child", ({str(folder / "child.py")!r}, {str(folder)!r}))], print)
        s.start()
        sys.exit(s.run())
        """)
    )
    command = [sys.executable, str(folder / "parent.py")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


STEADY = """
import os, pathlib, signal, sys, time
folder = pathlib.Path(sys.argv[1])
def end(*_):
    (folder / "ended").write_text("drained")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
with (folder / "pids").open("a") as f: f.write(f"{os.getpid()}\\n")
while True: time.sleep(0.05)
"""


def test_a_service_that_dies_is_started_again(tmp_path: Path) -> None:
    with supervise(tmp_path, STEADY) as parent:
        first = int(wait_for(tmp_path / "pids")[0])
        os.kill(first, signal.SIGKILL)
        second = int(wait_for(tmp_path / "pids", 2)[1])
        assert second != first
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(120) == 0


def test_sigterm_lets_services_drain(tmp_path: Path) -> None:
    with supervise(tmp_path, STEADY) as parent:
        wait_for(tmp_path / "pids")
        parent.send_signal(signal.SIGTERM)
        assert parent.wait(120) == 0
    assert (tmp_path / "ended").read_text() == "drained"


def test_misuse_is_not_retried(tmp_path: Path) -> None:
    with supervise(tmp_path, "import sys; sys.exit(2)") as parent:
        out, _ = parent.communicate(timeout=120)
        assert parent.returncode == 2
    assert b"stopping all" in out


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_no_service_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    with supervise(tmp_path, STEADY) as parent:
        wait_for(tmp_path / "pids")
        parent.kill()
    assert wait_for(tmp_path / "ended") == ["drained"]
