"""What holds for every test."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# No test asserts a time: speed belongs in benchmarks. In CI the same examples are tried every time.
settings.register_profile(
    "house",
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")
