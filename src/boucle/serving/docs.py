"""The page to read the description on and to try it: Swagger UI out of the package, so that it works offline."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.resources import files

from boucle.serving.http import Headers, Response

HTML, SCRIPT, STYLE = b"text/html; charset=utf-8", b"text/javascript; charset=utf-8", b"text/css; charset=utf-8"
_FILES = {
    "/docs": ("docs.html", HTML),
    "/docs/docs.js": ("docs.js", SCRIPT),
    "/docs/swagger-ui-bundle.js": ("swagger-ui-bundle.js.gz", SCRIPT),
    "/docs/swagger-ui.css": ("swagger-ui.css.gz", STYLE),
}
_YEAR = b"public, max-age=31536000, immutable"
_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    b"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def docs(path: str, accepts: bytes = b"") -> Response | None:
    """Return the page or a part of it; None for another path. ``accepts`` is the header ``Accept-Encoding``."""
    if path not in _FILES:
        return None
    name, kind = _FILES[path]
    body = _body(name)
    headers: Headers = [(b"x-content-type-options", b"nosniff")]
    if kind == HTML:
        headers += [(b"content-security-policy", _POLICY), (b"cache-control", b"no-cache")]
    elif name.endswith(".gz"):
        headers += [(b"cache-control", _YEAR), (b"vary", b"accept-encoding")]
        if b"gzip" in accepts:
            headers.append((b"content-encoding", b"gzip"))
        else:
            body = gzip.decompress(body)
    return Response(200, body, kind, headers)


@cache
def _body(name: str) -> bytes:
    return files("boucle.serving").joinpath("static", name).read_bytes()
