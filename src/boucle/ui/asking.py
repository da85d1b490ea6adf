"""Asks the data plane in a reader's name: a question marked as a test, and what was right about its answer.

A test names the version it asks. Such requests are answered and kept as ``pinned``: they count in no window, so they
move neither drift nor quality nor the error rate. What a person says was right is learned from all the same.
"""

from __future__ import annotations

import base64
import http.client
import json
import math
import secrets
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from boucle.core.access import Role
from boucle.core.errors import Conflict, RequestError, StoreError
from boucle.loop import access, exposure
from boucle.loop.project import Project
from boucle.views.contract import FieldRow

TEST = "try-"
"""What the id of a test begins with."""
_HOLDER, _LASTS, _PATIENCE = "console", 86400.0, 20.0
_DATATYPES = {"float64": "FP64", "int64": "INT64", "bool": "BOOL"}
_keys: dict[Path, tuple[str, float]] = {}
"""The console's own key of each project, where the data plane asks for one, and when it ends."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer: the prediction, a probability for each class if there are any, and the seconds it took."""

    id: str
    version: int
    prediction: Any
    probabilities: tuple[float, ...]
    seconds: float


def url_of(project: Project) -> str:
    """Return where the data plane answers; raises StoreError where there is none."""
    try:
        return str(json.loads((project.root / "serving" / "address.json").read_bytes())["url"])
    except (OSError, ValueError, KeyError) as error:
        raise StoreError("No data plane answers for this project.", hint="boucle up") from error


def ask(project: Project, model: str, version: int, fields: tuple[FieldRow, ...], row: Mapping[str, Any]) -> Answered:
    """Ask one version about one row, as a test. Raises RequestError, and StoreError when nobody answers."""
    return ask_all(project, model, version, fields, [row])[0]


def ask_all(
    project: Project, model: str, version: int, fields: tuple[FieldRow, ...], rows: Sequence[Mapping[str, Any]]
) -> list[Answered]:
    """Ask one version about rows in one request, as a test; raises as ``ask`` does, and then none is answered."""
    id_ = f"{TEST}{secrets.token_hex(8)}"
    tensors = [_tensor(one, rows) for one in fields if any(one.name in row for row in rows)]
    path = f"/v2/models/{quote(model, safe='')}/versions/{version}/infer"
    headers = _credentials(project)
    begun = time.perf_counter()
    told = _posted(project, path, {"id": id_, "inputs": tensors}, headers)
    seconds = time.perf_counter() - begun
    first, *others = told["outputs"]
    shares = next((one for one in others if one["name"] == "probabilities"), None)
    return [
        Answered(
            str(told["id"]), int(told["model_version"]), _at(first, place), tuple(map(float, _at(shares, place))),
            seconds,
        )
        for place in range(len(rows))
    ]  # fmt: skip


def _at(tensor: Mapping[str, Any] | None, place: int) -> Any:
    """Return one row of a tensor, whose data are written flat; nothing of none."""
    if tensor is None:
        return ()
    each = math.prod(tensor["shape"][1:])
    return tensor["data"][place * each : (place + 1) * each] if tensor["shape"][1:] else tensor["data"][place]


def tell(project: Project, id_: str, truth: Any = None, thumb: bool | None = None) -> None:
    """Send what was right about an answer, or a thumb; of two truths the newest counts. Raises as ``ask`` does."""
    entries: list[dict[str, Any]] = []
    if thumb is not None:
        entries.append({"id": id_, "event": "thumb", "value": int(thumb)})
    if truth is not None:
        entries.append({"id": id_, "truth": [truth]})
    _posted(project, "/feedback", entries, _credentials(project))


def _tensor(field: FieldRow, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    values = [row.get(field.name) for row in rows]
    tensor: dict[str, Any] = {"name": field.name, "shape": [len(rows)], "data": values}
    if any(isinstance(value, bytes) for value in values):
        tensor["data"] = [base64.b64encode(value).decode() if isinstance(value, bytes) else value for value in values]
        return tensor | {"datatype": "BYTES", "parameters": {"content_type": "base64"}}
    return tensor | {"datatype": _DATATYPES.get(field.dtype, "BYTES")}


def _posted(project: Project, path: str, body: Any, credentials: dict[str, str]) -> Any:
    """Post JSON to the data plane and return what it says."""
    parts = urlsplit(url_of(project))
    headers = {"content-type": "application/json", **credentials}
    connection = _connection(project, parts.hostname or "", parts.port, parts.scheme == "https")
    try:
        connection.request("POST", path, json.dumps(body), headers)
        answer = connection.getresponse()
        told = json.loads(answer.read() or b"{}")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise StoreError("The data plane does not answer.", hint=f"boucle status ({type(error).__name__})") from error
    finally:
        connection.close()
    if answer.status >= 400:
        facts = {"field": told.get("field") or "", "retry_after": answer.headers.get("retry-after") or ""}
        raise RequestError(str(told.get("error", answer.reason)), hint=told.get("hint"), **facts)
    return told


def _connection(project: Project, host: str, port: int | None, tls: bool) -> http.client.HTTPConnection:
    if not tls:
        return http.client.HTTPConnection(host, port, timeout=_PATIENCE)
    files = exposure.tls_files(project)
    context = ssl.create_default_context(cafile=files[0] if files else None)
    context.check_hostname = False  # it is asked by its address, and known by its very certificate
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return http.client.HTTPSConnection(host, port, timeout=_PATIENCE, context=context)


def _credentials(project: Project) -> dict[str, str]:
    """Return what the data plane asks for: a key of the console's own, made anew every day, kept in memory alone."""
    if not project.settings.serve.auth.on:
        return {}
    secret, ends = _keys.get(project.root, ("", 0.0))
    if ends - project.clock.now() < 0.1 * _LASTS:
        keeper = project.acting("keeper")
        try:
            made = access.add(keeper, _HOLDER, Role.VIEWER, lasts=_LASTS)
        except Conflict:
            made = access.rotate(keeper, _HOLDER, 60.0, _LASTS)
        secret, ends = made.secret, made.key.until
        _keys[project.root] = secret, ends
        time.sleep(2.0)  # both planes read the new key within two seconds
    return {"x-api-key": secret}
