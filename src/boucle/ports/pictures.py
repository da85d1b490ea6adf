"""Pictures: what is done to image files by whoever can decode them."""

from __future__ import annotations

from typing import Literal, Protocol

Disturbance = Literal["noise", "more noise", "darker", "brighter", "blurred"]
"""What cameras and networks do to images; ``noise`` is little of it: 2 % of the range of brightness."""


class Pictures(Protocol):
    name: str

    def disturbed(self, raw: bytes, how: Disturbance, seed: int) -> bytes:
        """Return the image as a PNG file with ``how`` done to it; the same seed does the same. Raises RequestError."""
        ...
