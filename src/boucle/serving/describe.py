"""What the data plane says of itself: protocol metadata, OpenAPI made from the signatures, a page to read it on."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from typing import Any

from boucle.core.signature import Field, Signature
from boucle.serving.engine import Snapshot
from boucle.serving.protocols.v2 import datatype
from boucle.serving.router import Served
from boucle.serving.versions import LoadedVersion

_TYPES = {"float64": "number", "int64": "integer", "bool": "boolean", "string": "string", "datetime": "string"}
_EXAMPLES: Mapping[str, Any] = {
    "float64": 1.5, "int64": 1, "bool": True, "string": "text", "datetime": "2024-05-01T12:00:00"
}  # fmt: skip
_OTHER_WAYS = {
    "/v2/models/{}/infer": "V2 tensors (Open Inference Protocol)",
    "/v1/models/{}:predict": "V1 instances (KServe)",
}
_TELLING = {
    "/livez": "the process lives",
    "/readyz": "everything released can answer",
    "/version": "the version of Boucle",
    "/metrics": "numbers for Prometheus",
    "/v2": "the server, as the Open Inference Protocol describes it",
    "/v2/health/live": "the process lives",
    "/v2/health/ready": "everything released can answer",
}
_ERROR = {
    "description": "what is wrong: error, code and field",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}


def boucle_version() -> str:
    try:
        return installed("boucle")
    except PackageNotFoundError:  # run from a source tree
        return "unknown"


def server() -> dict[str, Any]:
    """Describe the server, as the Open Inference Protocol asks."""
    return {"name": "boucle", "version": boucle_version(), "extensions": ["binary_tensor_data"]}


def model(version: LoadedVersion, versions: list[int]) -> dict[str, Any]:
    """Describe a model's tensors, as the Open Inference Protocol asks."""
    signature = version.info.signature
    return {
        "name": version.model,
        "versions": [str(number) for number in versions],
        "platform": f"boucle_{version.info.runtime}",
        "inputs": [_tensor(field) for field in signature.inputs],
        "outputs": [_tensor(field) for field in signature.outputs],
    }


def up(served: Served[LoadedVersion], version: int | None = None) -> bool:
    """Say whether a model, or one version of it, answers now."""
    there = served.champion is not None if version is None else version in served.versions
    return there and served.route.enabled


def _tensor(field: Field) -> dict[str, Any]:
    return {"name": field.name, "datatype": datatype(field), "shape": [-1, *field.shape]}


def openapi(snapshot: Snapshot) -> dict[str, Any]:
    """Return the OpenAPI 3.1 description of everything that can be asked now."""
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {"Error": _error_schema(), "Feedback": _feedback_schema()}
    for name, served in snapshot.served.items():
        if served.champion is None:
            continue
        signature = served.champion.info.signature
        schemas[f"{name}.Row"] = row_schema(signature)
        schemas[f"{name}.Answer"] = _answer_schema(signature)
        paths[f"/predict/{name}"] = {"post": _predict(name, signature)}
        for path, summary in _OTHER_WAYS.items():
            operation = _operation(f"Ask {name}: {summary}", None, None, f"{summary.split()[0].lower()}_{name}")
            paths[path.format(name)] = {"post": operation}
    paths["/invocations"] = {"post": _operation("Ask the only model, as MLflow does", None, None, "invocations")}
    paths["/feedback"] = {"post": _operation("Say what was right", "#/components/schemas/Feedback", None, "feedback")}
    for path, summary in _TELLING.items():
        responses = {"200": {"description": summary}}
        paths[path] = {"get": {"summary": summary, "operationId": path[1:].replace("/", "_"), "responses": responses}}
    info = {"title": "Boucle: models", "version": boucle_version()}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"schemas": schemas}}


def row_schema(signature: Signature) -> dict[str, Any]:
    """Return the JSON schema of one row."""
    return {
        "type": "object",
        "properties": {field.name: _property(field) for field in signature.inputs},
        "required": [field.name for field in signature.inputs if not field.optional],
        "additionalProperties": False,
    }


def example(signature: Signature) -> dict[str, Any]:
    """Return a row that would be answered."""
    row: dict[str, Any] = {}
    for field in signature.inputs:
        value = field.categories[0] if field.categories else _EXAMPLES[field.dtype]
        if not field.categories and field.minimum is not None and field.numeric:
            value = type(value)(field.minimum if field.maximum is None else (field.minimum + field.maximum) / 2)
        row[field.name] = value
    return row


def _property(field: Field) -> dict[str, Any]:
    kind = _TYPES[field.dtype]
    found: dict[str, Any] = {"type": [kind, "null"] if field.optional else kind}
    if field.dtype == "datetime":
        found["format"] = "date-time"
    if field.minimum is not None or field.maximum is not None:
        found["description"] = f"usually from {field.minimum} to {field.maximum}"
    if field.categories:
        found["examples"] = list(field.categories[:20])
    return found


def _predict(name: str, signature: Signature) -> dict[str, Any]:
    operation = _operation(
        f"Ask {name}", f"#/components/schemas/{name}.Row", f"#/components/schemas/{name}.Answer", f"predict_{name}"
    )
    row = operation["requestBody"]["content"]["application/json"]["schema"]
    content = operation["requestBody"]["content"]["application/json"]
    content["schema"] = {"oneOf": [row, {"type": "array", "items": row}]}
    content["example"] = example(signature)
    operation["parameters"] = [
        {"name": header, "in": "header", "schema": {"type": "string", "maxLength": 128}, "description": text}
        for header, text in (
            ("x-request-id", "names the answer, for feedback to come"),
            ("x-routing-key", "keeps a caller on one version"),
        )
    ]
    return operation


def _operation(summary: str, body: str | None, answer: str | None, name: str) -> dict[str, Any]:
    good: dict[str, Any] = {"description": "the answer"}
    if answer:
        good["content"] = {"application/json": {"schema": {"$ref": answer}}}
    return {
        "summary": summary,
        "operationId": name,
        "requestBody": {"required": True, "content": {"application/json": {"schema": {"$ref": body} if body else {}}}},
        "responses": {"200": good, "400": _ERROR, "422": _ERROR, "503": _ERROR},
    }


def _answer_schema(signature: Signature) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "id": {"type": "string"},
        "model": {"type": "string"},
        "version": {"type": "integer"},
        "predictions": {"type": "array", "items": {"type": _TYPES[signature.prediction.dtype]}},
    }
    if signature.classes is not None:
        properties["probabilities"] = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}
        properties["labels"] = {"type": "array", "examples": [list(signature.classes)]}
    return {"type": "object", "properties": properties}


def _error_schema() -> dict[str, Any]:
    texts: dict[str, Any] = {name: {"type": "string"} for name in ("error", "code", "hint", "expected", "got")}
    return {
        "type": "object",
        "properties": texts | {"field": {"type": ["string", "null"]}, "row": {"type": "integer"}},
        "required": ["error", "code"],
    }


def _feedback_schema() -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "truth": {"description": "one value, or one per row"},
            "event": {"type": "string"},
            "value": {"type": "number"},
        },
        "required": ["id"],
    }


def docs(snapshot: Snapshot) -> str:
    """Return a page that needs nothing from elsewhere: what there is, every model's columns, and a form to try it."""
    parts = [_section(name, one.champion) for name, one in snapshot.served.items() if one.champion is not None]
    body = "".join(parts) or "<p>No model is released yet.</p>"
    routes = "".join(
        f"<tr><td>{method.upper()}<td><code>{html.escape(path)}</code><td>{html.escape(operation['summary'])}"
        for path, operations in openapi(snapshot)["paths"].items()
        for method, operation in operations.items()
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>Boucle: models</title><style>{_STYLE}</style><h1>Models</h1>{body}"
        f"<h2>Routes</h2><table>{routes}</table>"
        f"<p>All of it: <a href='openapi.json'>openapi.json</a></p><script>{_SCRIPT}</script></html>"
    )


def _section(name: str, version: LoadedVersion) -> str:
    signature, shown = version.info.signature, html.escape(name)
    rows = "".join(
        f"<tr><td>{html.escape(field.name)}<td>{field.dtype}<td>{'may be missing' if field.optional else ''}"
        for field in signature.inputs
    )
    row = html.escape(json.dumps(example(signature), ensure_ascii=False, indent=1))
    return (
        f"<h2>{shown} <small>version {version.number}</small></h2><table><tr><th>column<th>type<th>{rows}</table>"
        f"<form data-path='predict/{shown}'><textarea rows=8 aria-label='a row for {shown}'>{row}</textarea>"
        f"<button>POST /predict/{shown}</button><pre hidden></pre></form>"
    )


_STYLE = """
body{font:16px/1.5 system-ui;max-width:56rem;margin:2rem auto;padding:0 1rem}
td,th{text-align:left;padding:.2rem 1rem .2rem 0;border-bottom:1px solid #8884}
textarea{width:100%;font:14px monospace;margin-top:1rem}pre{background:#8882;padding:1rem;overflow:auto}
"""
_SCRIPT = """
for (const form of document.forms) form.onsubmit = async event => {
  event.preventDefault();
  const shown = form.querySelector("pre"), body = form.querySelector("textarea").value;
  shown.hidden = false;
  try {
    const headers = {"content-type": "application/json"};
    const answer = await fetch(form.dataset.path, {method: "POST", body, headers});
    shown.textContent = answer.status + " " + JSON.stringify(await answer.json(), null, 1);
  } catch (error) { shown.textContent = String(error); }
};
"""
