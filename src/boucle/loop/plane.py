"""What the project file says about serving, as the data plane takes it; kept beside the routes for embedded models."""

from __future__ import annotations

from pathlib import Path

from boucle.core.json import dumps
from boucle.formats.files import write_atomic
from boucle.project.settings import Settings
from boucle.project.values import bytes_of, seconds
from boucle.serving.options import ServeOptions


def serve_options(settings: Settings, directory: Path, root: Path) -> ServeOptions:
    """Return the options of the data plane of the project in ``directory``, over the state directory ``root``."""
    serve = settings.serve
    return ServeOptions(
        state=str(root),
        host=serve.host,
        port=serve.port,
        grpc_port=serve.grpc_port,
        workers=serve.workers,
        max_body=serve.max_body,
        max_rows=serve.max_rows,
        max_characters=serve.max_characters,
        max_image=bytes_of(serve.max_image),
        max_pixels=serve.max_pixels,
        texts=serve.capture.texts,
        images=serve.capture.images,
        queue_rows=serve.queue_rows,
        deadline=seconds(serve.deadline),
        max_wait=longest_wait(settings),
        memory=bytes_of(serve.memory) if serve.memory else 0,
        routing_key=serve.routing_key,
        refuse=tuple(serve.refuse),
        guarded=serve.auth.on,
        max_disk=bytes_of(serve.capture.max_disk),
        captured=tuple(map(str, on_disk(settings, directory, root))),
    )


def archive_at(settings: Settings, directory: Path) -> str | None:
    """Return where the archive is: a URI, a whole path, or None for the state directory."""
    place = settings.serve.capture.archive
    return place if place is None or "://" in place else str(directory / place)


def on_disk(settings: Settings, directory: Path, root: Path) -> list[Path]:
    """Return the folders of captured data on this machine's disk."""
    place, options = archive_at(settings, directory), ServeOptions(str(root))
    own = [options.segments, options.pictures]
    if place is not None and "://" in place:
        return own
    base = root if place is None else Path(place)
    return [*own, base / "observations", base / "feedback"]


def publish(settings: Settings, directory: Path, root: Path) -> None:
    """Write the options where an embedded model finds them, if they have changed."""
    options = serve_options(settings, directory, root)
    written = dumps(options)
    if not options.published.exists() or options.published.read_bytes() != written:
        options.published.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(options.published, written)


def longest_wait(settings: Settings) -> float | None:
    """Return the seconds a request may wait for a slow model: what is promised, else None, by the model's own time."""
    serve, promised = settings.serve, settings.monitor.slo.latency_p99_ms
    if serve.max_wait is not None:
        return seconds(serve.max_wait)
    return None if promised is None else promised / 1000
