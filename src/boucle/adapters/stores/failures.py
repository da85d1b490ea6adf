"""Turn what a database says into StoreError: what happened, where (passwords masked) and what to do now."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from boucle.core.errors import StoreError

_SQLITE = {
    sqlite3.SQLITE_BUSY: ("is locked by another process", "wait for it to end, then do this again"),
    sqlite3.SQLITE_LOCKED: ("is locked by another process", "wait for it to end, then do this again"),
    sqlite3.SQLITE_FULL: ("cannot grow: the disk is full", "make room and do this again; what was kept is whole"),
    sqlite3.SQLITE_READONLY: ("is read-only", "check who may write the file and its folder"),
    sqlite3.SQLITE_CANTOPEN: ("cannot be opened", "check that it is a file and who may write its folder"),
    sqlite3.SQLITE_PERM: ("may not be opened", "check who may read and write it"),
    sqlite3.SQLITE_CORRUPT: ("is damaged", "bring back a copy, or move the file away to begin anew"),
    sqlite3.SQLITE_NOTADB: ("is not a database", "bring back a copy, or move the file away to begin anew"),
    sqlite3.SQLITE_IOERR: ("cannot be read or written", "check the disk: space left, quota, file size limit"),
}
_POSTGRES = {
    "55P03": ("is locked by another process", "wait for it to end, then do this again"),
    "40P01": ("is locked by another process", "do this again"),
    "53100": ("cannot grow: the server's disk is full", "make room there and do this again"),
    "25006": ("is read-only", "use the primary server, not a replica"),
    "42501": ("may not be used", "grant this user the rights to create and write tables"),
    "28P01": ("refuses the password", "check store.url"),
    "28000": ("refuses this user", "check store.url"),
    "3D000": ("does not exist", "create it: createdb NAME"),
    "XX001": ("is damaged", "bring back a copy"),
}
_OTHER = ("cannot be used", "boucle check says more")


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Raise StoreError for any error of the database at ``place`` inside the block."""
    try:
        yield
    except exc.DBAPIError as error:
        raise _told(place, error.orig or error) from error
    except (exc.SQLAlchemyError, sqlite3.Error) as error:
        raise _told(place, error) from error


def _told(place: str, error: BaseException) -> StoreError:
    said, hint = _kind(error)
    detail = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return StoreError(f"The state in {place} {said} ({detail}).", hint=hint, place=place)


def _kind(error: BaseException) -> tuple[str, str]:
    if isinstance(error, sqlite3.Error):
        # The low byte is the kind of error, the rest its variety.
        return _SQLITE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, _OTHER)
    state = getattr(error, "sqlstate", None)
    if state in _POSTGRES:
        return _POSTGRES[state]
    if type(error).__name__ in ("OperationalError", "ConnectionTimeout") and (not state or state[:2] in ("08", "57")):
        return "cannot be reached", "check that the server runs and that store.url is right"
    return _OTHER
