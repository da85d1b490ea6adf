"""Compacts the segments of a project and is killed at the n-th touch of a file, for every n; prints what was left.

Run as: python compacting.py FOLDER. Children are forked once everything is imported, each with a folder of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from boucle.adapters.archives.parquet import ParquetArchive
from boucle.core.json import dumps
from boucle.core.observation import Feedback
from boucle.formats.block import Block, encode
from boucle.formats.segment import KIND_BLOCK, KIND_FEEDBACK, SegmentWriter
from boucle.loop.compaction import Compaction
from boucle.loop.project import Project
from boucle.monitoring.ingest import ingest
from boucle.project.settings import Settings

NOON, DAY = 1_767_268_800.0, 86400.0
TOUCHES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"}
MOST = 400


def project(folder: Path) -> Project:
    data = {"source": "wine.csv", "target": "quality"}
    told = {"name": "wine", "task": "tabular-regression", "data": data, "serve": {"capture": {"keep": "5000w"}}}
    return Project(folder, Settings.model_validate(told))


def fill(folder: Path) -> None:
    """Write two segments over two days, one of them of a worker that died in the middle of a frame."""
    made = project(folder)
    made.prepare()
    writer = SegmentWriter(made.segments, "w")
    for start in (0, 10):
        for place in (start, start + 5):
            ids = [f"id{n:02}" for n in range(place, place + 5)]
            times = [NOON + DAY * (n % 2) for n in range(5)]
            seen = Block(
                "wine", 1, ids, times, [0.0] * 5, [1] * 5, ["champion"] * 5, [""] * 5, [""] * 5, ("x",), "f",
                np.arange(5.0).tobytes(), {}, {"prediction": [6.0] * 5},
            )  # fmt: skip
            writer.append([(KIND_BLOCK, encode(seen)), (KIND_FEEDBACK, dumps(Feedback(ids[0], NOON, [5])))])
        writer.rotate()
    with sorted(made.segments.iterdir())[-1].open("ab") as torn:
        torn.write(b"\x40\x00\x00\x00torn")


def compact(folder: Path) -> None:
    """Do what the keeper does with segments, until none is left."""
    made = project(folder)
    compaction = Compaction(made)
    ingest(made.state, made.segments)
    while compaction.step().segments:
        pass
    made.close()


def die_at(folder: Path, touch: int) -> None:
    """End this process, as kill -9 does, before the n-th touch of a file in the folder from now on."""
    left = touch

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        if event in TOUCHES and str(arguments[0]).startswith(str(folder)):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def forked(folder: Path, touch: int = 0) -> bool:
    """Compact in a child that dies at ``touch``; returns whether it lived to the end."""
    child = os.fork()
    if child == 0:
        if touch:
            die_at(folder, touch)
        compact(folder)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return False
    assert os.waitstatus_to_exitcode(status) == 0
    return True


def left(folder: Path) -> dict[str, Any]:
    archive = ParquetArchive(None, folder / ".boucle")
    rows = Counter(archive.read("wine", 0.0, NOON + 9 * DAY)["id"])
    told = Counter(archive.feedback(0.0, NOON + 9 * DAY)["id"])
    files = [path.name for path in (folder / ".boucle" / "serving" / "segments").iterdir()]
    made = project(folder)
    with made.state.begin(write=False) as tx:
        known = tx.observations.count("wine")
    return {"state": known, "rows": sorted(rows.items()), "feedback": sorted(told.items()), "segments": files}


def main(root: Path) -> None:
    fill(root / "template")
    fill(root / "warm")
    compact(root / "warm")  # so that the children import nothing
    left(root / "warm")
    found = []
    for touch in range(1, MOST):
        folder = root / f"at{touch}"
        shutil.copytree(root / "template", folder)
        lived = forked(folder, touch)
        if not lived:
            forked(folder)
        found.append({"lived": lived})
        child = os.pipe()
        if os.fork() == 0:
            os.write(child[1], json.dumps(left(folder)).encode())
            os._exit(0)
        os.close(child[1])
        os.wait()
        found[-1] |= json.loads(os.read(child[0], 1_000_000))
        os.close(child[0])
        shutil.rmtree(folder)
        if lived:
            break
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]))
