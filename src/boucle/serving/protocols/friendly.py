"""``POST /predict/{model}``: one object, a list of objects, or ``{"inputs": …}``; CSV as well."""

from __future__ import annotations

from typing import Any

from boucle.core.signature import Batch
from boucle.serving.codec import TableReader, malformed, parse
from boucle.serving.messages import Answer, Asked, Encoded, Raw, to_json


def decode(raw: Raw, reader: TableReader) -> Asked:
    if raw.csv:
        return Asked(reader.csv(raw.body))
    return Asked(table(parse(raw.body), reader))


def table(data: Any, reader: TableReader) -> Batch:
    """Read whatever a person would send: records, columns, or rows in the signature's order."""
    if type(data) is dict:
        if data.keys() == {"inputs"} and (
            type(data["inputs"]) in (list, dict) or "inputs" not in reader.signature.names
        ):
            return table(data["inputs"], reader)
        if data and all(type(value) is list for value in data.values()):
            return reader.columns(data)
        return reader.records([data])
    if type(data) is list:
        return reader.rows(data) if data and type(data[0]) is list else reader.records(data)
    raise malformed("The body is neither an object of columns nor a list of such objects.")


def encode(asked: Asked, answer: Answer) -> Encoded:
    return to_json(summary(answer))


def summary(answer: Answer) -> dict[str, Any]:
    """Return the answer as JSON values."""
    data: dict[str, Any] = {
        "id": answer.id,
        "model": answer.model,
        "version": answer.version,
        "predictions": answer.predictions,
    }
    if answer.probabilities is not None:
        data["probabilities"] = answer.probabilities
        data["labels"] = list(answer.labels or ())
    return data
