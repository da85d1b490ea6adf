"""``python -m boucle.serving.worker OPTIONS``: the data plane as one process, or several that share a socket.

OPTIONS is ServeOptions as JSON. ``address.json`` is there from the moment the released models answer until the end.
The exit code is 0 after SIGTERM, 2 when it cannot begin.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import socket
import sys
import threading
from types import FrameType

import msgspec
import uvicorn

from boucle.core.errors import BoucleError, Conflict
from boucle.core.json import loads
from boucle.formats.files import write_atomic
from boucle.serving.app import App
from boucle.serving.metrics import clear
from boucle.serving.options import ServeOptions
from boucle.serving.plane import Plane, assemble
from boucle.serving.pool import Pool
from boucle.serving.wire import Turn, protocol

BACKLOG = 2048
DRAIN = 30
MISUSE = 2
NAME = "worker"
log = logging.getLogger("boucle.serving")


class _Server(uvicorn.Server):
    """Fails readiness at the first signal, and goes on answering for ``grace`` seconds before it drains."""

    def __init__(self, config: uvicorn.Config, app: App, turn: Turn, grace: float) -> None:
        super().__init__(config)
        self._app = app
        self._turn = turn
        self._grace = grace

    async def on_tick(self, counter: int) -> bool:
        """Look after the connections, a few times a second; uvicorn calls this ten times a second."""
        if counter % 3 == 0:
            self._turn.sweep(self.server_state.connections)
        return await super().on_tick(counter)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal; unlike uvicorn's own this does not raise it again, so that the exit code is 0."""
        first, self._app.draining = not self._app.draining, True
        if first and self._grace > 0:
            timer = threading.Timer(self._grace, self._end)
            timer.daemon = True
            timer.start()
        else:
            self._end()

    def _end(self) -> None:
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """Bind and listen; raises Conflict naming the port when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise Conflict(
            f"The data plane cannot listen on {host}:{port}: {error.strerror or error}.",
            hint="choose another with --port or serve.port",
        ) from error
    return sock


def serve(options: ServeOptions) -> int:
    """Listen and answer until SIGTERM; returns the exit code."""
    try:
        sock = listen(options.host, options.port)
        options.metrics.mkdir(parents=True, exist_ok=True)
        options.address.unlink(missing_ok=True)
    except (BoucleError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return MISUSE
    clear(options.metrics, NAME)
    try:
        return Pool(options, sock).run() if options.workers > 1 else run_alone(options, sock)
    finally:
        options.address.unlink(missing_ok=True)


def run_alone(options: ServeOptions, sock: socket.socket) -> int:
    """Answer on ``sock`` as the only process: while it loads it says that it lives and is not ready."""
    plane = assemble(options, NAME)
    loading = threading.Thread(target=_load, args=(plane, sock), name="first load", daemon=True)
    loading.start()
    server(App(plane), options.grace).run(sockets=[sock])
    loading.join(DRAIN)
    plane.close()
    return 0


def run_member(options: ServeOptions, sock: socket.socket) -> int:
    """Answer on a socket that is shared: until it has loaded, this process leaves the requests to the others."""
    plane = assemble(options, NAME)
    _load(plane, sock)
    server(App(plane), options.grace).run(sockets=[sock])
    plane.close()
    return 0


def server(app: App, grace: float = 0.0) -> uvicorn.Server:
    """Return the HTTP server of an application; at a signal it answers what is under way first."""
    turn = Turn(app.plane)
    config = uvicorn.Config(
        app,
        http=protocol(turn) if app.plane.options.quick else "httptools",  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN,
    )
    return _Server(config, app, turn, grace)


def _load(plane: Plane, sock: socket.socket) -> None:
    """Load what is released, then say where it answers."""
    try:
        plane.engine.start()
        gc.collect()
        gc.freeze()  # the models stay: later collections need not look at them
        _announce(plane.options, sock)
    except Exception:  # told here, or nobody would know why nothing is ever ready
        log.exception("the data plane could not begin")


def _announce(options: ServeOptions, sock: socket.socket) -> None:
    host, port = sock.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    write_atomic(options.address, json.dumps({"url": url, "pid": os.getpid()}).encode())


def _follow_parent() -> None:
    """End when the supervisor is gone: it holds the other end of standard input."""
    os.read(0, 1)
    os.kill(os.getpid(), 15)


def main(arguments: list[str]) -> int:
    """Run as told on the command line: the options, and for a member of a pool the socket's descriptor."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        options = loads(arguments[0], ServeOptions)
    except (IndexError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"error: the options are not those of the data plane: {error}\n")
        return MISUSE
    if len(arguments) == 1:
        return serve(options)
    threading.Thread(target=_follow_parent, name="parent", daemon=True).start()
    return run_member(options, socket.socket(fileno=int(arguments[1])))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
