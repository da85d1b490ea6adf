from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]


def test_every_answer_is_in_the_log_once_whatever_is_killed_moved_or_sent() -> None:
    """Twelve seconds of what `soaking.py` does for ten minutes."""
    program = Path(__file__).with_name("soaking.py")
    done = subprocess.run(
        [sys.executable, str(program), "--seconds", "12"], capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
