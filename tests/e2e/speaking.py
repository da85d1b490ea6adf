"""Clients of others, in an environment of their own: told on a line of stdin what to say, they answer on one of stdout.

Each function is one conversation; what the client raises is told as ``failed`` and ``message``.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

Tensors = list[dict[str, Any]]


def array(tensor: dict[str, Any]) -> Any:
    from tritonclient.utils import triton_to_np_dtype

    if tensor["datatype"] == "BYTES":
        return np.array(tensor["data"], dtype=object).reshape(tensor["shape"])
    return np.array(tensor["data"], dtype=triton_to_np_dtype(tensor["datatype"])).reshape(tensor["shape"])


def listed(found: Any) -> Any:
    return [one.decode() if isinstance(one, bytes) else one for one in np.ravel(found).tolist()]


def _triton(transport: str, url: str) -> tuple[Any, Any]:
    client: Any = importlib.import_module(f"tritonclient.{transport}")
    return client, client.InferenceServerClient(url)


def triton_tells(transport: str, url: str, model: str, version: str = "") -> dict[str, Any]:
    _, client = _triton(transport, url)
    asked = {"as_json": True} if transport == "grpc" else {}
    return {
        "live": client.is_server_live(),
        "ready": client.is_server_ready(),
        "model_ready": client.is_model_ready(model, version),
        "unknown_ready": transport == "http" and client.is_model_ready("unknown"),  # gRPC has an error for that
        "server": client.get_server_metadata(**asked),
        "model": client.get_model_metadata(model, version, **asked),
    }


def triton_infers(
    transport: str,
    url: str,
    model: str,
    inputs: Tensors,
    outputs: dict[str, bool] | None = None,
    binary: bool = True,
    **more: Any,
) -> dict[str, Any]:
    module, client = _triton(transport, url)
    given = []
    for tensor in inputs:
        one = module.InferInput(tensor["name"], tensor["shape"], tensor["datatype"])
        one.set_data_from_numpy(array(tensor), **({} if transport == "grpc" else {"binary_data": binary}))
        given.append(one)
    wanted = None
    if outputs is not None:
        kinds = [{} if transport == "grpc" else {"binary_data": kind} for kind in outputs.values()]
        wanted = [module.InferRequestedOutput(name, **kind) for name, kind in zip(outputs, kinds, strict=True)]
    result = client.infer(model, given, outputs=wanted, **more)
    said = result.get_response(as_json=True) if transport == "grpc" else result.get_response()
    names = [output["name"] for output in said["outputs"]]
    arrays = {name: result.as_numpy(name) for name in names}
    return {
        "said": {name: value for name, value in said.items() if name in ("id", "model_name", "model_version")},
        "shapes": {name: list(found.shape) for name, found in arrays.items()},
        "kinds": {output["name"]: output["datatype"] for output in said["outputs"]},
        "values": {name: listed(found) for name, found in arrays.items()},
    }


def _kserve(url: str, protocol: str) -> Any:
    from kserve import InferenceRESTClient, RESTConfig

    return InferenceRESTClient(RESTConfig(protocol=protocol, retries=0))


def kserve_tells(url: str, model: str) -> dict[str, Any]:
    async def talk() -> dict[str, Any]:
        client = _kserve(url, "v2")
        return {
            "live": await client.is_server_live(url),
            "ready": await client.is_server_ready(url),
            "model_ready": await client.is_model_ready(url, model),
            "v1_model_ready": await _kserve(url, "v1").is_model_ready(url, model),
        }

    return asyncio.run(talk())


def kserve_predicts(url: str, model: str, data: dict[str, Any]) -> Any:
    return asyncio.run(_kserve(url, "v1").infer(url, data, model_name=model))


def _request(model: str, inputs: Tensors, binary: bool, outputs: Any, name: str | None) -> Any:
    from kserve import InferInput, InferRequest
    from kserve.protocol.infer_type import RequestedOutput

    given = []
    for tensor in inputs:
        one = InferInput(tensor["name"], tensor["shape"], tensor["datatype"])
        one.set_data_from_numpy(array(tensor), binary_data=binary)
        given.append(one)
    wanted = [RequestedOutput(name, {"binary_data": kind}) for name, kind in (outputs or {}).items()]
    return InferRequest(model, given, request_id=name, request_outputs=wanted)


def _told(response: Any) -> dict[str, Any]:
    return {
        "said": {"id": response.id, "model_name": response.model_name, "model_version": response.model_version},
        "shapes": {one.name: list(one.shape) for one in response.outputs},
        "kinds": {one.name: one.datatype for one in response.outputs},
        "values": {one.name: listed(one.as_numpy()) for one in response.outputs},
    }


def kserve_infers(
    url: str, model: str, inputs: Tensors, binary: bool = True, outputs: Any = None, name: str | None = None
) -> dict[str, Any]:
    request = _request(model, inputs, binary, outputs, name)
    return _told(asyncio.run(_kserve(url, "v2").infer(url, request, model_name=model)))


def kserve_calls(url: str, model: str, inputs: Tensors, name: str | None = None) -> dict[str, Any]:
    """Talk gRPC."""
    from kserve import InferenceGRPCClient

    async def talk() -> dict[str, Any]:
        async with InferenceGRPCClient(url, retries=0) as client:
            request = _request(model, inputs, True, None, name)
            told = {
                "live": await client.is_server_live(),
                "ready": await client.is_server_ready(),
                "model_ready": await client.is_model_ready(model),
            }
            return told | _told(await client.infer(request))

    return asyncio.run(talk())


def _mlflow(address: str) -> Any:
    from mlflow.pyfunc.scoring_server.client import ScoringServerClient

    return ScoringServerClient(*address.split(":"))


def _predicted(response: Any) -> dict[str, Any]:
    return {"values": listed(response.get_predictions().to_numpy())}


def _frame(columns: dict[str, Any]) -> Any:
    import pandas as pd

    frame = pd.DataFrame(columns)
    return frame.assign(day=pd.to_datetime(frame["day"], format="ISO8601")) if "day" in columns else frame


def mlflow_waits(address: str) -> dict[str, Any]:
    client = _mlflow(address)
    client.wait_server_ready(timeout=120)
    return {"version": client.get_version()}


def mlflow_frame(address: str, frame: dict[str, Any], params: Any = None) -> dict[str, Any]:
    return _predicted(_mlflow(address).invoke(_frame(frame), params=params))


def mlflow_arrays(url: str, arrays: dict[str, Any], shape: list[int]) -> dict[str, Any]:
    """Send arrays by name as MLflow writes them; its client stumbles over a dict of them itself."""
    return _posted(url, _example({name: np.array(arrays[name]).reshape(shape) for name in arrays}))


def mlflow_matrix(address: str, rows: list[list[float]], kind: str) -> dict[str, Any]:
    return _predicted(_mlflow(address).invoke(np.array(rows, dtype=kind)))


def mlflow_written(url: str, frame: dict[str, Any], form: str) -> dict[str, Any]:
    """Send what pandas or MLflow writes, and let MLflow read the answer."""
    table = _frame(frame)
    if form == "csv":
        return _posted(url, table.to_csv(index=False), "text/csv; charset=utf-8")
    if form == "example":
        return _posted(url, _example(table))
    return _posted(url, json.dumps({f"dataframe_{form}": json.loads(table.to_json(orient=form, date_format="iso"))}))


def _example(data: Any) -> str:
    from mlflow.models import convert_input_example_to_serving_input

    return str(convert_input_example_to_serving_input(data))


def _posted(url: str, body: str, kind: str = "application/json; charset=utf-8") -> dict[str, Any]:
    import requests
    from mlflow.deployments import PredictionsResponse

    response = requests.post(f"{url}/invocations", body.encode(), headers={"content-type": kind}, timeout=60)
    response.raise_for_status()
    return _predicted(PredictionsResponse.from_json(response.text))


def main() -> None:
    names: dict[str, Callable[..., Any]] = {name: found for name, found in globals().items() if callable(found)}
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            told = names[asked.pop("call")](**asked)
        except Exception as error:  # noqa: BLE001 - whatever a client raises is what the test looks at
            told = {"failed": type(error).__name__, "message": str(error)}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
