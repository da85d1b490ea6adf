"""Values that go before the project file.

``BOUCLE_SERVE__PORT=9000``, ``BOUCLE_STORE__URL_FILE=/run/secrets/db``, ``PORT``, and what a command line sets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from boucle.core.errors import ProjectError, suggest
from boucle.project import keys
from boucle.project.document import Document, value
from boucle.project.faults import Fault
from boucle.project.masking import Path
from boucle.project.references import read_secret

PREFIX = "BOUCLE_"
NOT_SETTINGS = frozenset({"BOUCLE_PROJECT"})
"""Variables with the prefix that the commands read themselves."""
_KUBERNETES = re.compile(
    r"BOUCLE_([A-Z0-9]+_)*(SERVICE_HOST=|SERVICE_PORT(_[A-Z0-9_]+)?=|PORT=(tcp|udp|sctp)://|PORT_\d+_(TCP|UDP|SCTP)(_[A-Z]+)?=).*"
)
"""What Kubernetes sets in every container beside a Service called boucle or boucle-something."""


@dataclass(frozen=True, slots=True)
class Override:
    """One value with its origin: the name of a variable or ``--set key``."""

    origin: str
    path: Path
    value: Any
    secret: str | None = None

    def fault(self, text: str, hint: str = "") -> Fault:
        return Fault(self.origin, 0, 0, "", text, hint)


class Refused(ValueError):
    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.text, self.hint = text, hint


def from_environment(environ: Mapping[str, str], document: Document) -> Iterator[Override]:
    """Yield an override per variable; what is refused is added to the document's faults."""
    if environ.get("PORT") and not _named(environ, f"{PREFIX}SERVE__PORT"):
        yield Override("PORT", ("serve", "port"), environ["PORT"])
    for name in sorted(environ):
        upper = name.upper()
        if not upper.startswith(PREFIX) or upper in NOT_SETTINGS:
            continue
        if "__" not in name and _KUBERNETES.fullmatch(f"{name}={environ[name]}"):
            continue
        try:
            yield _from_variable(name, environ, document.value)
        except Refused as refused:
            document.faults.append(Fault(name, 0, 0, "", refused.text, refused.hint))


def from_command(pairs: Iterable[str], document: Document) -> Iterator[Override]:
    """Yield an override per ``key.below=value`` of a command line; what is refused is added to the faults."""
    for pair in pairs:
        dotted, equals, text = pair.partition("=")
        origin = f"--set {dotted}"
        try:
            if not equals:
                raise Refused("there is no value", "write for example: --set model.seed=7")
            path = _path(dotted.split("."), document.value)
            yield Override(origin, path, _typed(path, text))
        except Refused as refused:
            document.faults.append(Fault(origin, 0, 0, "", refused.text, refused.hint))


def apply(override: Override, document: Document) -> None:
    """Put the value where it belongs; sections that are not written yet come into being."""
    tree = document.value
    for part in override.path[:-1]:
        if not isinstance(tree.get(part), dict):
            tree[part] = {}
        tree = tree[part]
    tree[override.path[-1]] = override.value
    for path in [p for p in document.references if p[: len(override.path)] == override.path]:
        del document.references[path]
    if override.secret is not None:
        document.references[override.path] = f"${{{override.origin}}}"
        document.secrets.add(override.secret)


def _from_variable(name: str, environ: Mapping[str, str], written: Any) -> Override:
    bare = name[len(PREFIX) :]
    if not bare.upper().endswith("_FILE"):
        path = _path(bare.split("__"), written, _folded)
        return Override(name, path, _typed(path, environ[name]))
    if other := _named(environ, name[: -len("_FILE")]):
        raise Refused(f"{other} is set as well", "keep one of the two")
    path = _path(bare[: -len("_FILE")].split("__"), written, _folded)
    try:
        text = read_secret(environ[name])
    except ValueError as problem:
        raise Refused(str(problem)) from None
    return Override(name, path, _typed(path, text), secret=text)


def _named(environ: Mapping[str, str], name: str) -> str | None:
    return next((one for one in environ if one.upper() == name.upper()), None)


def _path(parts: list[str], written: Any, fold: Callable[[str], str] = str) -> Path:
    """Match names without regard to case: known keys, then keys that the file holds, else what ``fold`` makes of it."""
    path: Path = ()
    for part in parts:
        here = keys.at(path)
        below = keys.known(path)
        if not below and keys.entries(here) is None and here is not Any:
            raise Refused(f"'{_joined(path)}' has no keys below it")
        held = list(written) if isinstance(written, dict) else []
        match = next((key for key in [*below, *held] if key.lower() == part.lower()), None)
        if match is None and below:
            raise Refused(
                f"there is no setting '{_joined((*path, part.lower()))}'",
                suggest(part.lower(), below) + f"known here: {', '.join(below)}",
            )
        path = (*path, match if match is not None else fold(part))
        written = written.get(path[-1]) if isinstance(written, dict) else None
    return path


def _folded(name: str) -> str:
    """Variables are written large; a free key that is meant small (a metric, a parameter) is made small."""
    return name.lower() if name.isupper() else name


def _joined(path: Path) -> str:
    return ".".join(map(str, path))


def _typed(path: Path, text: str) -> Any:
    """Read ``text`` as YAML where the setting takes the outcome, else as it stands; lines make a list."""
    annotation = keys.at(path)
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)  # type: ignore[arg-type]
    try:
        read = value(text)
        adapter.validate_python(read)
        if not isinstance(read, str):  # text is taken raw: a password may hold what YAML reads as a comment
            return read
    except (ProjectError, ValidationError):
        pass
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    takes_text = any(one in (str, int, float, bool, Any) for one in keys.members(annotation))
    return lines if keys.items(annotation) is not None and not takes_text else text
