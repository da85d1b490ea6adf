"""The control plane: the functions of the command line, over HTTP, under ``/api``."""

from __future__ import annotations

from fastapi import FastAPI

from boucle.api import acting, alerts, docs, keys, problems, reading, viewing
from boucle.api.access import Door
from boucle.api.shield import Shield
from boucle.loop.project import Project
from boucle.loop.turns import Turns


def create_app(project: Project, *, insecure: bool = False) -> FastAPI:
    """Build the control plane of one project; it holds nothing that is not in the project's state.

    Without authentication it answers to the names of this machine only, unless it is ``insecure``.
    """
    serve = project.settings.serve
    app = FastAPI(
        title="Boucle control plane",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        responses=problems.RESPONSES,
    )
    app.state.project = project
    app.state.turns = Turns(project)
    app.state.door = Door(project)
    problems.install(app)
    for router in (reading.router, viewing.router, acting.router, alerts.router, keys.router, docs.router):
        app.include_router(router)
    local = not (insecure or serve.insecure or serve.auth.on)
    app.add_middleware(Shield, tls=serve.tls is not None, local=local)
    return app
