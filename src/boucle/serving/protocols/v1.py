"""``POST /v1/models/{model}:predict``, as KServe v1 and TF Serving have it."""

from __future__ import annotations

from boucle.serving.codec import TableReader, malformed, parse
from boucle.serving.messages import Answer, Asked, Encoded, Raw, to_json
from boucle.serving.protocols.mlflow import instances, listing
from boucle.serving.typed import Read, Typed


def decode(raw: Raw, reader: TableReader) -> Asked:
    data = parse(raw.body, lenient=True)
    if type(data) is not dict or "instances" not in data:
        raise malformed('The body is not an object with "instances".', 'send {"instances": [{"column": value}]}')
    return Asked(instances(data["instances"], reader))


def quick(typed: Typed) -> Read:
    """Return what reads rows of values, or objects, under ``instances``."""
    return listing(typed, "instances")


def encode(asked: Asked, answer: Answer) -> Encoded:
    return to_json({"predictions": answer.predictions})
