"""Run turns and kill each at another step; print what the project says after every death.

Run as a program: everything is imported once, and each turn runs in a fork that kills itself.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from boucle.loop.project import Project
from boucle.loop.turn import run_turn
from boucle.views import models as views


def turn(folder: Path, die_at: int | None) -> int:
    """Do one turn in a fork that is killed at progress message ``die_at``; returns the exit status."""
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1]
    count = 0

    def progress(text: str, share: float) -> None:
        nonlocal count
        count += 1
        if count == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    project = Project.open(folder)
    run_turn(project, progress)
    project.close()
    os._exit(0)


def told(folder: Path) -> dict[str, Any]:
    """Say what the state, the registry and the history say, as a user would see it."""
    project = Project.open(folder)
    project.prepare()
    project.delivery.reconcile(project.registry_champion)
    model = views.status(project).models[0]
    listed = views.listing(project)
    versions = [v["version"] for v in listed[0]["versions"]] if listed else []
    answer = {
        "champion": model.champion["version"] if model.champion else None,
        "versions": versions,
        "alias": listed[0]["aliases"].get("champion") if listed else None,
        "chain": views.verify_history(project)["ok"],
        "routes": json.loads(project.routes.read_text())["routes"] if project.routes.exists() else [],
        "bundles": sorted(p.name for p in (project.root / "bundles").glob("*")) if versions else [],
    }
    project.close()
    return answer


def main() -> None:
    folder = Path(sys.argv[1])
    deaths = []
    for step in range(1, 40):
        status = turn(folder, step)
        deaths.append({"step": step, "killed": os.WIFSIGNALED(status), "exit": status, **told(folder)})
        if not os.WIFSIGNALED(status):
            break
    sys.stdout.write(json.dumps(deaths) + "\n")


if __name__ == "__main__":
    main()
