"""What the data plane is told: plain values, so that it needs no project file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Texts = Literal["keep", "redact", "hash", "drop"]
Images = Literal["hash", "thumbnail", "keep"]


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """Settings of one data plane. ``state`` is the ``.boucle`` directory; durations are in seconds.

    ``batch_rows`` is the most rows in one call of a model, ``queue_rows`` the most that wait for one version.
    A job is refused when it would wait longer than ``max_wait`` for a slow model; None goes by how long a call of the
    model takes, so that those who are let in are answered as promised (see ``pace``). A connection without a request is
    closed after ``idle``, one that takes longer than ``slow`` for its request or does not take its answer as well;
    ``head_bytes`` is the most a request line and its headers may have.
    ``max_characters`` is the most a text may have, ``max_image`` the most bytes of an image, ``max_pixels`` its size.
    ``texts`` says how texts are kept (keep, redact, hash or drop), ``images`` how images are (hash, thumbnail, keep).
    ``memory`` is the most bytes of models, 0 loads them all; those asked longest ago give way.
    ``max_disk`` is the most bytes that the folders ``captured`` may hold together, 0 bounds nothing.
    ``record`` false neither logs nor counts what is answered: for measuring what that costs.
    ``quick`` false leaves every request to the ASGI application.
    ``routing_key`` is the input field that keeps a caller on one version; ``refuse`` holds ``range`` and ``category``
    when values outside are refused instead of answered. ``poll`` is how often the release state is looked at,
    ``grace`` how long a worker that is to end still takes connections while its readiness already fails.
    ``grpc_port`` answers the Open Inference Protocol over gRPC as well, 0 takes a free port.
    ``tls_certificate`` and ``tls_key`` are files. With ``guarded`` credentials are required whatever ``access`` says.
    """

    state: str
    host: str = "127.0.0.1"
    port: int = 8080
    grpc_port: int | None = None
    workers: int = 1
    max_body: int = 8_388_608
    max_rows: int = 10_000
    max_characters: int = 100_000
    max_image: int = 8_388_608
    max_pixels: int = 50_000_000
    queue_rows: int = 20_000
    batch_rows: int = 1024
    deadline: float = 30.0
    max_wait: float | None = None
    idle: float = 75.0
    slow: float = 30.0
    head_bytes: int = 65_536
    quick: bool = True
    record: bool = True
    memory: int = 0
    routing_key: str | None = None
    refuse: tuple[str, ...] = ()
    segment_bytes: int = 64 * 1024 * 1024
    texts: Texts = "redact"
    images: Images = "hash"
    max_disk: int = 0
    captured: tuple[str, ...] = ()
    poll: float = 0.5
    grace: float = 0.0
    tls_certificate: str | None = None
    tls_key: str | None = None
    guarded: bool = False

    @property
    def serving(self) -> Path:
        return Path(self.state) / "serving"

    @property
    def routes(self) -> Path:
        return self.serving / "routes.json"

    @property
    def published(self) -> Path:
        return self.serving / "options.json"

    @property
    def access(self) -> Path:
        return self.serving / "access.json"

    @property
    def segments(self) -> Path:
        return self.serving / "segments"

    @property
    def pictures(self) -> Path:
        return self.serving / "pictures"

    @property
    def metrics(self) -> Path:
        return self.serving / "metrics"

    @property
    def address(self) -> Path:
        return self.serving / "address.json"
