"""Models of texts and images that tell what reached them, over a real state, asked through the ASGI application."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from boucle.core.deployment import Route, RouteTable, Target
from boucle.core.errors import RequestError
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch, Column, Field, Signature, outputs_of
from boucle.formats import bundle
from boucle.formats.routes import write_routes
from boucle.measures.pictures import head
from boucle.serving.app import App

TEXT, IMAGE = Field("text", "text"), Field("image", "image")
PREDICTION = "prediction"
SCORE, START, END = Field("score", "float64"), Field("start", "int64"), Field("end", "int64")
SIGNATURES = {
    "mood": Signature((TEXT,), outputs_of(("bad", "good")), "text-classification"),
    "names": Signature((TEXT,), (Field(PREDICTION, "json"),), "token-classification"),
    "gaps": Signature((TEXT,), (Field(PREDICTION, "json"),), "fill-mask"),
    "short": Signature((TEXT,), (Field(PREDICTION, "text"),), "summarization"),
    "vectors": Signature((TEXT,), (Field(PREDICTION, "float64", shape=(3,)),), "feature-extraction"),
    "asks": Signature(
        (Field("question", "text"), Field("context", "text")),
        (Field(PREDICTION, "text"), SCORE, START, END),
        "question-answering",
    ),
    "shapes": Signature((IMAGE,), outputs_of(("tall", "wide")), "image-classification"),
    "offer": Signature((IMAGE, Field("title", "text", optional=True), Field("price", "float64")), outputs_of(None)),
}


def objects(values: list[Any]) -> Column:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def classified(sure: list[float], labels: tuple[str, str]) -> Batch:
    shares = np.array([[1 - share, share] for share in sure])
    return {PREDICTION: objects([labels[share > 0.5] for share in sure]), "probabilities": shares}


class Telling:
    """One model by its name; it counts its calls and the rows of each."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls: list[int] = []
        self.gate, self.entered = Event(), Event()
        self.gate.set()

    def predict(self, batch: Batch) -> Batch:
        self.calls.append(len(next(iter(batch.values()))))
        if not self.gate.is_set():
            self.entered.set()
            self.gate.wait(60)
        texts = [str(text) for text in batch["text"]] if "text" in batch else []
        match self.name:
            case "mood":
                return classified([0.9 if "good" in text else 0.2 for text in texts], ("bad", "good"))
            case "names":
                return {PREDICTION: objects([_capitals(text) for text in texts])}
            case "gaps":
                return {PREDICTION: objects([[{"token": "a", "score": 0.5, "text": text}] for text in texts])}
            case "short":
                return {PREDICTION: objects([text[:9] for text in texts])}
            case "vectors":
                return {PREDICTION: np.array([[len(text), text.count("a"), 0.5] for text in texts])}
            case "asks":
                return _answers(batch)
            case "shapes":
                return classified([_wide(image) for image in batch["image"]], ("tall", "wide"))
        return {PREDICTION: np.array([len(image) for image in batch["image"]]) + batch["price"]}

    def embed(self, batch: Batch) -> NDArray[np.float64]:
        texts = [str(value) for value in next(iter(batch.values()))]
        return np.array([[text.count(letter) for letter in "abcdefghijkl"] for text in texts], dtype=np.float64)

    def thumbnail(self, image: bytes, side: int) -> bytes:
        return b"small " + image[:8]


def _wide(image: bytes) -> float:
    seen = head(image)
    if seen.width == 13:
        raise RequestError("image cannot be decoded.", code="not_an_image", field="image", row=0)
    return 0.9 if seen.width > seen.height else 0.1


def _capitals(text: str) -> list[dict[str, Any]]:
    place, found = 0, []
    for word in text.split(" "):
        if word[:1].isupper():
            found.append({"label": "NAME", "start": place, "end": place + len(word), "text": word, "score": 0.75})
        place += len(word) + 1
    return found


def _answers(batch: Batch) -> Batch:
    told = [str(context).split(" ")[0] for context in batch["context"]]
    ends = np.array([len(word) for word in told])
    return {PREDICTION: objects(told), "score": np.full(len(told), 0.5), "start": ends * 0, "end": ends}


class Runtime:
    """Loads the models above, and remembers them."""

    loaded: ClassVar[dict[str, Telling]] = {}

    def load(self, directory: Path, info: BundleInfo) -> Telling:
        self.loaded[info.name] = Telling(info.name)
        return self.loaded[info.name]


def release(root: Path, *names: str) -> None:
    """Lay out a state in which these models answer."""
    routes = []
    for name in names:
        staged = bundle.staging(root)
        bundle.write_info(staged, BundleInfo(name, SIGNATURES[name], "fake", 1.0))
        path, digest = bundle.publish(staged, root)
        routes.append(Route(name, True, Target(1, str(path), digest)))
    write_routes(root / "serving" / "routes.json", RouteTable(1, tuple(routes)))


@dataclass(frozen=True)
class Said:
    """What the application answered."""

    status: int
    headers: Mapping[bytes, bytes]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def asked(app: App, path: str, body: Any = None, kind: str = "", **headers: str) -> Said:
    """POST a body: bytes as they are, anything else as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    told += [(b"content-type", kind.encode())] if kind else []
    scope = {"type": "http", "method": "POST", "path": path, "headers": told}
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": raw, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return Said(sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"])


def form(**parts: bytes | tuple[str, bytes]) -> tuple[bytes, str]:
    """Return a form as a browser sends it, and its type; a pair is an uploaded file."""
    pieces = []
    for name, part in parts.items():
        file, body = part if isinstance(part, tuple) else ("", part)
        told = f'; filename="{file}"\r\ncontent-type: application/octet-stream' if file else ""
        pieces.append(f'--edge\r\ncontent-disposition: form-data; name="{name}"{told}\r\n\r\n'.encode() + body)
    return b"\r\n".join([*pieces, b"--edge--\r\n"]), 'multipart/form-data; boundary="edge"'
