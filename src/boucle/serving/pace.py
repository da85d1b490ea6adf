"""How long a model takes for so many rows, and how long a request may wait for it: nothing here keeps time itself."""

from __future__ import annotations

SMOOTHING = 0.2
WAITS, LEAST_WAIT = 4.0, 0.025
"""A request may wait as long as so many calls for its rows alone take, and no less than so many seconds.

At half of what a model can do a request waits about as long as a call takes, and the slowest of a hundred about three
times as long. Those that are let in when far more is asked then take no more than twice that.
"""


class Pace:
    """A fixed part of each call and one a row, in seconds, as it was tried; both scaled by what calls take now.

    ``one`` and ``many`` are what calls of one row and of ``rows`` took; without them it goes by the seconds a row that
    calls take.
    """

    def __init__(self, one: float = 0.0, many: float = 0.0, rows: int = 32) -> None:
        self._row = max(0.0, many - one) / max(1, rows - 1)
        self._call = max(0.0, one - self._row)
        self._scale = 1.0
        self._tried = one > 0.0

    def expected(self, rows: int) -> float:
        """Return the seconds a call of so many rows should take now."""
        return self._scale * (self._call + self._row * rows)

    def longest_wait(self, rows: int) -> float:
        """Return the seconds a request of so many rows may wait; without end for a model that was never tried."""
        return max(LEAST_WAIT, WAITS * self.expected(rows)) if self._tried else float("inf")

    def seen(self, rows: int, seconds: float) -> None:
        """Learn what a call took."""
        if self._tried:
            self._scale += (seconds / (self._call + self._row * rows) - self._scale) * SMOOTHING
        else:
            self._row += (seconds / rows - self._row) * (SMOOTHING if self._row else 1.0)
