"""Who may do what on the control plane. A route gets the project only by saying which role it takes.

``Viewed``, ``Operated`` and ``Administered`` are that project, acting in the caller's name. A route about a model has
its name as the path parameter ``name``; a caller limited to other models is refused there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request

from boucle.core.access import Caller, Role, may
from boucle.core.errors import Forbidden, RateLimited, Unauthenticated
from boucle.loop.access import file_of
from boucle.loop.attempts import Attempts
from boucle.loop.project import Project
from boucle.loop.usage import Usage
from boucle.serving.guard import Followed


class Door:
    """Recognises callers by the same file as the data plane, and slows those who keep failing."""

    def __init__(self, project: Project) -> None:
        self.followed = Followed(file_of(project), project.settings.serve.auth.on)
        self._attempts = Attempts()
        self._usage = Usage(project)

    def admit(self, request: Request, now: float) -> Caller:
        """Return who asks; raises Unauthenticated, Forbidden and RateLimited."""
        self.followed.look()
        authorization, key = (request.headers.get(name, "").encode() for name in ("authorization", "x-api-key"))
        try:
            caller = self.followed.guard.admit(authorization, key, "", now)
            if caller.by == "key":
                self._usage.note(caller.name, now)
            return caller
        except Unauthenticated:
            wait = self._attempts.failed(request.client.host if request.client else "", now)
            if not wait:
                raise
            seconds = math.ceil(wait)
            raise RateLimited("Too many failed attempts.", hint=f"wait {seconds} s", retry_after=seconds) from None


def _caller(request: Request) -> Caller:
    project: Project = request.app.state.project
    door: Door = request.app.state.door
    return door.admit(request, project.clock.now())


Known = Annotated[Caller, Depends(_caller)]


def require(caller: Caller, role: Role, model: str | None = None) -> None:
    """Raise Forbidden unless the caller has the role, for the model if there is one."""
    if may(caller, role, model):
        return
    if caller.role >= role:
        raise Forbidden(f"{caller.name} may not use the model {model}.", hint="its key has other models")
    raise Forbidden(f"This takes the role {role.value}; {caller.name} is {caller.role.value}.", role=role.value)


def require_all(caller: Caller) -> None:
    """Raise Forbidden for a caller who is limited to some models, where something is about all of them."""
    if caller.models is not None:
        raise Forbidden(f"This is about every model; {caller.name} is limited to some.")


def _opened(role: Role) -> Callable[[Request, Caller], Project]:
    def opened(request: Request, caller: Known) -> Project:
        require(caller, role, request.path_params.get("name"))
        project: Project = request.app.state.project
        return project.acting(caller.actor)

    return opened


Viewed = Annotated[Project, Depends(_opened(Role.VIEWER))]
Operated = Annotated[Project, Depends(_opened(Role.OPERATOR))]
Administered = Annotated[Project, Depends(_opened(Role.ADMIN))]
