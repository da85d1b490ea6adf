"""The public keys of those who sign tokens: read from a file, or fetched and kept, never by the data plane."""

from __future__ import annotations

import json
import logging
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from boucle.core.errors import ProjectError
from boucle.core.json import dumps, loads
from boucle.formats.files import write_atomic

LARGEST = 1_000_000
WITHIN = 10.0
RETRY = 30.0
_PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
log = logging.getLogger("boucle.loop")

Keys = tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """What was fetched from where, and when somebody last tried (Unix seconds)."""

    url: str
    tried: float
    keys: Keys = ()
    failed: bool = False


def current(where: str, directory: Path, kept: Path, refresh: float | None, now: float) -> Keys:
    """Return the public keys at ``where``, a file or an https URL.

    A URL is read again after ``refresh`` seconds, after 30 when that failed; what was fetched before goes on counting.
    None fetches nothing. Raises ProjectError when a file cannot be read.
    """
    if not where.startswith("https://"):
        return _from_file(directory / where)
    old = _kept(kept, where) or Kept(where, 0.0)
    if refresh is None or now - old.tried < (min(refresh, RETRY) if old.failed else refresh):
        return old.keys
    try:
        new = Kept(where, now, public(_fetched(where)))
    except (OSError, ValueError) as error:
        log.warning("the keys at %s could not be fetched: %s", where, error)
        new = Kept(where, now, old.keys, failed=True)
    write_atomic(kept, dumps(new))
    return new.keys


def public(document: bytes) -> Keys:
    """Return the public keys of a key set (RFC 7517); shared secrets are left out, private parts too.

    Raises ValueError when it is no key set.
    """
    try:
        keys = json.loads(document)["keys"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise ValueError("it is not a JSON Web Key Set") from None
    if not isinstance(keys, list) or not all(isinstance(one, dict) for one in keys):
        raise ValueError("its `keys` is not a list of keys")
    pairs = [one for one in keys if one.get("kty") in ("RSA", "EC", "OKP")]
    return tuple({name: value for name, value in one.items() if name not in _PRIVATE} for one in pairs)


def _from_file(path: Path) -> Keys:
    try:
        return public(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ProjectError(
            f"The keys in {path} cannot be read: {error}.", hint="serve.auth.jwt.jwks names a JSON Web Key Set"
        ) from error


def _kept(path: Path, url: str) -> Kept | None:
    try:
        found = loads(path.read_bytes(), Kept)
    except (OSError, msgspec.MsgspecError):
        return None
    return found if found.url == url else None


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if not newurl.startswith("https://"):
            raise OSError(f"it leads to {newurl}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _fetched(url: str) -> bytes:
    opener = urllib.request.build_opener(_HttpsOnly)
    with opener.open(url, timeout=WITHIN) as answer:
        content: bytes = answer.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise ValueError("it is too large")
    return content
