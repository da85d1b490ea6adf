"""Boucle's whole data plane mounted inside your own FastAPI application, beside your own routes.

python app.py PROJECT        then:  curl -s localhost:8000/models/predict -d '{...}'
"""

import sys

import uvicorn
from fastapi import FastAPI

from boucle.serving.embedded import asgi


def create_app(project: str) -> FastAPI:
    app = FastAPI()

    @app.get("/")
    def home() -> dict[str, str]:
        return {"say": "my own application", "models": "/models/docs"}

    app.mount("/models", asgi(project))
    return app


if __name__ == "__main__":
    uvicorn.run(create_app(sys.argv[1]), host="127.0.0.1", port=8000)
