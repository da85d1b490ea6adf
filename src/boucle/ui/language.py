"""Which language a reader is answered in, and by which clock."""

from __future__ import annotations

from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Request

from boucle.loop.wording import Language
from boucle.ui.words.catalogue import LANGUAGES, Words

LANGUAGE_COOKIE, ZONE_COOKIE = "boucle_language", "boucle_zone"


def reads_french(request: Request) -> bool:
    """Say whether the reader wants French: by choice, else by what the browser says it reads first."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in LANGUAGES:
        return chosen == "fr"
    return request.headers.get("accept-language", "").lower().startswith("fr")


def zone_of(request: Request) -> ZoneInfo | None:
    """Return the zone of the reader's clock, as the browser has told it; None is the server's."""
    try:
        return ZoneInfo(unquote(request.cookies.get(ZONE_COOKIE, "")))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def words_of(request: Request, language: Language | None = None) -> Words:
    """Return the words for a reader: in the language of the page, else in the reader's own."""
    return Words(language or ("fr" if reads_french(request) else "en"), zone_of(request))


def inside(path: str) -> str:
    """Return ``path`` where it stays on this site, else the home page."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if plain else "/"
