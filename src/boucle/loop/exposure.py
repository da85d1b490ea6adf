"""Who could reach a plane, and what has to hold before others can."""

from __future__ import annotations

import ipaddress
import ssl
from importlib.util import find_spec

from boucle.core.errors import MissingExtra, ProjectError
from boucle.loop.project import Project
from boucle.project.answering import Serve


def is_loopback(host: str) -> bool:
    """Say whether only this machine can connect to ``host``. A name other than ``localhost`` counts as reachable."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_guarded(serve: Serve) -> bool:
    """Say whether a plane may be reached by others: they are asked who they are, or somebody wants it otherwise."""
    return serve.auth.on or serve.insecure


def check(project: Project, host: str, insecure: bool = False) -> None:
    """Refuse to listen where anybody could call; raises ProjectError, and MissingExtra when tokens need a package."""
    serve = project.settings.serve
    if not (is_loopback(host) or insecure or is_guarded(serve)):
        raise ProjectError(
            f"On {host} anybody who can reach this machine could call, and change what is released.",
            hint="set serve.auth.required to true and make keys with: boucle keys add NAME --role viewer; "
            "or listen on 127.0.0.1; or, in a closed network, say --insecure",
            host=host,
        )
    if serve.auth.jwt is not None and serve.auth.on and find_spec("joserfc") is None:
        raise MissingExtra.of("joserfc", "jwt")
    tls_files(project)


def tls_files(project: Project) -> tuple[str, str] | None:
    """Return the files of certificate and key, None without TLS; raises ProjectError when they cannot be used."""
    tls = project.settings.serve.tls
    if tls is None:
        return None
    certificate, key = (str(project.directory / name) for name in (tls.certificate, tls.key))
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ValueError) as error:  # SSLError is an OSError
        why = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ProjectError(
            f"The certificate {certificate} with the key {key} cannot be used: {why}.",
            hint="serve.tls names two files in PEM form that belong together",
        ) from error
    return certificate, key


def _no_password() -> str:
    raise ValueError("the key has a password")
