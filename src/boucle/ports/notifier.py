"""Notifier: tells people."""

from __future__ import annotations

from typing import Protocol


class Notifier(Protocol):
    def send(self, title: str, body: str, html: str = "", picture: bytes = b"") -> list[str]:
        """Send to every address; returns the addresses (secrets masked) that failed. Never raises, never blocks
        longer than a few seconds.

        ``body`` is plain text. ``html`` says the same, and ``picture`` is a PNG, for receivers that show them.
        """
        ...
