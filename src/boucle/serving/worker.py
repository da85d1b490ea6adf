"""``python -m boucle.serving.worker OPTIONS``: the data plane as one process, or several that share a socket.

OPTIONS is ServeOptions as JSON. ``address.json`` is there from the moment the released models answer until the end.
The exit code is 0 after SIGTERM, 2 when it cannot begin.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from types import FrameType
from typing import Any

import msgspec
import uvicorn

from boucle.core.errors import BoucleError, Conflict, MissingExtra
from boucle.core.json import loads
from boucle.formats.files import write_atomic
from boucle.serving.app import App
from boucle.serving.metrics import clear
from boucle.serving.options import ServeOptions
from boucle.serving.plane import Plane, assemble, forked
from boucle.serving.pool import Pool
from boucle.serving.wire import Turn, protocol

BACKLOG = 2048
DRAIN = 30
MISUSE = 2
NAME = "worker"
_THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
log = logging.getLogger("boucle.serving")


class _Server(uvicorn.Server):
    """Fails readiness at the first signal, and goes on answering for ``grace`` seconds before it drains."""

    def __init__(self, config: uvicorn.Config, app: App, turn: Turn, grace: float, begun: Callable[[], None]) -> None:
        super().__init__(config)
        self._begun = begun
        self._rpc: Any = None
        self._app = app
        self._turn = turn
        self._grace = grace

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._app.plane.options.grpc_port is not None:
            # An extra, and imported behind the fork: its threads do not survive one.
            self._rpc = importlib.import_module("boucle.serving.grpc.service").Service(self._app)
            await self._rpc.start()
        self._begun()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._rpc is not None:
            await self._rpc.stop(DRAIN)
        await super().shutdown(sockets)

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


def listen(host: str, port: int, shared: bool = False, what: str = "port") -> socket.socket:
    """Bind and listen; ``shared`` sockets may have the same port. Raises Conflict naming the port when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        raise Conflict(
            f"The data plane cannot listen on {host}:{port}: {error.strerror or error}.",
            hint=f"choose another with serve.{what}" + (" or --port" if what == "port" else ""),
        ) from error
    return sock


def listen_all(host: str, port: int, workers: int) -> list[socket.socket]:
    """Return a socket per worker on one port; the kernel spreads connections over them (Linux), or they share one."""
    first = listen(host, port)  # refuses a port that others use, which a shared socket would not
    if workers == 1 or sys.platform != "linux":
        return [first] * workers
    port = first.getsockname()[1]
    first.close()
    return [listen(host, port, shared=True) for _ in range(workers)]


def with_grpc(options: ServeOptions) -> ServeOptions:
    """Return the options with the number of the port of gRPC; raises Conflict when it is taken, and MissingExtra."""
    if options.grpc_port is None:
        return options
    if missing := [name for name in ("grpc", "google") if find_spec(name) is None]:
        raise MissingExtra.of(missing[0], "grpc")
    with listen(options.host, options.grpc_port, what="grpc_port") as found:  # gRPC listens by itself, a moment later
        return replace(options, grpc_port=found.getsockname()[1])


def serve(options: ServeOptions) -> int:
    """Listen and answer until SIGTERM; returns the exit code."""
    try:
        sockets = listen_all(options.host, options.port, options.workers)
        options = with_grpc(options)
        options.metrics.mkdir(parents=True, exist_ok=True)
        options.address.unlink(missing_ok=True)
    except (BoucleError, OSError) as error:
        sys.stderr.write(f"error: {error}\n")
        return MISUSE
    clear(options.metrics, NAME)
    try:
        return run_alone(options, sockets[0]) if options.workers == 1 else run_several(options, sockets)
    finally:
        options.address.unlink(missing_ok=True)


def run_alone(options: ServeOptions, sock: socket.socket) -> int:
    """Answer on ``sock`` as the only process: while it loads it says that it lives and is not ready."""
    plane = assemble(options, NAME)
    step = announcing(options, sock)
    loading = threading.Thread(target=_load, args=(plane, step), name="first load", daemon=True)
    loading.start()
    server(App(plane), options.grace, step).run(sockets=[sock])
    loading.join(DRAIN)
    plane.close()
    return 0


def run_several(options: ServeOptions, sockets: Sequence[socket.socket]) -> int:
    """Answer with several processes, forked when the models that allow it are loaded."""
    before = assemble(options, NAME)
    before.engine.look(forking=True)
    before.capture.close()
    gc.collect()
    _trim()

    def work(sock: socket.socket) -> int:
        plane = forked(before, NAME)
        step = announcing(options, sock)
        _load(plane, step)
        server(App(plane), options.grace, step).run(sockets=[sock])
        plane.close()
        return 0

    return Pool(options, sockets, work).run()


def server(app: App, grace: float = 0.0, begun: Callable[[], None] = lambda: None) -> uvicorn.Server:
    """Return the server of an application; ``begun`` is called when it listens.

    At a signal it answers what is under way first.
    """
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
        ssl_certfile=app.plane.options.tls_certificate,
        ssl_keyfile=app.plane.options.tls_key,
    )
    return _Server(config, app, turn, grace, begun)


def announcing(options: ServeOptions, sock: socket.socket) -> Callable[[], None]:
    """Return what is called when the models are loaded and when the server listens; the second call says where."""
    first = threading.Lock()

    def step() -> None:
        if not first.acquire(blocking=False):
            _announce(options, sock)

    return step


def _trim() -> None:
    """Give back the memory that loading took for a moment, where the C library can (glibc)."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def _load(plane: Plane, loaded: Callable[[], None]) -> None:
    """Load what is released."""
    try:
        plane.engine.start()
        gc.collect()
        gc.freeze()  # the models stay: later collections need not look at them
        _trim()
        loaded()
    except Exception:  # told here, or nobody would know why nothing is ever ready
        log.exception("the data plane could not begin")


def _announce(options: ServeOptions, sock: socket.socket) -> None:
    host, port = sock.getsockname()[:2]
    scheme = "http" if options.tls_certificate is None else "https"
    host = f"[{host}]" if ":" in host else host
    told: dict[str, object] = {"url": f"{scheme}://{host}:{port}", "pid": os.getpid()}
    if options.grpc_port is not None:
        told["grpc"] = f"{host}:{options.grpc_port}"
    write_atomic(options.address, json.dumps(told).encode())


def main(arguments: list[str]) -> int:
    """Run as told on the command line: by ServeOptions as JSON."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        options = loads(arguments[0], ServeOptions)
    except (IndexError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"error: the options are not those of the data plane: {error}\n")
        return MISUSE
    if options.workers > 1 and not _THREADS.keys() <= os.environ.keys():
        # Read when NumPy is imported: the workers share the cores, and pools of threads do not survive a fork.
        again = [sys.executable, "-m", "boucle.serving.worker", *arguments]
        os.execve(sys.executable, again, {**_THREADS, **os.environ})  # noqa: S606 - this very program, by its path
    return serve(options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
