"""`boucle demo`: the story is told, and it is true."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("demo") / "wine"
    done = subprocess.run(
        [sys.executable, "-m", "boucle", "demo", "--json", "--dir", str(folder)],
        capture_output=True,
        text=True,
        timeout=1400,
    )
    assert done.returncode == 0, done.stderr[-3000:] + done.stdout[-2000:]
    return folder, json.loads(done.stdout)


def test_the_loop_notices_retrains_proves_and_promotes(demo: tuple[Path, dict[str, Any]]) -> None:
    _, told = demo
    steps = [chapter["step"] for chapter in told["story"]]
    wanted = ["train", "serve", "observe", "change", "decision", "retraining", "rollout_started", "rollout_done"]
    positions = [steps.index(step) for step in wanted]
    assert positions == sorted(positions)
    assert told["champion"] > 1
    assert told["turns"] >= 2


def test_the_new_champion_is_better_on_white_wines_and_no_worse_on_red(demo: tuple[Path, dict[str, Any]]) -> None:
    _, told = demo
    before, after = told["errors"]["before"], told["errors"]["after"]
    assert after["white"] < 0.95 * before["white"]
    assert after["red"] < 1.1 * before["red"]


def test_the_history_tells_the_same_story_and_its_chain_holds(demo: tuple[Path, dict[str, Any]]) -> None:
    folder, told = demo
    verify = subprocess.run(
        [sys.executable, "-m", "boucle", "history", "--verify", "--json", "--project", str(folder)],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert json.loads(verify.stdout) == {"ok": True, "events": told["history"]["events"], "broken_at": None}


def test_the_report_opens_offline(demo: tuple[Path, dict[str, Any]]) -> None:
    _, told = demo
    page = Path(told["report"]).read_text()
    assert "<svg" in page
    assert "http://" not in page.replace("http://www.w3.org/", "")
    assert "https://" not in page
