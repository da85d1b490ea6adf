"""Compaction killed before every touch of a file, and run again."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.slow
def test_killed_anywhere_and_run_again_no_row_is_there_twice_and_none_is_missing(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", str(HERE / "compacting.py"), str(tmp_path)]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=150).stdout)
    killed = [run for run in told if not run["lived"]]
    assert len(killed) > 20
    assert told[-1]["lived"], "the last run was to be long enough to end by itself"
    for place, run in enumerate(told, 1):
        assert run["rows"] == [[f"id{n:02}", 1] for n in range(20)], f"killed at touch {place}"
        assert run["feedback"] == [["id00", 1], ["id05", 1], ["id10", 1], ["id15", 1]], f"killed at touch {place}"
        assert run["state"] == 20, f"killed at touch {place}"
        assert run["segments"] == [], f"killed at touch {place}"
