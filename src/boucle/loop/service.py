"""The processes of a running project: data plane, control plane, keeper."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from boucle.core.errors import StoreError
from boucle.core.json import dumps
from boucle.loop import access, exposure
from boucle.loop.plane import serve_options
from boucle.loop.project import Project
from boucle.loop.supervisor import Service

READY_WITHIN = 120.0
_FILES = ("address.json", "control.json")


def publish(project: Project) -> None:
    """Bring what the data plane reads, routes and access, up to the state before anything is served."""
    project.prepare()
    access.publish(project, fetch=True)
    project.delivery.reconcile()


def data_plane(
    project: Project, host: str | None, port: int | None, workers: int | None, insecure: bool = False
) -> Service:
    """Return the data plane's command line: it is given its settings, and never reads the project file.

    Raises ProjectError for an address where anybody could call; ``insecure`` allows it.
    """
    serve = project.settings.serve
    exposure.check(project, host or serve.host, insecure)
    certificate, key = exposure.tls_files(project) or (None, None)
    options = replace(
        serve_options(project.settings, project.directory, project.root),
        host=host or serve.host,
        port=serve.port if port is None else port,
        workers=workers or serve.workers,
        tls_certificate=certificate,
        tls_key=key,
    )
    return Service("data plane", ("-m", "boucle.serving.worker", dumps(options).decode()))


def control_plane(project: Project, host: str | None, port: int | None, insecure: bool = False) -> Service:
    serve = project.settings.serve
    exposure.check(project, host or serve.host, insecure)
    chosen = serve.control_port if port is None else port
    where = ("--project", str(project.directory), "--host", host or serve.host, "--port", str(chosen))
    return Service("control plane", ("-m", "boucle.api.server", *where, *(["--insecure"] if insecure else [])))


def keeper(project: Project) -> Service:
    return Service("keeper", ("-m", "boucle", "watch", "--project", str(project.directory)))


def forget_addresses(project: Project) -> None:
    """Remove the addresses of an earlier run, so that nobody reads them as this one's."""
    for name in _FILES:
        (project.root / "serving" / name).unlink(missing_ok=True)


def announce(project: Project, say: Callable[[str], None], control: bool) -> None:
    """Say where the service answers, once it does."""
    words = {"address.json": "data plane", "control.json": "control plane"}
    for name in _FILES if control else _FILES[:1]:
        url = address(project.root / "serving" / name, READY_WITHIN, exposure.tls_files(project))
        if url is not None:
            say(f"{words[name]:<13} {url}{_beside(project.root / 'serving' / name)}")


def _beside(path: Path) -> str:
    """Say of the control plane's address that a browser finds the console there, if it does."""
    return "  (the console, in a browser)" if json.loads(path.read_bytes()).get("console") else ""


def address(path: Path, within: float, tls: tuple[str, str] | None = None) -> str | None:
    """Wait for an address file whose service is ready, and return its URL; None when that does not come in time."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            url = str(json.loads(path.read_bytes())["url"])
            if is_ready(url, tls and tls[0]):
                return url
        except (FileNotFoundError, OSError):
            pass
        except (ValueError, KeyError) as error:
            raise StoreError(f"{path} cannot be read: {error}.") from error
        time.sleep(0.05)
    return None


def is_ready(url: str, certificate: str | None = None) -> bool:
    """Ask a service whether it can answer; raises OSError when nobody is there, or somebody else is."""
    parts = urlsplit(url)
    connection = _connection(parts.hostname or "", parts.port, certificate if parts.scheme == "https" else None)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()


def _connection(host: str, port: int | None, certificate: str | None) -> http.client.HTTPConnection:
    if certificate is None:
        return http.client.HTTPConnection(host, port, timeout=5)
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False  # it is asked by its address, and known by its very certificate
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return http.client.HTTPSConnection(host, port, timeout=5, context=context)
