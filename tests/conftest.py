"""What holds for every test."""

from __future__ import annotations

import os

from hypothesis import settings

# No test asserts a time: speed belongs in benchmarks. In CI the same examples are tried every time.
settings.register_profile("house", deadline=None, derandomize=os.environ.get("CI") == "true")
settings.load_profile("house")
