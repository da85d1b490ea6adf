"""Where an archive is: a folder, or a bucket. Files appear there whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pyarrow import ArrowException, fs

from boucle.core.errors import StoreError

TEMPORARY = ".writing-"


class Place:
    """A folder on this machine or elsewhere. Paths are below it, with ``/``."""

    def __init__(self, uri: str | None, directory: Path) -> None:
        self.local = uri is None or "://" not in uri or uri.startswith("file://")
        if self.local:
            self._folder = directory / (uri or "").removeprefix("file://")
            self.files: Any = fs.LocalFileSystem()
            self.root = str(self._folder)
        else:
            self.files, self.root = _remote(str(uri))

    def put(self, path: str, data: Any) -> None:
        """Write a file, in place of one of the same path; it lasts when this returns. Raises OSError."""
        if self.local:
            _put_local(self._folder / path, data)
            return
        with self.files.open_output_stream(f"{self.root}/{path}") as out:  # an object appears when it is closed
            out.write(data)

    def listing(self, folder: str) -> list[tuple[str, int]]:
        """Return (path, bytes) of the files below a folder. Raises OSError."""
        found = self.files.get_file_info(fs.FileSelector(f"{self.root}/{folder}", allow_not_found=True, recursive=True))
        start = len(self.root) + 1
        return [(info.path[start:], info.size or 0) for info in found if info.type == fs.FileType.File]

    def remove(self, path: str) -> None:
        """Remove a file and the folder it leaves empty; one that is gone does no harm. Raises OSError."""
        try:
            self.files.delete_file(f"{self.root}/{path}")
            if self.local:
                (self._folder / path).parent.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            if not self.local or (self._folder / path).exists():
                raise


def _put_local(path: Path, data: Any) -> None:
    """Write beside the path, fsync, rename over it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{TEMPORARY}{secrets.token_hex(4)}")
    try:
        with fresh.open("xb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _bucket(uri: str) -> tuple[Any, str]:
    """Open s3://, at the address the environment gives as every AWS tool reads it; pyarrow does not read it itself."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    if endpoint is None:
        return fs.FileSystem.from_uri(uri)
    at, parts = urlsplit(endpoint), urlsplit(uri)
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    files = fs.S3FileSystem(endpoint_override=at.netloc, scheme=at.scheme or "https", region=region or "us-east-1")
    return files, parts.netloc + parts.path


def _remote(uri: str) -> tuple[Any, str]:
    parts = urlsplit(uri)
    if "@" in parts.netloc:
        raise StoreError(
            f"The address of the archive ({parts.scheme}://…) holds credentials.",
            hint="leave them out: they are taken from the environment, as AWS_ACCESS_KEY_ID or a profile",
        )
    try:
        files, root = _bucket(uri) if parts.scheme == "s3" else fs.FileSystem.from_uri(uri)
    except (ArrowException, OSError, ValueError) as error:
        raise StoreError(
            f"The archive {uri} cannot be used: {error}.", hint="write for example s3://bucket/prefix"
        ) from error
    return files, root.rstrip("/")
