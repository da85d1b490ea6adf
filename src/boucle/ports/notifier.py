"""Notifier: tells people."""

from __future__ import annotations

from typing import Protocol


class Notifier(Protocol):
    def send(self, title: str, body: str) -> list[str]:
        """Send to every address; returns the addresses (secrets masked) that failed. Never raises, never blocks
        longer than a few seconds."""
        ...
