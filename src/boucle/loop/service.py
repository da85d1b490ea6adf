"""The processes of a running project: data plane, control plane, keeper."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from boucle.core.errors import StoreError
from boucle.core.json import dumps
from boucle.loop.project import Project
from boucle.loop.supervisor import Service
from boucle.project.settings import seconds
from boucle.serving.options import ServeOptions

READY_WITHIN = 120.0
_FILES = ("address.json", "control.json")


def publish(project: Project) -> None:
    """Bring the route table up to the release state before anything is served."""
    project.prepare()
    project.delivery.reconcile()


def data_plane(project: Project, host: str | None, port: int | None, workers: int | None) -> Service:
    """Return the data plane's command line: it is given its settings, and never reads the project file."""
    serve = project.settings.serve
    options = ServeOptions(
        state=str(project.root),
        host=host or serve.host,
        port=serve.port if port is None else port,
        workers=workers or serve.workers,
        max_body=serve.max_body,
        max_rows=serve.max_rows,
        queue_rows=serve.queue_rows,
        deadline=seconds(serve.deadline),
        routing_key=serve.routing_key,
        refuse=tuple(serve.refuse),
    )
    return Service("data plane", ("-m", "boucle.serving.worker", dumps(options).decode()))


def control_plane(project: Project, host: str | None, port: int | None) -> Service:
    serve = project.settings.serve
    chosen = serve.control_port if port is None else port
    where = ("--project", str(project.directory), "--host", host or serve.host, "--port", str(chosen))
    return Service("control plane", ("-m", "boucle.api.server", *where))


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
        url = address(project.root / "serving" / name, READY_WITHIN)
        if url is not None:
            say(f"{words[name]:<13} {url}")


def address(path: Path, within: float) -> str | None:
    """Wait for an address file whose service is ready, and return its URL; None when that does not come in time."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            url = str(json.loads(path.read_bytes())["url"])
            if is_ready(url):
                return url
        except (FileNotFoundError, OSError):
            pass
        except (ValueError, KeyError) as error:
            raise StoreError(f"{path} cannot be read: {error}.") from error
        time.sleep(0.05)
    return None


def is_ready(url: str) -> bool:
    """Ask a service whether it can answer; raises OSError when nobody is there."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except http.client.HTTPException as error:
        raise OSError(str(error)) from error
    finally:
        connection.close()
