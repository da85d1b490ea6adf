"""The OpenAPI 3.1 description of what can be asked now, made from the signatures of what is served."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from boucle.core.signature import Signature
from boucle.serving import describe, schemas
from boucle.serving.engine import Snapshot
from boucle.serving.guard import OPEN_PAGES
from boucle.serving.media import MediaLimits, only
from boucle.serving.options import ServeOptions
from boucle.serving.protocols.v2 import DATATYPES, datatype
from boucle.serving.schemas import Schema

Paths = dict[str, Schema]
_WHY = {
    400: "the body cannot be read",
    401: "no key or token, or not a valid one",
    403: "the key is limited to other models",
    404: "no such model, version or output",
    405: "the path takes another method",
    408: "the request did not arrive in time",
    413: "too many bytes or rows",
    415: "a body of another type, or compressed",
    422: "the rows break the contract",
    429: "the key's rate is used up",
    500: "the model failed on the rows",
    503: "not ready, disabled, no room, or no answer within the deadline",
}
_GUARDED = (401, 403, 429)
_POSTED = (400, 404, 405, 408, 413, 415, 422, 500, 503)
_HEADERS = {429: "retry-after", 503: "retry-after", 401: "www-authenticate", 405: "allow"}
_READY = {"200": "it can answer", "503": "it cannot, or not for long"}
_BARE = {
    "text": "Bare texts, one or a list; plain text; a form of files.",
    "image": "Image files: as the body, in a form, or as base64, one or a list. Addresses are not fetched.",
}
_CSV = {"text/csv": {"schema": {"type": "string"}, "description": "a line of column names, then the rows"}}
_SECURITY = {
    "key": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "token": {"type": "http", "scheme": "bearer"},
}


def openapi(snapshot: Snapshot, options: ServeOptions, guarded: bool = False) -> Schema:
    """Describe every path; ``guarded`` says that credentials are required."""
    paths: Paths = dict(_pages())
    components = dict(_COMPONENTS)
    for name, served in snapshot.served.items():
        paths |= _telling(name)
        if served.champion is not None:
            signature = served.champion.info.signature
            components |= _components(name, signature, served.route.fallback, options)
            paths |= _asking(name, signature, options, single=len(snapshot.served) == 1)
    paths["/feedback"] = {"post": _feedback()}
    if guarded:
        _guard(paths)
    info = {"title": "Boucle: models", "version": describe.boucle_version()}
    found: Schema = {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"schemas": components}}
    if guarded:
        found["components"]["securitySchemes"] = _SECURITY
        found["security"] = [{name: []} for name in _SECURITY]
    return found


def _components(name: str, signature: Signature, fallback: Any, options: ServeOptions) -> dict[str, Schema]:
    limits = MediaLimits(options.max_characters, options.max_image, options.max_pixels)
    alone = only(signature.inputs)
    each = [_ref(f"{name}.Row"), _ref(f"{name}.Values")]
    if alone is not None:
        each.append(schemas.value(alone, options.refuse, limits))
    return {
        f"{name}.Row": schemas.row(signature, options.refuse, limits),
        f"{name}.Values": schemas.values(signature, options.refuse, limits),
        f"{name}.Rows": {"anyOf": [schemas.several(one, options.max_rows) for one in each]},
        f"{name}.Answer": schemas.answer(signature, fallback),
        f"{name}.Predictions": schemas.predictions(signature, fallback),
    }


def _asking(name: str, signature: Signature, options: ServeOptions, single: bool) -> Paths:
    """Return the paths that ask a model; those that name none are there where it is the only one."""
    example = schemas.example(signature)
    friendly = _predict(name, signature, example, options)
    infer = _infer(name, signature, example)
    first = _operation(
        f"{name}.v1",
        f"Ask {name} as KServe v1 and TF Serving do",
        _object("instances", _ref(f"{name}.Rows")),
        f"{name}.Predictions",
        {"instances": [example]},
    )
    found: Paths = {
        f"/predict/{name}": {"post": friendly},
        f"/v2/models/{name}/infer": {"post": infer},
        f"/v2/models/{name}/versions/{{version}}/infer": {
            "post": infer | {"operationId": f"{name}.v2.version", "parameters": [*infer["parameters"], _VERSION]}
        },
        f"/v1/models/{name}:predict": {"post": first},
    }
    if single:
        found["/predict"] = {"post": friendly | {"operationId": "predict"}}
        found["/invocations"] = {"post": _invocations(name, signature, example, options.max_rows)}
    return found


def _predict(name: str, signature: Signature, example: dict[str, Any], options: ServeOptions) -> Schema:
    limits = MediaLimits(options.max_characters, options.max_image, options.max_pixels)
    rows, alone = [_ref(f"{name}.Row"), _ref(f"{name}.Rows")], only(signature.inputs)
    if alone is not None:
        rows.append(schemas.value(alone, options.refuse, limits))
    inputs = {"type": "object", "properties": {"inputs": {"anyOf": rows}}, "required": ["inputs"]}
    body = {"anyOf": [*rows, inputs | {"additionalProperties": False}]}
    found = _operation(f"{name}.predict", f"Ask {name}", body, f"{name}.Answer", example)
    found["description"] = "Rows as an object, a list of objects or of lists; columns as an object of lists; CSV."
    if alone is not None:
        found["description"] += f" {_BARE[alone.dtype]}"
    found["requestBody"]["content"] |= _CSV | schemas.media(signature, limits)
    return found


def _infer(name: str, signature: Signature, example: dict[str, Any]) -> Schema:
    kinds = {field.name: datatype(field) for field in signature.inputs}
    tensors = [{"name": key, "shape": [1], "datatype": kinds[key], "data": [value]} for key, value in example.items()]
    found = _operation(
        f"{name}.v2", f"Ask {name} in the Open Inference Protocol", _ref("Inference"), "Inferred", {"inputs": tensors}
    )
    found["description"] = (
        "Tensors may follow as bytes behind the JSON (the binary extension); then the header "
        "`Inference-Header-Content-Length` says how long the JSON is. "
        f"Datatypes are {', '.join(DATATYPES)}."
    )
    binary = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    found["responses"]["200"]["content"] |= binary
    return found


def _invocations(name: str, signature: Signature, example: dict[str, Any], most: int) -> Schema:
    rows = _ref(f"{name}.Rows")
    split = {
        "type": "object",
        "properties": {
            "columns": {"const": list(signature.names), "description": "or another order"},
            "data": schemas.several(_ref(f"{name}.Values"), most),
        },
        "required": ["columns", "data"],
    }
    records = schemas.several(_ref(f"{name}.Row"), most)
    shapes = {"dataframe_split": split, "dataframe_records": records, "instances": rows, "inputs": rows}
    body = {"oneOf": [_object(shape, schema) for shape, schema in shapes.items()]}
    found = _operation("invocations", "Ask the only model as MLflow does", body, f"{name}.Predictions",
                       {"dataframe_records": [example]})  # fmt: skip
    found["requestBody"]["content"] |= _CSV
    return found


def _feedback() -> Schema:
    body = {
        "anyOf": [
            _ref("Feedback"),
            {
                "type": "array",
                "minItems": 1,
                "contains": _ref("Feedback"),
                "description": "wrong entries are refused one by one, the others are kept",
            },
        ]
    }
    example = {"id": "bottle-1", "truth": 5}
    found = _operation("feedback", "Say what was right, or what came of it", body, "Received", example)
    del found["parameters"]
    for response in found["responses"].values():
        response["headers"].pop("x-model-version", None)
    return found


def _telling(name: str) -> Paths:
    """Return the paths that tell about a model, whether it is there yet or not."""
    prefix = f"/v2/models/{name}"
    ready = {"get": _page(f"{name}.ready", f"Whether {name} can answer", _READY, "Ready", ())}
    told = _page(f"{name}.metadata", f"Inputs, outputs and versions of {name}", {"200": "tensors"}, "Model", (503,))
    version = {"parameters": [_VERSION]}
    return {
        prefix: {"get": told},
        f"{prefix}/ready": ready,
        f"{prefix}/versions/{{version}}": version | {"get": _named(told, 400, 404)},
        f"{prefix}/versions/{{version}}/ready": version | {"get": _named(ready["get"], 400, 404)},
        f"/v1/models/{name}": {"get": ready["get"] | {"operationId": f"{name}.v1.ready"}},
    }


def _named(page: Schema, *codes: int) -> Schema:
    """Return the page about one version."""
    responses = page["responses"] | {str(code): _error(code) for code in codes}
    return page | {"operationId": f"{page['operationId']}.version", "responses": responses}


def _pages() -> Iterator[tuple[str, Schema]]:
    ready = ("/readyz", "/ping", "/health", "/v2/health/ready")
    for path in ready:
        yield path, {"get": _page(_id(path), "Whether all that is released can answer", _READY, "Ready", ())}
    for path in ("/livez", "/v2/health/live"):
        yield path, {"get": _page(_id(path), "Whether the process lives", {"200": "it does"}, "Live", ())}
    others = {
        "/healthz": ("What is served", "Health"),
        "/version": ("The version of Boucle", "Server"),
        "/v2": ("The server, as the Open Inference Protocol describes it", "Server"),
        "/v1/models": ("The names of the models", "Models"),
    }
    for path, (summary, answer) in others.items():
        yield path, {"get": _page(_id(path), summary, {"200": summary}, answer, ())}
    for path, summary, kind in (
        ("/metrics", "Numbers for Prometheus", "text/plain"),
        ("/docs", "This description as a page to try it on", "text/html"),
        ("/openapi.json", "This description", "application/json"),
    ):
        page = _page(_id(path), summary, {"200": summary}, None, ())
        page["responses"]["200"]["content"] = {kind: {"schema": {"type": ["string", "object"]}}}
        yield path, {"get": page}


def _page(name: str, summary: str, told: dict[str, str], answer: str | None, codes: tuple[int, ...]) -> Schema:
    content = {} if answer is None else {"content": {"application/json": {"schema": _ref(answer)}}}
    responses = {code: {"description": text, **content} for code, text in told.items()}
    responses |= {str(code): _error(code) for code in (*codes, 405)}
    return {"summary": summary, "operationId": name, "responses": responses}


def _operation(name: str, summary: str, body: Schema, answer: str, example: Any) -> Schema:
    good = {
        "description": "the answer",
        "headers": {key: _header(text) for key, text in _TOLD.items()},
        "content": {"application/json": {"schema": _ref(answer)}},
    }
    return {
        "summary": summary,
        "operationId": name,
        "parameters": _PARAMETERS,
        "requestBody": {"required": True, "content": {"application/json": {"schema": body, "example": example}}},
        "responses": {"200": good} | {str(code): _error(code) for code in _POSTED},
    }


def _error(code: int) -> Schema:
    found: Schema = {
        "description": _WHY[code],
        "headers": {"x-request-id": _header(_TOLD["x-request-id"])},
        "content": {"application/json": {"schema": _ref("Error")}},
    }
    if code in _HEADERS:
        found["headers"][_HEADERS[code]] = _header("what to do next")
    return found


def _guard(paths: Paths) -> None:
    """Add what a caller without the right credentials is told, and open what needs none."""
    for path, methods in paths.items():
        for operation in (found for method, found in methods.items() if method in ("get", "post")):
            if path in OPEN_PAGES or path == "/docs":
                operation["security"] = []
            else:
                operation["responses"] = operation["responses"] | {str(code): _error(code) for code in _GUARDED}


def _object(name: str, schema: Schema) -> Schema:
    return {"type": "object", "properties": {name: schema}, "required": [name]}


def _header(text: str) -> Schema:
    return {"required": True, "description": text, "schema": {"type": "string"}}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _id(path: str) -> str:
    return path[1:].replace("/", ".")


def _texts(*names: str) -> Schema:
    properties: Schema = {name: {"type": "string"} for name in names}
    return {"type": "object", "properties": properties, "required": list(names)}


_TOLD = {"x-request-id": "the id of the answer", "x-model-version": "the version that answered"}
_VERSION = {
    "name": "version",
    "in": "path",
    "required": True,
    "schema": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
}
_PARAMETERS = [
    {"name": name, "in": "header", "schema": schemas.ID, "description": text}
    for name, text in (
        ("x-request-id", "names the answer, for feedback to come"),
        ("x-routing-key", "keeps a caller on one version"),
    )
]
_STRINGS = {"type": "array", "items": {"type": "string"}}
_TENSORS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "datatype": {"enum": list(DATATYPES)},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": -1}},
        },
        "required": ["name", "datatype", "shape"],
    },
}
_COMPONENTS: dict[str, Schema] = {
    "Error": schemas.ERROR,
    "Feedback": schemas.ENTRY,
    "Received": schemas.RECEIVED,
    "Tensor": schemas.TENSOR,
    "Inference": schemas.INFERENCE,
    "Inferred": schemas.INFERRED,
    "Ready": schemas.READY,
    "Live": _object("live", {"type": "boolean"}),
    "Health": {
        "type": "object",
        "properties": {"live": {"type": "boolean"}, "ready": {"type": "boolean"}},
        "required": ["live", "ready"],
    },
    "Server": _texts("name", "version"),
    "Models": _object("models", _STRINGS),
    "Model": {
        "type": "object",
        "properties": {
            "name": {"type": "string"},
            "versions": _STRINGS,
            "platform": {"type": "string"},
            "inputs": _TENSORS,
            "outputs": _TENSORS,
        },
        "required": ["name", "versions", "platform", "inputs", "outputs"],
    },
}
