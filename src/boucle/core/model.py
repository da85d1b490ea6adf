"""Models, their versions and the references users type: NAME, NAME/7, NAME@champion."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from boucle.core.errors import RequestError
from boucle.core.signature import Signature

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"
_REF = re.compile(
    r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,99})(?:/(?P<version>[1-9]\d{0,8})|@(?P<alias>[a-z][a-z0-9_-]*))?$"
)


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A reference to a model, to one version by number, or to one by alias."""

    name: str
    version: int | None = None
    alias: str | None = None

    @classmethod
    def parse(cls, text: str) -> ModelRef:
        """Read ``NAME``, ``NAME/7`` or ``NAME@champion``; raises RequestError on anything else."""
        found = _REF.fullmatch(text)
        if not found:
            raise RequestError(
                f"'{text}' is not a model reference.",
                hint="write NAME, NAME/7 (a version) or NAME@champion (an alias)",
                field="ref",
            )
        version = found["version"]
        return cls(found["name"], int(version) if version else None, found["alias"])

    def __str__(self) -> str:
        return self.name + (f"/{self.version}" if self.version else f"@{self.alias}" if self.alias else "")


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One immutable build. Its state (champion, challenger) is in aliases and releases, not here.

    ``digest`` is the sha256 of the bundle's manifest; ``passed`` the outcome of its gate;
    ``created`` is Unix time in seconds; ``location`` a URI the registry can fetch the bundle from.
    """

    name: str
    number: int
    digest: str
    run_id: str
    created: float
    location: str = ""
    passed: bool = False
    fingerprint: str = ""
    runtime: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def ref(self) -> str:
        return f"{self.name}/{self.number}"


@dataclass(frozen=True, slots=True)
class BundleInfo:
    """What a bundle says of itself (``bundle.json``), beside its manifest of hashes.

    ``runtime`` is the adapter that loads it, ``options`` what that adapter needs; ``threshold`` the decision
    threshold of a binary classifier (informative: the model applies it itself); ``lineage`` the fingerprint,
    run and commit it came from; ``trusted`` the types the loader may build besides NumPy's and scikit-learn's own;
    ``parity`` how the compiled form of the model compares with its original, empty where none was tried.
    """

    name: str
    signature: Signature
    runtime: str
    created: float
    options: dict[str, Any] = field(default_factory=dict)
    lineage: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    trusted: tuple[str, ...] = ()
    threshold: float | None = None
    requirements: tuple[str, ...] = ()
    parity: dict[str, Any] = field(default_factory=dict)
