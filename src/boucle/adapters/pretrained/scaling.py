"""How large a picture is made that is looked at whole: its proportions stay, nothing is cut off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Side = tuple[int, int]
"""Height and width."""
LONGEST = 1333
"""Pixels of the long side at most, where nothing else is said: DETR's own (Carion et al. 2020)."""
LEAST = 32
"""Pixels that the short side of a strip has at least: the convolutions of a detector halve it five times."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The ``shortest`` side a picture is given, unless its long one would be over ``longest``; or one ``size`` for all.

    Both sides become whole multiples of ``multiple``, for models that look at patches.
    """

    shortest: int = 0
    longest: int = LONGEST
    size: Side | None = None
    multiple: int = 1

    @classmethod
    def of(cls, said: Mapping[str, Any], multiple: int = 1) -> Scale:
        """Read it from a preprocessor's configuration; raises KeyError, TypeError or ValueError."""
        if not said.get("do_resize", True) or said.get("pad_size"):
            raise ValueError("pictures have to be scaled, and not filled up to one size")
        size = said["size"]
        if isinstance(size, int):  # as the first versions wrote it
            return cls(size, int(said.get("max_size", LONGEST)), multiple=multiple)
        if "shortest_edge" in size:
            longest = size.get("longest_edge") or said.get("max_size") or LONGEST
            return cls(int(size["shortest_edge"]), int(longest), multiple=multiple)
        return cls(size=(int(size["height"]), int(size["width"])))

    def fitted(self, side: Side) -> Side:
        """Return the height and width that a picture of these is scaled to; fractions are dropped as transformers does.

        A strip is made a little broader than it is where its short side would all but vanish.
        """
        if self.size is not None:
            return self.size
        height, width = side
        short, long = min(side), max(side)
        wanted = float(self.shortest)
        if long / short * wanted > self.longest:
            wanted = self.longest * short / long
        near = round(wanted)
        if near != short:
            far = int(wanted * long / short)
            height, width = (near, far) if height <= width else (far, near)
        least = max(min(LEAST, self.shortest), self.multiple)
        high, wide = (max(least, one - one % self.multiple) for one in (height, width))
        return high, wide
