"""A clock in the test's hands."""

from __future__ import annotations


class FakeClock:
    """Stands still until told; ``sleep`` returns at once and moves it on."""

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start

    def now(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass; raises ValueError for a step back."""
        if seconds < 0:
            raise ValueError("time does not go back")
        self._now += seconds
