"""Every error Boucle raises on purpose.

BoucleError
├── ProjectError            boucle.yaml is wrong: file, line and key
├── MissingExtra            an optional package is not installed (also an ImportError)
├── DataError               the data cannot be used
│   ├── SourceError         it cannot be read
│   └── ContractError       it breaks the contract: carries every violation
├── TrainingError           the estimator could not be built or fitted
├── BundleError             a bundle cannot be used
│   ├── BundleCorrupt       its bytes are not those of its manifest
│   └── UnsafeBundle        loading it would run code nobody agreed to
├── NotFound                no such model, version, alias, run or snapshot
├── Conflict                the state does not allow it now
├── StoreError              the state cannot be read or written: locked, full, read-only, corrupt
├── Unauthenticated         nobody knows who asks: no credentials, or not valid ones
├── Forbidden               it is known who asks, and they may not
└── RequestError            a request is wrong: field, expected, got
    ├── Overloaded          the request is right, there is no room for it now
    └── RateLimited         the request is right, the caller has asked too often
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class BoucleError(Exception):
    """What happened, to what and why; ``hint`` says what to do now; ``facts`` hold the particulars."""

    code = "error"

    def __init__(self, message: str, *, hint: str | None = None, **facts: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.facts = facts

    def __str__(self) -> str:
        return f"{self.message} hint: {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.message, self.hint, self.facts)


def _rebuild(kind: type[BoucleError], message: str, hint: str | None, facts: dict[str, Any]) -> BoucleError:
    return kind(message, hint=hint, **facts)


class ProjectError(BoucleError):
    code = "project"


class MissingExtra(BoucleError, ImportError):
    """Raised where an optional package is needed and absent; names the exact command."""

    code = "missing_extra"

    @classmethod
    def of(cls, package: str, extra: str) -> MissingExtra:
        return cls(
            f"The package '{package}' is not installed.",
            hint=f"install it with: pip install 'boucle[{extra}]'",
            package=package,
            extra=extra,
        )


class DataError(BoucleError):
    code = "data"


class SourceError(DataError):
    code = "source"


class ContractError(DataError):
    code = "contract"


class TrainingError(BoucleError):
    code = "training"


class BundleError(BoucleError):
    code = "bundle"


class BundleCorrupt(BundleError):
    code = "bundle_corrupt"


class UnsafeBundle(BundleError):
    code = "unsafe_bundle"


class NotFound(BoucleError):
    code = "not_found"

    @classmethod
    def of(cls, what: str, name: str, known: Iterable[str], listing: str = "boucle list") -> NotFound:
        """Build the error for an unknown ``name`` among ``known`` ones, with near names in the hint."""
        return cls(f"There is no {what} '{name}'.", hint=f"{suggest(name, known)}List them with: {listing}", name=name)


class Conflict(BoucleError):
    code = "conflict"


class StoreError(BoucleError):
    code = "store"


class RequestError(BoucleError):
    """A request that cannot be answered; ``facts['field']`` names the column where there is one."""

    code = "bad_request"


class Overloaded(RequestError):
    code = "overloaded"


class RateLimited(RequestError):
    """``facts['retry_after']`` is in whole seconds, for the header ``Retry-After``."""

    code = "rate_limited"


class Unauthenticated(BoucleError):
    """``facts['challenge']`` is the value of the header ``WWW-Authenticate``."""

    code = "unauthenticated"


class Forbidden(BoucleError):
    code = "forbidden"


def suggest(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean 'x'? `` for the nearest of ``known`` whatever its case, or an empty string."""
    folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    return f"did you mean '{folded[near[0]]}'? " if near else ""
