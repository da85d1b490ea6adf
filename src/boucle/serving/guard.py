"""Who may call this plane: known by an API key or a signed token, within their models and their rate.

``admit`` runs before the body of a request is read. For a known caller it is one hash and one look-up: what was
presented is never kept or compared as text, so its time tells nothing about any key.
"""

from __future__ import annotations

import importlib
import logging
import math
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from boucle.core.access import LOCAL, Caller
from boucle.core.errors import BoucleError, Forbidden, MissingExtra, RateLimited, Unauthenticated
from boucle.formats import used
from boucle.formats.access import Access, read_access
from boucle.serving.limits import Buckets, Limit

if TYPE_CHECKING:
    from boucle.serving.tokens import Verifier

OPEN_PAGES = frozenset(("/livez", "/readyz", "/healthz", "/health", "/ping", "/v2/health/live", "/v2/health/ready"))
"""What says whether the plane is up: probes have no keys."""
LONGEST = 8192
TOKENS = 4096
CHALLENGE = 'Bearer realm="boucle"'
log = logging.getLogger("boucle.serving")


class Grant:
    """One caller who is known by a digest, until a time, perhaps at a limited rate."""

    __slots__ = ("caller", "due", "limit", "models", "until")

    def __init__(self, caller: Caller, until: float, limit: Limit | None = None, due: float = math.inf) -> None:
        self.caller = caller
        self.models = caller.models
        self.until = until
        self.limit = limit
        self.due = due
        """When its use is to be noted again (Unix seconds)."""


class Guard:
    """The rules of one moment. While ``open``, nothing is required and nobody needs to be asked.

    In the folder ``marks`` it notes when keys are used; None notes nothing.
    """

    def __init__(
        self, access: Access, *, required: bool = False, buckets: Buckets | None = None, marks: Path | None = None
    ) -> None:
        buckets = buckets or Buckets()
        self.open = not (access.required or required)
        self.metrics_open = self.open or access.metrics_open
        self._keys: dict[bytes, Grant] = {}
        self._tokens: dict[bytes, Grant] = {}
        self._verifier: Verifier | None = None
        self._marks = marks
        due = math.inf if marks is None else -math.inf
        for key in access.keys:
            models = None if key.models is None else frozenset(key.models)
            limit = buckets.limit(key.name, key.rate) if key.rate else None
            until = -math.inf if key.revoked is not None else key.until
            self._keys[bytes.fromhex(key.digest)] = Grant(Caller(key.name, key.role, models, "key"), until, limit, due)
        if access.tokens is not None and not self.open:
            try:
                self._verifier = _verifier(access)
            except BoucleError as error:  # keys have to go on, and so has their revocation
                log.error("tokens are not believed: %s", error)

    def admit(self, authorization: bytes, api_key: bytes, model: str, now: float) -> Caller:
        """Return who calls, from the headers ``authorization`` and ``x-api-key`` (empty where absent).

        ``model`` is what the call is about, empty when it is about none; ``now`` is Unix time in seconds.
        Raises Unauthenticated, Forbidden and RateLimited.
        """
        if self.open:
            return LOCAL
        presented = api_key or _bearer(authorization)
        digest = blake2b(presented, digest_size=32).digest()
        grant = self._keys.get(digest) or self._tokens.get(digest)
        if grant is None or now >= grant.until:
            grant = self._recognise(presented, digest, grant, now)
        if grant.models is not None and model and model not in grant.models:
            raise Forbidden(
                f"{grant.caller.name} may not use the model {model[:100]}.", hint="its key has other models"
            )
        if grant.limit is not None and (wait := grant.limit.take(now)):
            raise _too_often(grant.caller.name, wait)
        if now >= grant.due:
            self._note(grant, digest, now)
        return grant.caller

    def admit_page(self, path: str, authorization: bytes, api_key: bytes, now: float, model: str = "") -> Caller:
        """Return who asks for a page; what says whether the plane is up and open metrics are for everybody."""
        if path in OPEN_PAGES or (self.metrics_open and path == "/metrics"):
            return LOCAL
        return self.admit(authorization, api_key, model, now)

    def _note(self, grant: Grant, digest: bytes, now: float) -> None:
        assert self._marks is not None
        grant.due = now + used.EVERY
        used.mark(self._marks, digest.hex(), now)

    def _recognise(self, presented: bytes, digest: bytes, stale: Grant | None, now: float) -> Grant:
        """Verify what is not known yet; raises Unauthenticated and Forbidden."""
        if not presented:
            raise Unauthenticated(
                "This needs a key or a token.",
                hint="send the header x-api-key: KEY, or Authorization: Bearer KEY",
                challenge=CHALLENGE,
            )
        if stale is not None and stale.caller.by == "key":
            raise _invalid("The key has expired or was revoked.")
        if self._verifier is None or len(presented) > LONGEST or presented.count(b".") != 2:
            raise _invalid("The key is not known.")
        try:
            caller, until = self._verifier.verify(presented, now)
        except ValueError as error:
            raise _invalid(f"The token is not valid: {error}.") from None
        if len(self._tokens) >= TOKENS:
            self._make_room(now)
        grant = self._tokens[digest] = Grant(caller, until)
        return grant

    def _make_room(self, now: float) -> None:
        """Forget tokens that have expired, and if there are none the half that came first."""
        kept = {digest: grant for digest, grant in list(self._tokens.items()) if now < grant.until}
        if len(kept) >= TOKENS:
            kept = dict(list(kept.items())[TOKENS // 2 :])
        self._tokens = kept


class Followed:
    """The guard as the access file says now. ``required`` keeps everybody out until there is a file to read."""

    def __init__(self, path: Path, required: bool = False, limits: Path | None = None) -> None:
        self._path = path
        self._required = required
        self._buckets = Buckets(limits)
        self._marks = None if limits is None else used.folder_of(limits.parent)
        self._stamp: tuple[int, ...] | None = None
        self._told = ""
        self.guard = Guard(Access(), required=required)
        self.look()

    def look(self) -> None:
        """Read the file if it has changed. One that is gone or damaged changes nothing: the last rules stay."""
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if stamp == self._stamp:
                return
            access = read_access(self._path)
            if access is not None:
                self.guard = Guard(access, required=self._required, buckets=self._buckets, marks=self._marks)
            self._stamp, self._told = stamp, ""
        except FileNotFoundError:
            return
        except (BoucleError, OSError, ValueError) as error:
            if str(error) != self._told:
                log.error("who may call could not be read: %s", error)
            self._told = str(error)
            if self._stamp is None:
                self.guard = Guard(Access(), required=True)

    def close(self) -> None:
        self._buckets.close()


def _verifier(access: Access) -> Verifier:
    assert access.tokens is not None
    try:
        # joserfc and cryptography are an extra, and half of the memory of a small worker.
        module = importlib.import_module("boucle.serving.tokens")
    except ModuleNotFoundError as missing:
        raise MissingExtra.of(missing.name or "joserfc", "jwt") from missing
    verifier: Verifier = module.Verifier(access.tokens)
    return verifier


def _bearer(authorization: bytes) -> bytes:
    return authorization[7:].strip() if authorization[:7].lower() == b"bearer " else b""


def _invalid(message: str) -> Unauthenticated:
    return Unauthenticated(message, challenge=f'{CHALLENGE}, error="invalid_token"')


def _too_often(name: str, wait: float) -> RateLimited:
    seconds = max(1, math.ceil(wait))
    return RateLimited(f"{name} has asked too often.", hint=f"try again in {seconds} s", retry_after=seconds)
