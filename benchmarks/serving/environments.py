"""A virtual environment for every peer, under one cache folder, and what is in it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

PEERS = Path(__file__).parent / "peers"
ROOT = Path(__file__).parents[2]
_STAMP = "installed"


class Unavailable(Exception):
    """Something cannot be measured here; the message says why."""


def default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "boucle-benchmarks"


def environment(cache: Path, name: str) -> Path:
    """Return the environment of a peer, installed when its requirements are not those of the last time."""
    folder, wanted = cache / "environments" / name, PEERS / name / "requirements.txt"
    stamp, mark = folder / _STAMP, hashlib.sha256(wanted.read_bytes() + sys.version.encode()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != mark:
        fresh(folder, ["--requirement", str(wanted)])
        stamp.write_text(mark)
    return folder


def fresh(folder: Path, arguments: list[str]) -> None:
    """Make an environment anew and install into it; raises Unavailable with the installer's last line."""
    shutil.rmtree(folder, ignore_errors=True)
    told = {**os.environ, "VIRTUAL_ENV": str(folder)}
    for ours, theirs in {
        "UV_FIND_LINKS": "PIP_FIND_LINKS",
        "UV_DEFAULT_INDEX": "PIP_INDEX_URL",
        "UV_INDEX": "PIP_EXTRA_INDEX_URL",
        "SSL_CERT_FILE": "PIP_CERT",
    }.items():
        if theirs in os.environ:
            told.setdefault(ours, os.environ[theirs])
    for command in (
        ["venv", "--quiet", "--python", sys.executable, str(folder)],
        ["pip", "install", "--quiet", "--python", str(folder / "bin/python"), *arguments],
    ):
        done = subprocess.run([_uv(), *command], env=told, capture_output=True, text=True)
        if done.returncode:
            why = done.stderr.strip().splitlines() or ["no reason given"]
            raise Unavailable(f"cannot be installed: {why[-1].strip()}")


def packages(folder: Path) -> dict[str, str]:
    """Return the version of every distribution in an environment."""
    found = {}
    for place in folder.glob("lib/python*/site-packages/*.dist-info"):
        name, _, version = place.name.removesuffix(".dist-info").partition("-")
        found[name.lower().replace("_", "-")] = version
    return dict(sorted(found.items()))


def site_packages(folder: Path) -> Path:
    return next(folder.glob("lib/python*/site-packages"))


def size(folder: Path) -> float:
    """Return what an environment's packages take on disk, in MB (10^6 bytes)."""
    return sum(one.stat().st_size for one in site_packages(folder).rglob("*") if one.is_file()) / 1e6


def program(name: str, package: str) -> str:
    """Return the path of a program; raises Unavailable saying what to install."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if found is None:
        raise Unavailable(f"{name} is absent: apt-get install -y --no-install-recommends {package}")
    return found


def _uv() -> str:
    beside = Path(sys.executable).parent / "uv"
    if beside.is_file():
        return str(beside)
    if found := shutil.which("uv"):
        return found
    if find_spec("uv"):
        import uv  # only where it came as a package without its program on the path

        return str(uv.find_uv_bin())
    raise Unavailable("uv is absent: pip install uv")
