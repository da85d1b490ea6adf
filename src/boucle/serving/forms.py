"""Forms as browsers and ``curl -F`` send them (multipart/form-data, RFC 7578): named parts, some of them files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from boucle.core.errors import RequestError

MOST_PARTS = 1024
_BOUNDARY = re.compile(rb"""boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))""", re.IGNORECASE)
_NAME = re.compile(rb'[;\s]name="((?:[^"\\]|\\.)*)"', re.IGNORECASE)
_FILE = re.compile(rb"[;\s]filename\*?=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form; ``file`` says that it was uploaded as one."""

    name: str
    body: bytes
    file: bool


def parts_of(body: bytes, content_type: bytes) -> list[Part]:
    """Return the parts of a form in their order; raises RequestError for one that is broken or cut short."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise _broken("its content-type names no boundary")
    mark = b"--" + (found[1] or found[2])
    parts = [_part(piece) for piece in _pieces(body, mark)]
    if not parts:
        raise _broken("it has no parts")
    return parts


def _pieces(body: bytes, mark: bytes) -> Iterator[bytes]:
    """Yield what stands between the boundaries."""
    if body.startswith(mark):
        place = len(mark)
    else:
        start = body.find(b"\r\n" + mark)
        if start < 0:
            raise _broken("its boundary is not in it")
        place = start + 2 + len(mark)
    for _ in range(MOST_PARTS + 1):
        if body[place : place + 2] == b"--":
            return
        line = body.find(b"\r\n", place)
        end = body.find(b"\r\n" + mark, place)
        if line < 0 or end < line:
            raise _broken("it is cut short")
        yield body[line + 2 : end]
        place = end + 2 + len(mark)
    raise _broken(f"it has more than {MOST_PARTS} parts")


def _part(piece: bytes) -> Part:
    head, parted, body = piece.partition(b"\r\n\r\n")
    name = _NAME.search(head)
    if not parted or name is None:
        raise _broken("a part has no name")
    try:
        told = re.sub(rb"\\(.)", rb"\1", name[1]).decode()
    except UnicodeDecodeError:
        raise _broken("the name of a part is not UTF-8") from None
    return Part(told, body, _FILE.search(head) is not None)


def _broken(why: str) -> RequestError:
    return RequestError(f"The form cannot be read: {why}.", hint="curl -F FIELD=@FILE makes one", code="malformed")
