"""Everything that would fail later, checked now."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from boucle.core.errors import BoucleError, MissingExtra
from boucle.core.json import to_data
from boucle.core.signature import SEEING
from boucle.data import check, read
from boucle.loop import exposure
from boucle.loop.project import Project

SPACE = 512 * 1024 * 1024
TUNING = ("torch", "transformers", "safetensors")
NEEDED = ("sklearn", "skops", "pandas", "pyarrow", "pandera", "optuna", "mlflow", "sqlalchemy", "alembic")


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that would fail later, or would not."""

    name: str
    ok: bool
    note: str = ""
    hint: str = ""
    details: list[Any] = field(default_factory=list)


def run_checks(project: Project) -> list[Checked]:
    """Run the checks, in the order a user mends things."""
    return [
        _guarded("state directory", lambda: _directory(project)),
        _guarded("data", lambda: _data(project)),
        _guarded("extras", lambda: _extras(project)),
        _guarded("state", lambda: _state(project)),
        _guarded("access", lambda: _access(project)),
        _guarded("port of the data plane", lambda: _port(project, project.settings.serve.port)),
        _guarded("port of the control plane", lambda: _port(project, project.settings.serve.control_port)),
    ]


def _guarded(name: str, step: Callable[[], Checked]) -> Checked:
    try:
        return step()
    except BoucleError as error:
        return Checked(name, False, error.message, error.hint or "")


def _directory(project: Project) -> Checked:
    project.prepare()
    free = shutil.disk_usage(project.root).free
    return Checked(
        "state directory",
        free >= SPACE,
        f"{_shown(project.root, project.directory)}, {free / 1e9:.1f} GB free",
        "" if free >= SPACE else "make room: a training and its bundle need some hundred MB",
    )


def _data(project: Project) -> Checked:
    settings = project.settings
    verdict, found = check.check(read.read_table(settings.data, project.directory), settings)
    hint = "" if verdict.status == "pass" else "mend the data, or the contract under data.checks"
    note = "the contract holds" if verdict.status == "pass" else "the contract is broken"
    note += f"; {len(found)} to look at" if found else ""
    return Checked("data", verdict.status != "fail", note, hint, [to_data(v) for v in found])


def _extras(project: Project) -> Checked:
    """Look the packages up without importing them: importing all takes seconds."""
    settings = project.settings
    needed = dict.fromkeys(NEEDED, "tabular")
    if settings.model.pretrained is not None:
        needed |= dict.fromkeys(TUNING, "text")
    if settings.task in SEEING:
        needed["PIL"] = "image"
    for name, extra in needed.items():
        if find_spec(name) is None:
            raise MissingExtra.of(name, extra)
    return Checked("extras", True, "all that training and the registry need is installed")


def _state(project: Project) -> Checked:
    with project.state.begin() as tx:
        broken = tx.journal.verify()
    if broken is not None:
        return Checked("state", False, f"the history's chain breaks at event {broken}", "boucle history --verify")
    return Checked("state", True, "readable, and the history's chain holds")


def _access(project: Project) -> Checked:
    """Say who could call, and refuse what ``boucle serve`` would refuse."""
    serve = project.settings.serve
    exposure.check(project, serve.host)
    reach = "this machine only" if exposure.is_loopback(serve.host) else f"whoever can reach {serve.host}"
    if not serve.auth.on:
        return Checked("access", True, f"open to {reach}, without authentication")
    with project.state.begin(write=False) as tx:
        live = sum(key.live(project.clock.now()) for key in tx.keys.all())
    if not live and serve.auth.jwt is None:
        return Checked("access", False, "a key is required and there is none", "boucle keys add NAME --role viewer")
    known = f"{live} key{'s' * (live != 1)}" + (" and signed tokens" if serve.auth.jwt else "")
    return Checked("access", True, f"{known}, asked of {reach}" + ("" if serve.tls else "; not encrypted"))


def _port(project: Project, port: int) -> Checked:
    name = f"port {port}"
    if port == 0:
        return Checked(name, True, "a free one will be taken")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((project.settings.serve.host, port))
        except OSError as error:
            return Checked(name, False, f"cannot be used: {error.strerror}", "choose another under serve")
    return Checked(name, True, "free")


def _shown(path: Path, base: Path) -> str:
    return str(path.relative_to(base)) if path.is_relative_to(base) else str(path)
