"""What Debian's packages hold, unpacked for these tests alone: nothing is installed, and no service is started."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from boucle.formats.files import exclusive

_APT = ("apt-get", "-qq", "-o", "APT::Sandbox::User=root")


def programs(packages: tuple[str, ...], names: tuple[str, ...]) -> Path:
    """Return a folder with the programs ``names``, of ``packages``; kept in the environment for the next run.

    Where they cannot be had the test is skipped, and with CI=true it fails.
    """
    found = [shutil.which(name) for name in names]
    if all(found):
        return Path(str(found[0])).parent
    return unpacked(packages, "usr/bin", names)


def unpacked(packages: tuple[str, ...], place: str, names: tuple[str, ...]) -> Path:
    """Return the folder ``place`` of ``packages``, which has the files ``names``; else as ``programs``."""
    folder = Path(sys.prefix) / "servers"
    folder.mkdir(exist_ok=True)
    with exclusive(folder / "lock", "Another test", wait=True):
        held = folder / place
        if not all((held / name).is_file() for name in names):
            trouble = _fetch(packages, folder)
            if trouble:
                (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(trouble)
    return held


def _fetch(packages: tuple[str, ...], folder: Path) -> str:
    """Download and unpack; returns what went wrong."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        try:
            if _call([*_APT, "download", *packages], place):  # the lists may never have been read on this machine
                _call([*_APT, "update"], place)
                if trouble := _call([*_APT, "download", *packages], place):
                    return f"{', '.join(packages)} could not be downloaded: {trouble}"
            for package in Path(place).glob("*.deb"):
                if trouble := _call(["dpkg-deb", "-x", str(package), str(folder)], place):
                    return f"{package.name} could not be unpacked: {trouble}"
        except OSError as error:
            return f"{', '.join(packages)} come from Debian's packages: {error}"
    return ""


def _call(command: list[str], folder: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=170, check=False)
    return (done.stderr[-500:] or "failed") if done.returncode else ""
