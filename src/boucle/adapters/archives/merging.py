"""Small parts of one folder become one, which names in its own metadata what it stands for.

Whoever reads leaves out parts that another one stands for. So it does not matter when a merge is killed: before the new
part is there, the old ones count; from then on the new one does, whether the old ones are gone yet or not, and also if
one of them is written again by somebody who was killed before he could tell that he had written it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from boucle.adapters.archives.places import Place

FEWEST = 4
"""Parts of one kind in a folder from which on they are worth a merge."""
SMALL, LARGEST = 32_000_000, 64_000_000
"""Bytes of a part that is taken into another, and of all that are taken into one."""
_KEY = b"boucle_stands_for"
_MERGED = "-merged-"
Listed = tuple[str, int]


def stands_for(schema: pa.Schema) -> list[str]:
    """Return the names of the parts that a part was made of."""
    told = (schema.metadata or {}).get(_KEY)
    return [] if told is None else list(json.loads(told))


def superseded(schemas: dict[str, pa.Schema]) -> set[str]:
    """Return the paths, among those given, of parts that another part in the same folder stands for."""
    found = set()
    for path, schema in schemas.items():
        folder = path.rpartition("/")[0]
        found |= {f"{folder}/{name}" for name in stands_for(schema)}
    return found & set(schemas)


def worthwhile(listed: Sequence[Listed]) -> bool:
    """Say whether a folder may hold something to merge, or what a merge that was killed has left behind."""
    small = sum(size < SMALL for _, size in listed)
    return small >= FEWEST or (len(listed) > 1 and any(_MERGED in path for path, _ in listed))


def merge(place: Place, listed: Sequence[Listed]) -> int:
    """Merge the parts of one folder, given as (path, bytes); returns how many were taken into others."""
    schemas = {path: _schema(place, path) for path, _ in listed}
    gone = superseded(schemas)
    for path in gone:  # a merge was killed here
        place.remove(path)
    merged = 0
    for group in _groups([(path, size) for path, size in listed if path not in gone], schemas):
        _put_together(place, group, schemas)
        for path in group:
            place.remove(path)
        merged += len(group)
    return merged


def _groups(listed: Sequence[Listed], schemas: dict[str, pa.Schema]) -> Iterator[list[str]]:
    """Yield parts to put together: small ones of the very same columns, in the order of their names."""
    kinds: dict[Any, list[Listed]] = {}
    for path, size in sorted(listed):
        if size < SMALL:
            kinds.setdefault(schemas[path].remove_metadata().to_string(), []).append((path, size))
    for alike in kinds.values():
        group: list[str] = []
        room = LARGEST
        for path, size in alike:
            if size > room and len(group) >= FEWEST:
                yield group
                group, room = [], LARGEST
            group.append(path)
            room -= size
        if len(group) >= FEWEST:
            yield group


def _put_together(place: Place, paths: Sequence[str], schemas: dict[str, pa.Schema]) -> None:
    """Write one part for several, whole or not at all. It is named after them, so made again it replaces itself."""
    names = [path.rpartition("/")[2] for path in paths]
    told = sorted({*names, *(name for path in paths for name in stands_for(schemas[path]))})
    folder = paths[0].rpartition("/")[0]
    schema = schemas[paths[0]].with_metadata({_KEY: json.dumps(told).encode()})
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for path in paths:
            table = pq.read_table(f"{place.root}/{path}", filesystem=place.files, partitioning=None)
            writer.write_table(table.replace_schema_metadata(schema.metadata))
    digest = blake2b("\n".join(told).encode(), digest_size=8).hexdigest()
    first = min(names).removesuffix(".parquet").partition(_MERGED)[0]
    place.put(f"{folder}/{first}{_MERGED}{digest}.parquet", sink.getvalue())


def _schema(place: Place, path: str) -> pa.Schema:
    return pq.read_schema(f"{place.root}/{path}", filesystem=place.files)
