"""``python -m boucle.api.server``: the control plane as a process of its own."""

from __future__ import annotations

import argparse
import gc
import json
import os
import socket
import sys

import uvicorn
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

from boucle import plugins
from boucle.api.app import create_app
from boucle.core.errors import BoucleError, Conflict, MissingExtra
from boucle.formats.files import write_atomic
from boucle.loop import access, exposure
from boucle.loop.project import Project

BACKLOG = 256
POLITE = 5
"""How far the control plane stands back for the data plane, in steps of niceness: who asks goes before who looks."""
_SELDOM = (2_000, 15, 15)
"""When garbage is looked for: open pages are many lasting objects, and a look at all of them takes 0.1 s with fifty."""
_TURN = 0.001
"""Seconds after which a thread that reads lets the loop that sends go on."""


def listen(host: str, port: int) -> socket.socket:
    """Bind and listen; raises Conflict when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise Conflict(
            f"The control plane cannot listen on {host}:{port}: {error.strerror}.",
            hint="choose another with --control-port or serve.control_port",
        ) from error
    return sock


def add_console(app: FastAPI, project: Project) -> bool:
    """Mount the console in the browser and return True; without its extra the root says how to get it."""
    try:
        install = plugins.load("consoles", "nicegui")
    except MissingExtra as missing:
        told = f"The control plane of {project.name} answers under /api.\nThe console in the browser: {missing.hint}\n"

        @app.get("/", include_in_schema=False, response_class=PlainTextResponse)
        def root() -> str:
            return told

        return False
    install(app, project)
    return True


def main() -> int:
    """Serve until SIGTERM; the address is in ``serving/control.json`` once connections are taken."""
    parser = argparse.ArgumentParser(prog="boucle.api.server")
    parser.add_argument("--project", required=True)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument("--insecure", action="store_true")
    arguments = parser.parse_args()
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    try:
        project = Project.open(arguments.project, actor="local")
        exposure.check(project, arguments.host, arguments.insecure)
        certificate, key = exposure.tls_files(project) or (None, None)
        project.prepare()
        access.publish(project)
        sock = listen(arguments.host, arguments.port)
        app = create_app(project, insecure=arguments.insecure)
        console = add_console(app, project)
    except BoucleError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    host, port = sock.getsockname()[:2]
    scheme = "https" if certificate else "http"
    url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
    address = {"url": url, "pid": os.getpid(), "console": console}
    write_atomic(project.root / "serving" / "control.json", json.dumps(address).encode())
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws_per_message_deflate=False,  # messages are small, and each open page would keep 300 kB to pack them
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    if sys.platform != "win32":
        os.nice(POLITE)
    gc.collect()
    gc.freeze()  # what was imported stays: to walk through it for garbage keeps all pages waiting a quarter of a second
    gc.set_threshold(*_SELDOM)
    sys.setswitchinterval(_TURN)
    uvicorn.Server(config).run(sockets=[sock])
    return 0


if __name__ == "__main__":
    sys.exit(main())
